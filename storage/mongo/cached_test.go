package mongo

import (
	"errors"
	"testing"
	"time"

	"revela/app/redis/redistest"
	"revela/cache"
	"revela/task"
)

// TestCachedReadsWithoutServer: what is cached is still answered while the server
// is gone or hangs; what is not is reported in time, and is there again after.
func TestCachedReadsWithoutServer(t *testing.T) {
	t.Parallel()
	p := newProxy(t, ferretURI(t))
	s := openAt(t, p.uri())
	c, err := cache.New(redistest.Shared(t).Client(t), s, cache.Config{LocalTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	known, err := s.Create(t.Context(), newTask())
	if err != nil {
		t.Fatal(err)
	}
	reads := map[string]func() error{
		"Get":   func() error { _, err := c.Get(t.Context(), known.ID); return err },
		"List":  func() error { _, err := c.List(t.Context(), task.Query{Limit: 10}); return err },
		"Count": func() error { _, err := c.Count(t.Context(), task.Filter{}); return err },
	}
	for name, trouble := range map[string]struct {
		begin func()
		end   func() error
	}{
		"gone": {p.vanish, p.appear},
		"hung": {p.hang, func() error { p.resume(); return nil }},
	} {
		hot := time.Now().Add(20 * time.Second)
		for before := int64(-1); c.Stats().LocalHits != before+3; {
			if time.Now().After(hot) {
				t.Fatal("the cache does not get hot")
			}
			before = c.Stats().LocalHits
			for what, read := range reads {
				if err := read(); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			}
		}
		trouble.begin()
		for what, read := range reads {
			if err := read(); err != nil {
				t.Errorf("%s, %s: %v, although it is cached", name, what, err)
			}
		}
		begin := time.Now()
		_, err := c.Get(t.Context(), task.NewID())
		if took := time.Since(begin); !errors.Is(err, task.ErrUnavailable) || took > 2*time.Second {
			t.Errorf("%s: a read that is not cached: %v after %v, want ErrUnavailable within 2 s", name, err, took)
		}
		if err := trouble.end(); err != nil {
			t.Fatal(err)
		}
		again := time.Now().Add(20 * time.Second)
		for _, err = c.Get(t.Context(), task.NewID()); !errors.Is(err, task.ErrNotFound); _, err = c.Get(t.Context(), task.NewID()) {
			if time.Now().After(again) {
				t.Fatalf("%s: the server is back, and yet %v", name, err)
			}
		}
	}
}
