package rig

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor time in /proc, 100 a second on every platform
// that Go runs on.
const tick = 10 * time.Millisecond

// Proc is what a process, with all its threads, has taken so far.
type Proc struct {
	CPU     time.Duration // user and system, in steps of 10 ms
	PeakRSS int64         // bytes, the most that was in memory at once
}

// ReadProc reads what a process has taken. Only Linux tells.
func ReadProc(pid int) (Proc, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Proc{}, err
	}
	// The name of the program, in parentheses, may hold anything; after it the
	// first field is the third of proc(5).
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var ticks int64
	for _, field := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return Proc{}, fmt.Errorf("/proc/%d/stat: %w", pid, err)
		}
		ticks += n
	}
	p := Proc{CPU: time.Duration(ticks) * tick}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Proc{}, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			_, err = fmt.Sscanf(rest, "%d kB", &p.PeakRSS)
			p.PeakRSS <<= 10
		}
	}
	return p, err
}
