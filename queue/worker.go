package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// end is a slot that comes free because a handler has returned.
type end struct {
	job  *Job
	done bool // and is to be completed; else it is settled already
}

// start works on one job in a goroutine of its own, in the slot that was taken
// for it.
func (l *lane) start(life context.Context, job *Job) {
	ctx, cancel := context.WithCancelCause(context.Background()) // ended by the job's end alone
	var ended sync.Once
	job.began = time.Now()
	job.end = func(cause error) {
		cancel(cause)
		ended.Do(func() { time.AfterFunc(stuckAfter, func() { l.giveUp(ctx, life, job) }) })
	}
	l.hold(job)
	go func() {
		done := l.work(ctx, life, job)
		cancel(nil)
		l.ends <- end{job, done}
	}()
}

// work makes the attempt and reports whether the job is done; an attempt that
// ended otherwise it settles. It returns only when the handler has: a slot stays
// taken as long as somebody works in it.
func (p *Pool) work(ctx, life context.Context, job *Job) (done bool) {
	var err error
	if job.Stalls > p.q.cfg.MaxStalls {
		err = Permanent(ErrStalled)
	} else {
		timeout := time.AfterFunc(p.q.cfg.JobTimeout, func() { job.end(ErrTimeout) })
		err = attribute(ctx, p.process(ctx, job))
		timeout.Stop()
	}
	late := true
	job.settled.Do(func() {
		late = false
		if done = err == nil; done {
			p.hooks.ended(job, Done)
		} else {
			p.settle(life, job, err)
		}
	})
	if late {
		p.stuck.Add(-1)
	}
	return done
}

// giveUp settles an attempt whose handler does not return after its context ended.
func (p *Pool) giveUp(ctx, life context.Context, job *Job) {
	job.settled.Do(func() {
		p.stuck.Add(1)
		p.hooks.stuck(job.ID, stuckAfter)
		p.settle(life, job, context.Cause(ctx))
	})
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
