//go:build !unix

package rig

import "time"

// SelfCPU is not known here.
func SelfCPU() time.Duration { return 0 }
