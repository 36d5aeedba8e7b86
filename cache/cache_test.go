package cache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"revela/cache"
	"revela/task"
)

func TestKeysAndLives(t *testing.T) {
	t.Parallel()
	dial := onRedis()
	x := sample()
	c := newCache(t, dial, newRepo(x), patient)
	get(t, c, x.ID)
	list(t, c)
	count(t, c)
	if _, err := c.List(t.Context(), task.Query{Filter: task.Filter{Statuses: task.Only(task.Failed)}, Limit: 20, Offset: 40}); err != nil {
		t.Fatal(err)
	}
	// md5 of "status=&limit=10&offset=0", "status=failed&limit=20&offset=40" and "status="
	rdb := dial(t)
	for key, life := range map[string]time.Duration{
		"task:" + string(x.ID):                         60 * time.Second,
		"tasks:list:2e9b6a97214ed7a66d642166c2a4df55":  30 * time.Second,
		"tasks:list:d41ef6ccb8a7db167f6a787b9096aef4":  30 * time.Second,
		"tasks:count:3d6905511dbffb2d6de4f023a3cc2b0d": 45 * time.Second,
	} {
		eventually(t, key+" is filled", func() bool {
			ms, err := rdb.Do(t.Context(), rdb.B().Pttl().Key(key).Build()).AsInt64()
			if err != nil {
				t.Fatal(err)
			}
			left := time.Duration(ms) * time.Millisecond
			return left > life-10*time.Second && left <= life
		})
	}
	keys, err := rdb.Do(t.Context(), rdb.B().Keys().Pattern("*").Build()).AsStrSlice()
	if err != nil || len(keys) != 5 { // and the generation
		t.Fatalf("keys: %q, %v", keys, err)
	}
}

func TestFromCacheAsFromRepository(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		full, bare := sample(), task.Task{ID: task.NewID(), Status: task.Pending, Version: 1}
		r := newRepo(full, bare)
		for _, fills := range []int64{4, 0} { // two processes: the second finds what the first has stored
			c := newCache(t, dial, r, patient)
			for range 2 {
				for _, want := range []task.Task{full, bare} {
					if diff := cmp.Diff(want, get(t, c, want.ID)); diff != "" {
						t.Fatal(diff)
					}
				}
				if diff := cmp.Diff([]task.Task{bare, full}, list(t, c)); diff != "" {
					t.Fatal(diff)
				}
				if n := count(t, c); n != 2 {
					t.Fatalf("count is %d", n)
				}
				filled(t, c, fills)
			}
		}
		if n := r.reads.Load(); n != 4 {
			t.Errorf("%d reads of the repository, want one of each", n)
		}
	})
}

// filled waits until c has stored n values since it was made.
func filled(t *testing.T, c *cache.Cache, n int64) {
	t.Helper()
	eventually(t, "the fills to be stored", func() bool { return c.Stats().Fills == n })
}

// What is hot is decoded once, and all readers share it.
func TestHotReadsShareWhatWasDecoded(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		x := sample()
		c := newCache(t, dial, newRepo(x), patient)
		get(t, c, x.ID)
		list(t, c)
		filled(t, c, 2)
		one, page := get(t, c, x.ID), list(t, c)
		if diff := cmp.Diff(x, one) + cmp.Diff([]task.Task{x}, page); diff != "" {
			t.Fatal(diff)
		}
		if again := get(t, c, x.ID); &again.Images[0] != &one.Images[0] {
			t.Error("a task was decoded or copied again")
		}
		if again := list(t, c); &again[0] != &page[0] {
			t.Error("a page was decoded or copied again")
		}
	})
}

func TestHotReadsCostNoRoundTrip(t *testing.T) {
	t.Parallel()
	dial := onRedis()
	x := sample()
	r := newRepo(x)
	c := newCache(t, dial, r, patient)
	eventually(t, "copies of all three in this process", func() bool {
		before := c.Stats().LocalHits
		get(t, c, x.ID)
		list(t, c)
		count(t, c)
		return c.Stats().LocalHits == before+3
	})
	for range 100 {
		get(t, c, x.ID)
		list(t, c)
		count(t, c)
	}
	if s := c.Stats(); s.LocalHits < 300 || r.reads.Load() != 3 {
		t.Errorf("%+v, %d reads of the repository", s, r.reads.Load())
	}
}

func TestNotFoundIsNotRemembered(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		r := newRepo()
		c, other := newCache(t, dial, r, patient), newCache(t, dial, r, patient)
		for range 50 {
			x := sample()
			for _, c := range []*cache.Cache{c, other, c} {
				if _, err := c.Get(t.Context(), x.ID); !errors.Is(err, task.ErrNotFound) {
					t.Fatalf("got %v", err)
				}
			}
			r.put(x)
			c.Invalidate(t.Context(), x.ID)
			get(t, c, x.ID)
			get(t, other, x.ID) // even where nobody was told
		}
	})
}

func TestDeletedTaskDoesNotComeBack(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		r := newRepo()
		c := newCache(t, dial, r, patient)
		for range 100 {
			x := sample()
			r.put(x)
			c.Invalidate(t.Context(), x.ID)
			get(t, c, x.ID)
			get(t, c, x.ID)
			list(t, c)
			r.remove(x.ID)
			c.Invalidate(t.Context(), x.ID)
			if _, err := c.Get(t.Context(), x.ID); !errors.Is(err, task.ErrNotFound) {
				t.Fatalf("got %v", err)
			}
			if ts, n := list(t, c), count(t, c); len(ts) != 0 || n != 0 {
				t.Fatalf("still listed: %v, %d", ts, n)
			}
		}
	})
}

