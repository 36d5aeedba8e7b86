package redis

import (
	"context"
	"time"
)

const (
	backoffStep = 50 * time.Millisecond
	backoffMax  = 2 * time.Second
)

// backoff is the wait after the nth failure in a row, n from 1.
func backoff(n int) time.Duration {
	return min(time.Duration(min(n, int(backoffMax/backoffStep)))*backoffStep, backoffMax)
}

// wait returns nil after d, or the context's error as soon as it ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
