//go:build !linux

package rig

import (
	"errors"
	"time"
)

// Proc is what a process, with all its threads, has taken so far.
type Proc struct {
	CPU     time.Duration
	PeakRSS int64 // bytes
}

// ReadProc is not known here.
func ReadProc(int) (Proc, error) { return Proc{}, errors.ErrUnsupported }
