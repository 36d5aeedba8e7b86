package app

import (
	"context"
	"testing"
	"time"

	"revela/app/redis/redistest"
	"revela/queue"
)

// deaf is a handler that minds no context.
type deaf struct{ release chan struct{} }

func (d deaf) Process(context.Context, *queue.Job) error               { <-d.release; return nil }
func (d deaf) Failed(context.Context, *queue.Job, queue.Failure) error { return nil }

// Workers that are stuck are warned of; a process that only works is not ready when
// all of them are.
func TestStuckWorkersAreTold(t *testing.T) {
	t.Parallel()
	cfg := queue.DefaultConfig()
	cfg.Concurrency, cfg.JobTimeout, cfg.MaxAttempts = 2, 10*time.Millisecond, 1
	q, err := queue.New(redistest.Shared(t).Client(t), cfg, false)
	if err != nil {
		t.Fatal(err)
	}
	d := deaf{make(chan struct{})}
	a := &App{pool: queue.NewPool(q, d, queue.Hooks{}), role: Role{Workers: cfg.Concurrency}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.pool.Run(ctx, time.Second) }()
	defer func() {
		close(d.release)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	for i, id := range []string{"a", "b"} {
		if w := a.stuck(); len(w) != min(i, 1) || a.working(ctx) != nil {
			t.Errorf("with %d stuck: %q, %v", i, w, a.working(ctx))
		}
		if _, err := q.Add(ctx, queue.Spec{ID: id, Name: "n"}); err != nil {
			t.Fatal(err)
		}
		deadline, tick := time.After(30*time.Second), time.NewTicker(10*time.Millisecond)
		defer tick.Stop()
		for a.pool.Stuck() != i+1 {
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("%d are stuck, want %d", a.pool.Stuck(), i+1)
			}
		}
	}
	if a.working(ctx) == nil {
		t.Error("ready, although no worker can work")
	}
	a.role.API = true
	if a.working(ctx) != nil {
		t.Error("not ready, although the API can be served")
	}
}
