//go:build !linux

package imaging

import "time"

var began = time.Now()

// threadTime is the time of the clock, where that of the thread is not known.
func threadTime() time.Duration { return time.Since(began) }
