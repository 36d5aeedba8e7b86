package app

import (
	"context"
	"errors"
	"fmt"
)

// stuck warns of workers that do not stop although their attempts have ended.
func (a *App) stuck() []string {
	if n := a.pool.Stuck(); n > 0 {
		return []string{fmt.Sprintf("%d of %d workers are stuck in work that was given up and does not end; restart this process", n, a.role.Workers)}
	}
	return nil
}

// working fails when a process that only works has no worker left that can. One that
// serves the API still does that.
func (a *App) working(context.Context) error {
	if !a.role.API && a.pool.Stuck() >= a.role.Workers {
		return errors.New("all workers are stuck in work that was given up and does not end; restart this process")
	}
	return nil
}
