package main

import (
	"context"
	"time"

	"revela/queue"
)

// pool is a running pool of workers.
type pool struct {
	cancel context.CancelFunc // it takes no more jobs
	ended  chan error
}

// start starts a pool whose jobs all do the same.
func (c *contender) start(ctx context.Context, h handler) *pool {
	ctx, cancel := context.WithCancel(ctx)
	p := &pool{cancel, make(chan error, 1)}
	workers := queue.NewPool(c.queue, h, queue.Hooks{})
	go func() { p.ended <- workers.Run(ctx, time.Minute) }()
	return p
}

// stop ends the pool and waits for the jobs in work. It is called once. A nil
// pool was never started.
func (p *pool) stop() error {
	if p == nil {
		return nil
	}
	p.cancel()
	return <-p.ended
}

// handler does what a function does, and is not told of failures.
type handler func()

func (h handler) Process(context.Context, *queue.Job) error               { h(); return nil }
func (h handler) Failed(context.Context, *queue.Job, queue.Failure) error { return nil }

// wait waits for done.
func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pause waits for a time.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
