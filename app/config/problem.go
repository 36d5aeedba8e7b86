package config

import (
	"fmt"
	"strings"
)

// Problem is one mistake.
type Problem struct {
	Where string // "config.yaml:12: queue.lease", "QUEUE_LEASE" or "--queue-lease"
	What  string // what is wrong there and what was expected; never a secret
	Usage bool   // it was made on the command line
}

func (p Problem) String() string { return p.Where + " " + p.What }

// Error is every mistake of a configuration, in the order of the layers.
type Error struct {
	Problems []Problem // at least one
}

func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return "the configuration has a mistake: " + e.Problems[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the configuration has %d mistakes:", len(e.Problems))
	for _, p := range e.Problems {
		b.WriteString("\n  - " + p.String())
	}
	return b.String()
}

// Usage reports whether every mistake was made on the command line.
func (e *Error) Usage() bool {
	for _, p := range e.Problems {
		if !p.Usage {
			return false
		}
	}
	return true
}

// Warning is something that is allowed and probably not meant.
type Warning string
