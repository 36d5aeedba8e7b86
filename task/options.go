package task

import (
	"fmt"
	"time"
)

// Options are what a caller may want of a task besides its picture. The zero
// Options are those of a caller who asks for nothing.
type Options struct {
	Variants string // the name of their set; "" is DefaultSet
	// Urgent tasks overtake those that are not, as the queue sees fit.
	Urgent bool
	// Delay is how long the task waits before its first attempt, 0 to MaxDelay.
	Delay time.Duration
}

// MaxDelay is the longest delay of a task.
const MaxDelay = 30 * 24 * time.Hour

// Priority is the name of what Urgent says.
type Priority string

// The priorities.
const (
	Normal Priority = "normal"
	Urgent Priority = "urgent"
)

// Check reports what no configuration would allow. The error wraps
// ErrInvalidDelay.
func (o Options) Check() error {
	if o.Delay < 0 || o.Delay > MaxDelay {
		return fmt.Errorf("%w: %s", ErrInvalidDelay, o.Delay)
	}
	return nil
}
