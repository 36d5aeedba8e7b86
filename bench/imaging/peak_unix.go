//go:build unix

package main

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// peakMB is the largest resident memory that this process has had. Linux counts
// in the usage of a process what its parent had when it was started, so there it
// is read elsewhere.
func peakMB() float64 {
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
		fields := bytes.Fields(rest)
		if len(fields) > 0 {
			if kb, err := strconv.ParseFloat(string(fields[0]), 64); err == nil {
				return kb * 1024 / 1e6
			}
		}
	}
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Maxrss) / 1e6 // bytes on macOS
}
