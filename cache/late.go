package cache

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// lateContext is a context with a deadline whose timer starts when somebody first
// waits for it. A read of a local copy waits for nothing, so it pays for none.
type lateContext struct {
	context.Context // what it is derived from
	deadline        time.Time

	once  sync.Once
	timed context.Context
	end   atomic.Pointer[context.CancelFunc] // of timed, once there is one
}

func (c *lateContext) Deadline() (time.Time, bool) { return c.deadline, true }
func (c *lateContext) Done() <-chan struct{}       { return c.start().Done() }
func (c *lateContext) Err() error                  { return c.start().Err() }

func (c *lateContext) start() context.Context {
	c.once.Do(func() {
		timed, end := context.WithDeadline(c.Context, c.deadline)
		c.timed = timed
		c.end.Store(&end)
	})
	return c.timed
}

// cancel ends the context and frees its timer, if it has one. Where the first to wait
// comes later, or at the same time, it waits until the deadline.
func (c *lateContext) cancel() {
	if end := c.end.Load(); end != nil {
		(*end)()
	}
}
