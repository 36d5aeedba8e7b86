package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// start works on one job in a goroutine of its own, in the slot that was taken
// for it.
func (p *Pool) start(life, work context.Context, job *Job) {
	ctx, cancel := context.WithCancelCause(work)
	job.cancel, job.began = cancel, time.Now()
	p.hold(job)
	p.running.Go(func() {
		defer func() { <-p.slots }()
		defer cancel(nil)
		p.work(ctx, life, job)
	})
}

// work makes the attempt and settles it. It returns only when the handler has:
// a slot stays taken as long as somebody works in it. An attempt whose handler
// does not return after its context ended is settled without it.
func (p *Pool) work(ctx, life context.Context, job *Job) {
	if job.Stalls > p.q.cfg.MaxStalls {
		p.settle(life, job, Permanent(ErrStalled))
		return
	}
	var settled sync.Once
	returned := make(chan struct{})
	watched := context.AfterFunc(ctx, func() {
		if waitFor(returned, stuckAfter) {
			return
		}
		settled.Do(func() {
			p.hooks.stuck(job.ID, stuckAfter)
			p.settle(life, job, context.Cause(ctx))
		})
	})
	timeout := time.AfterFunc(p.q.cfg.JobTimeout, func() { job.cancel(ErrTimeout) })
	err := p.process(ctx, job)
	timeout.Stop()
	watched()
	close(returned)
	settled.Do(func() { p.settle(life, job, attribute(ctx, err)) })
}

// process calls the handler and turns its panic into an error.
func (p *Pool) process(ctx context.Context, job *Job) (err error) {
	p.inside.Add(1)
	defer p.inside.Add(-1)
	defer contain(&err)
	return p.handler.Process(ctx, job)
}

// contain turns a panic into an error.
func contain(err *error) {
	if v := recover(); v != nil {
		*err = &PanicError{Value: v, Stack: debug.Stack()}
	}
}

// attribute puts the reason why ctx ended before an error that came of it.
func attribute(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}
