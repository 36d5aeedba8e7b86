package queue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"revela/app/redis"
	"revela/app/redis/redistest"
	"revela/queue"
)

// hand is a handler made of one function, which notes how jobs failed for good.
type hand struct {
	process func(context.Context, *queue.Job) error

	mu     sync.Mutex
	failed []string
}

func (h *hand) Process(ctx context.Context, job *queue.Job) error { return h.process(ctx, job) }

func (h *hand) Failed(_ context.Context, job *queue.Job, f queue.Failure) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.Final {
		h.failed = append(h.failed, job.ID)
	}
	return nil
}

// serve runs a pool with h until the test ends.
func serve(t *testing.T, q *queue.Queue, h queue.Handler) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- queue.NewPool(q, h, queue.Hooks{}).Run(ctx, time.Second) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func settings() queue.Config {
	c := queue.DefaultConfig()
	c.Concurrency, c.Backoff, c.Jitter, c.Lease = 4, 50*time.Millisecond, 0, 2*time.Second
	return c
}

// At maxmemory with noeviction Redis takes no new job, and says so; but work
// goes on in every way that it can go, since it alone frees memory.
func TestWorkGoesOnWithoutMemory(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t, "--maxmemory-policy", "noeviction")
	_, q := open(t, redis.Config{URL: s.URL}, settings())
	ctx := t.Context()
	started, enough := make(chan string, 100), make(chan struct{})
	h := &hand{process: func(ctx context.Context, job *queue.Job) error {
		started <- job.ID
		<-enough
		if err := job.Extend(ctx); err != nil {
			t.Errorf("%s: extend: %v", job.ID, err)
		}
		if err := job.Progress(ctx, 50); err != nil {
			t.Errorf("%s: progress: %v", job.ID, err)
		}
		switch {
		case job.Name == "flaky" && job.Attempt == 1:
			return errors.New("the first attempt")
		case job.Name == "broken":
			return queue.Permanent(errors.New("broken"))
		case job.Name == "later" && len(started) < 20:
			return queue.Postpone(errors.New("not now"), 50*time.Millisecond)
		}
		return nil
	}}
	add := func(ids ...queue.Spec) error {
		for i := range ids {
			ids[i].Data = []byte(`{}`)
		}
		_, err := q.Add(ctx, ids...)
		return err
	}
	var specs []queue.Spec
	for i := range 20 {
		specs = append(specs, queue.Spec{ID: fmt.Sprint("j", i), Name: []string{"good", "flaky", "later"}[i%3]})
	}
	specs = append(specs,
		queue.Spec{ID: "broken", Name: "broken"}, queue.Spec{ID: "soon", Delay: 300 * time.Millisecond},
		queue.Spec{ID: "promoted", Delay: time.Hour}, queue.Spec{ID: "removed", Delay: time.Hour},
		queue.Spec{ID: "cancelled", Delay: time.Hour}, queue.Spec{ID: "cleaned", Delay: time.Hour},
		queue.Spec{ID: "restored", Delay: time.Hour})
	if err := add(specs...); err != nil {
		t.Fatal(err)
	}
	admin := s.Client(t)
	const pre = "bull:image-processing:"
	do(t, admin, "ZREM", pre+"delayed", "restored")
	do(t, admin, "LMOVE", pre+"waiting", pre+"active", "RIGHT", "LEFT") // by a client that died: to be recovered
	serve(t, q, h)
	receive(t, "a job is in work", started)

	do(t, admin, "CONFIG", "SET", "maxmemory", "100kb")
	if err := admin.Do(ctx, admin.B().Set().Key("x").Value("y").Build()).Error(); err == nil || !strings.HasPrefix(err.Error(), "OOM") {
		t.Fatalf("the memory is not full: %v", err)
	}
	if err := add(queue.Spec{ID: "refused"}); !errors.Is(err, queue.ErrNoMemory) {
		t.Errorf("a job without memory for it: %v", err)
	}
	if n, err := q.Add(ctx, queue.Spec{ID: "j0"}); err != nil || n != 0 {
		t.Errorf("a job that is there: %d, %v", n, err)
	}
	close(enough)
	stats := func() queue.Stats {
		got, err := q.Stats(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	eventually(t, "all that can end has ended", func() bool {
		return stats() == queue.Stats{CompletedTotal: 21, Failed: 1, FailedTotal: 1, Delayed: 4}
	})

	for what, f := range map[string]func() error{
		"promote": func() error { return q.Promote(ctx, "promoted") },
		"remove":  func() error { return q.Remove(ctx, "removed") },
		"cancel":  func() error { return q.Cancel(ctx, "cancelled") },
		"retry":   func() error { return q.Retry(ctx, "broken") },
		"restore": func() error {
			if was, err := q.Restore(ctx, "restored"); err != nil || was != 1 {
				return fmt.Errorf("%d, %w", was, err)
			}
			return nil
		},
		"resume": func() error { return q.Resume(ctx) },
	} {
		if err := f(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if ids, err := q.Clean(ctx, queue.Delayed, 0, 10); err != nil || !slices.Equal(ids, []string{"cleaned"}) {
		t.Errorf("clean: %v, %v", ids, err)
	}
	eventually(t, "these have ended too", func() bool {
		return stats() == queue.Stats{CompletedTotal: 23, Failed: 1, FailedTotal: 2}
	})

	do(t, admin, "CONFIG", "SET", "maxmemory", "0")
	if err := add(queue.Spec{ID: "refused"}); err != nil {
		t.Errorf("with memory again: %v", err)
	}
	eventually(t, "it is taken", func() bool { return stats().CompletedTotal == 24 })
	if want := []string{"broken", "broken"}; !slices.Equal(h.failed, want) {
		t.Errorf("failed for good: %v, want %v", h.failed, want)
	}
}