func TestErrorsAreNotCached(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		x := sample()
		r := newRepo(x)
		c := newCache(t, dial, r, patient)
		r.breakWith(task.ErrUnavailable)
		_, err1 := c.Get(t.Context(), x.ID)
		_, err2 := c.List(t.Context(), task.Query{Limit: 10})
		_, err3 := c.Count(t.Context(), task.Filter{})
		for _, err := range []error{err1, err2, err3} {
			if !errors.Is(err, task.ErrUnavailable) {
				t.Fatalf("got %v", err)
			}
		}
		r.breakWith(nil)
		get(t, c, x.ID)
		list(t, c)
		count(t, c)
		filled(t, c, 3)

		r.breakWith(task.ErrUnavailable) // cached reads still answer
		get(t, c, x.ID)
		list(t, c)
		count(t, c)
	})
}

func TestBoundedKeys(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		x := sample()
		r := newRepo(x)
		c := newCache(t, dial, r, patient)
		rdb := dial(t)
		ctx := t.Context()
		for i := range 300 {
			_, _ = c.Get(ctx, task.NewID())
			since := time.Unix(int64(i), 0)
			for _, f := range odd(since) {
				if _, err := c.Count(ctx, f); err != nil {
					t.Fatal(err)
				}
				if _, err := c.List(ctx, task.Query{Limit: 10, Filter: f}); err != nil {
					t.Fatal(err)
				}
			}
			for _, q := range []task.Query{
				{Limit: 10, Offset: 100 + 10*i},
				{Limit: 10, Offset: -10},
				{Limit: 10, Offset: 10*i + 1},
				{Limit: 101 + i},
				{Limit: -i},
				{Limit: 5*(i%19) + 6},
				{Limit: 10, After: task.Cursor{CreatedAt: since, ID: x.ID}},
				{Limit: 10, After: task.Cursor{CreatedAt: since}},
			} {
				if q.Offset >= 0 && q.Limit >= 0 {
					if _, err := c.List(ctx, q); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		// No key but the generation, as soon as the last claim is given up.
		eventually(t, "an empty database", func() bool {
			n, err := rdb.Do(ctx, rdb.B().Dbsize().Build()).AsInt64()
			if err != nil {
				t.Fatal(err)
			}
			return n <= 1
		})
	})
}

// odd are filters that few share.
func odd(since time.Time) []task.Filter {
	return []task.Filter{
		{From: since}, {Until: since}, {From: since, Until: since.Add(time.Hour), Statuses: task.Only(task.Failed)},
		{Statuses: task.Only(task.Failed, task.Cancelled)}, {Statuses: task.Only(task.Statuses()...)},
	}
}

func TestForeignValuesAreReplaced(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		x := sample()
		r := newRepo(x)
		rdb := dial(t)
		for i, v := range []string{"", "4", "4=", "4={", `4={"i":"another"}`, "1=" + string(x.ID), "4?", "nonsense"} {
			c := newCache(t, dial, r, cache.Config{Budget: 200 * time.Millisecond})
			if err := rdb.Do(t.Context(), rdb.B().Set().Key("task:"+string(x.ID)).Value(v).Build()).Error(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(x, get(t, c, x.ID)); diff != "" {
				t.Errorf("value %d: %s", i, diff)
			}
		}
		// A key of another type can be neither read nor written.
		c := newCache(t, dial, r, patient)
		if err := rdb.DoMulti(t.Context(),
			rdb.B().Del().Key("task:"+string(x.ID)).Build(),
			rdb.B().Rpush().Key("task:"+string(x.ID)).Element("x").Build())[1].Error(); err != nil {
			t.Fatal(err)
		}
		get(t, c, x.ID)
	})
}

func TestClosed(t *testing.T) {
	t.Parallel()
	dial := onRedis()
	x := sample()
	r := newRepo(x)
	c := newCache(t, dial, r, patient)
	g := r.hold()
	got := make(chan error, 1)
	go func() {
		_, err := c.Get(context.WithoutCancel(t.Context()), x.ID)
		got <- err
	}()
	<-g.entered
	c.Close() // while a fill is under way
	c.Close()
	if err := <-got; err != nil {
		t.Error(err)
	}
	get(t, c, x.ID)
	list(t, c)
	c.Invalidate(t.Context(), x.ID)
	if n := count(t, c); n != 1 {
		t.Errorf("count is %d", n)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	rdb := onRedis()(t)
	for name, f := range map[string]func() (*cache.Cache, error){
		"no client":     func() (*cache.Cache, error) { return cache.New(nil, newRepo(), cache.Config{}) },
		"no repository": func() (*cache.Cache, error) { return cache.New(rdb, nil, cache.Config{}) },
		"bad life":      func() (*cache.Cache, error) { return cache.New(rdb, newRepo(), cache.Config{TaskTTL: -1}) },
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	err := cache.Config{TaskTTL: time.Microsecond, ListTTL: 25 * time.Hour, Budget: time.Minute}.Validate()
	var all interface{ Unwrap() []error }
	if !errors.As(err, &all) || len(all.Unwrap()) != 3 {
		t.Errorf("want three mistakes at once, got %v", err)
	}
}
