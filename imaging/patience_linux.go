package imaging

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime is how long the thread has run on a processor.
func threadTime() time.Duration {
	var t unix.Timespec
	// It cannot fail: the clock is as old as the kernels that Go runs on.
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return time.Duration(t.Nano())
}
