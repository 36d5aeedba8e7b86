package cache

import (
	"context"
	"sync"
	"time"
)

// lateContext is a context with a deadline whose timer starts when somebody first
// waits for it. A read of a local copy waits for nothing, so it pays for none.
type lateContext struct {
	context.Context // what it is derived from
	deadline        time.Time

	once  sync.Once
	timed context.Context
	end   context.CancelFunc
}

func (c *lateContext) Deadline() (time.Time, bool) { return c.deadline, true }
func (c *lateContext) Done() <-chan struct{}       { return c.start().Done() }
func (c *lateContext) Err() error                  { return c.start().Err() }

func (c *lateContext) start() context.Context {
	c.once.Do(func() { c.timed, c.end = context.WithDeadline(c.Context, c.deadline) })
	return c.timed
}

// cancel ends the context and frees its timer, if it has one.
func (c *lateContext) cancel() {
	c.once.Do(func() { c.timed, c.end = ended, func() {} })
	c.end()
}

// ended is a context that is over.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()
