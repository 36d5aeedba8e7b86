package cache_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"revela/cache"
	"revela/task"
)

// silent is a store whose answers to changes are lost: what was asked for is done.
type silent struct{ task.Repository }

func lost(err error) error {
	return fmt.Errorf("%w: the answer was lost", errors.Join(task.ErrUnavailable, err))
}

func (s silent) Create(ctx context.Context, t task.Task) (task.Task, error) {
	_, err := s.Repository.Create(ctx, t)
	return task.Task{}, lost(err)
}

func (s silent) Update(ctx context.Context, t task.Task) (task.Task, error) {
	_, err := s.Repository.Update(ctx, t)
	return task.Task{}, lost(err)
}

func (s silent) Delete(ctx context.Context, id task.ID) error {
	return lost(s.Repository.Delete(ctx, id))
}

// A change is seen at once, by the process that made it, by each way of reading,
// also if the store's answer was lost; one that was refused invalidates nothing.
func TestChangesAreSeen(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		store, _ := newStore(t)
		for name, repo := range map[string]task.Repository{"answered": store, "the answer is lost": silent{store}} {
			c := newCache(t, dial, store, patient)
			records := c.Records(repo)
			unless := func(err error) {
				t.Helper()
				if err != nil && !errors.Is(err, task.ErrUnavailable) {
					t.Fatalf("%s: %v", name, err)
				}
			}
			before, listed := count(t, c), len(list(t, c))
			x := fresh()
			_, err := records.Create(t.Context(), x)
			unless(err)
			if n, l := count(t, c), len(list(t, c)); n != before+1 || l != listed+1 {
				t.Fatalf("%s: after Create: %d tasks, %d listed", name, n, l)
			}
			now := get(t, c, x.ID)
			gone, err := now.Cancel(now.UpdatedAt)
			if err != nil {
				t.Fatal(err)
			}
			_, err = records.Update(t.Context(), gone)
			unless(err)
			if got := get(t, c, x.ID); got.Status != task.Cancelled || list(t, c)[0].Status != task.Cancelled {
				t.Errorf("%s: after Update: %s", name, got.Status)
			}
			if _, err := c.Records(store).Update(t.Context(), now); !errors.Is(err, task.ErrConflict) {
				t.Errorf("%s: an old version: %v", name, err)
			}
			unless(records.Delete(t.Context(), x.ID))
			if _, err := c.Get(t.Context(), x.ID); !errors.Is(err, task.ErrNotFound) {
				t.Errorf("%s: after Delete: %v", name, err)
			}
			if n, l := count(t, c), len(list(t, c)); n != before || l != listed {
				t.Errorf("%s: after Delete: %d tasks, %d listed", name, n, l)
			}
			if n := c.Stats().Invalidations; n != 3 {
				t.Errorf("%s: %d invalidations, want 3", name, n)
			}
		}
	})
}

// Whichever way a process has shown a version of a task, no cached read shows an
// older one: not even if nobody announces the change.
func TestNothingShownGoesBack(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		store, _ := newStore(t)
		ways := map[string]func(*cache.Cache, task.Task) error{
			"an odd page": func(c *cache.Cache, _ task.Task) error {
				_, err := c.List(t.Context(), task.Query{Limit: 7})
				return err
			},
			"a search": func(c *cache.Cache, _ task.Task) error {
				_, err := c.Records(store).Search(t.Context(), task.Query{Limit: 10}, "a")
				return err
			},
			"the record": func(c *cache.Cache, x task.Task) error {
				_, err := c.Records(store).Get(t.Context(), x.ID)
				return err
			},
			"the records": func(c *cache.Cache, _ task.Task) error {
				_, err := c.Records(store).List(t.Context(), task.Query{Limit: 10})
				return err
			},
			"its key": func(c *cache.Cache, x task.Task) error {
				_, err := c.Records(store).FindByKey(t.Context(), x.IdempotencyKey)
				return err
			},
		}
		c := newCache(t, dial, store, patient)
		for name, show := range ways {
			x := fresh()
			x.Source, x.IdempotencyKey = task.Source{Kind: task.Upload, Name: "a.jpg"}, name
			old, err := c.Records(store).Create(t.Context(), x)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // filled, then copied
				get(t, c, x.ID)
				list(t, c)
			}
			next, err := old.Cancel(old.UpdatedAt)
			if err != nil {
				t.Fatal(err)
			}
			if next, err = store.Update(t.Context(), next); err != nil { // behind the cache's back
				t.Fatal(err)
			}
			if err := show(c, x); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(next, get(t, c, x.ID), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("after %s: %s", name, diff)
			}
			if got := list(t, c); got[0].ID != x.ID || got[0].Status != task.Cancelled {
				t.Errorf("after %s the list begins with %s, %s", name, got[0].ID, got[0].Status)
			}
		}
	})
}

// Who heard of a change by another way than the cache reads it afterwards, although
// the copies here may not have been announced to yet.
func TestDoubtedCopiesAreCompared(t *testing.T) {
	t.Parallel()
	dial := onRedis()
	x, y := sample(), sample()
	r := newRepo(x)
	writer, c := newCache(t, dial, r, patient), newCache(t, dial, r, patient)
	for i := range 500 {
		for what := range 3 {
			look(t, c, x.ID, what)
		}
		tasks := 1 + (i+1)%2 // y comes and goes
		if tasks == 2 {
			r.put(y)
		} else {
			r.remove(y.ID)
		}
		want := r.bump(x.ID)
		writer.Invalidate(t.Context(), x.ID)
		c.Doubt(x.ID)
		switch i % 3 { // each is the first to look
		case 0:
			if got := get(t, c, x.ID).Version; got < want {
				t.Fatalf("round %d: version %d, want %d", i, got, want)
			}
		case 1:
			if n := count(t, c); n != int64(tasks) {
				t.Fatalf("round %d: %d tasks, want %d", i, n, tasks)
			}
		case 2:
			if got := list(t, c); len(got) != tasks {
				t.Fatalf("round %d: %d tasks listed, want %d", i, len(got), tasks)
			}
		}
	}
}
