//go:build unix

package rig

import (
	"syscall"
	"time"
)

// SelfCPU is the processor time, user and system, that this process has taken.
func SelfCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
