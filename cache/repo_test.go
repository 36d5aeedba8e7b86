package cache_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"revela/cache"
	"revela/task"
)

// repo is a task.Reader over a map, with a gate between reading and answering.
type repo struct {
	mu    sync.Mutex
	tasks map[task.ID]task.Task
	fail  error

	lag   time.Duration // that a read takes
	gate  atomic.Pointer[gate]
	reads atomic.Int64 // of any sort
}

// gate holds the next read back after it has read.
type gate struct {
	entered chan struct{} // closed when the read has its answer
	release chan struct{} // closed to let it return
}

func newRepo(ts ...task.Task) *repo {
	r := &repo{tasks: make(map[task.ID]task.Task)}
	for _, t := range ts {
		r.tasks[t.ID] = t
	}
	return r
}

// hold makes the next read, and no other, wait.
func (r *repo) hold() *gate {
	g := &gate{entered: make(chan struct{}), release: make(chan struct{})}
	r.gate.Store(g)
	return g
}

func (r *repo) read(ctx context.Context, f func() error) error {
	r.reads.Add(1)
	r.mu.Lock()
	err := r.fail
	if err == nil {
		err = f()
	}
	r.mu.Unlock()
	if r.lag > 0 {
		<-time.After(r.lag)
	}
	if g := r.gate.Swap(nil); g != nil {
		close(g.entered)
		select {
		case <-g.release:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

func (r *repo) Get(ctx context.Context, id task.ID) (t task.Task, err error) {
	err = r.read(ctx, func() error {
		var ok bool
		if t, ok = r.tasks[id]; !ok {
			return task.ErrNotFound
		}
		return nil
	})
	return t, err
}

func (r *repo) List(ctx context.Context, q task.Query) (ts []task.Task, err error) {
	err = r.read(ctx, func() error {
		for _, t := range r.tasks {
			if selects(q.Filter, t) {
				ts = append(ts, t)
			}
		}
		return nil
	})
	slices.SortFunc(ts, func(a, b task.Task) int { return -cmp.Compare(a.ID, b.ID) })
	ts = ts[min(q.Offset, len(ts)):]
	return ts[:min(q.Limit, len(ts))], err
}

func (r *repo) Count(ctx context.Context, f task.Filter) (n task.Total, err error) {
	err = r.read(ctx, func() error {
		n.Exact = true
		for _, t := range r.tasks {
			if selects(f, t) {
				n.N++
			}
		}
		return nil
	})
	return n, err
}

func selects(f task.Filter, t task.Task) bool {
	return (f.Statuses == 0 || f.Statuses&task.Only(t.Status) != 0) &&
		(f.From.IsZero() || !t.CreatedAt.Before(f.From)) && (f.Until.IsZero() || t.CreatedAt.Before(f.Until))
}

// bump stores the next version of a task.
func (r *repo) bump(id task.ID) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tasks[id]
	t.Version++
	r.tasks[id] = t
	return t.Version
}

func (r *repo) put(t task.Task) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tasks[t.ID] = t
}

func (r *repo) remove(id task.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.tasks, id)
}

func (r *repo) breakWith(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

// sample is a task with every field set.
func sample() task.Task {
	at := time.Date(2026, 5, 4, 3, 2, 1, int(7*time.Millisecond), time.UTC)
	return task.Task{
		ID: task.NewID(), Status: task.Completed, Version: 1,
		Source:   task.Source{Kind: task.Upload, Name: "Überblick \"1\".jpg"},
		Original: task.Original{Path: "storage/images/x/original.jpg", Format: "jpeg", Width: 4000, Height: 3000, Size: 1 << 20, SHA256: "ab"},
		Variants: "thumbs", Urgent: true, NotBefore: at.Add(time.Hour),
		Images: []task.Image{
			{Resolution: "1024", Path: "output/x/1024/a.jpg", Format: "jpeg", Width: 1024, Height: 768, Size: 1234, MD5: "a"},
			{Resolution: "800", Path: "output/x/800/b.jpg", Format: "jpeg", Width: 800, Height: 600, Size: 999, MD5: "b"},
		},
		Error: "once upon a time", Attempts: 2, Stalls: 1, IdempotencyKey: "key", Fingerprint: "cd",
		Token: "lease", StartedAt: at.Add(time.Second), FinishedAt: at.Add(2 * time.Second),
		CreatedAt: at, UpdatedAt: at.Add(3 * time.Second),
	}
}

// patient is a Config for tests of what is stored, not of how long it takes: a
// busy machine must not look like a dead Redis.
var patient = cache.Config{Budget: 10 * time.Second}

func newCache(t *testing.T, dial dialer, r task.Reader, cfg cache.Config) *cache.Cache {
	t.Helper()
	c, err := cache.New(dial(t), r, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func get(t *testing.T, c *cache.Cache, id task.ID) task.Task {
	t.Helper()
	got, err := c.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func list(t *testing.T, c *cache.Cache) []task.Task {
	t.Helper()
	got, err := c.List(t.Context(), task.Query{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func count(t *testing.T, c *cache.Cache) int64 {
	t.Helper()
	n, err := c.Count(t.Context(), task.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if !n.Exact {
		t.Error("a total has become inexact")
	}
	return n.N
}
