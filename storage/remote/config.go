package remote

import (
	"errors"
	"fmt"
	"time"
)

// DefaultTimeout is the time for one source from connecting to its last byte.
const DefaultTimeout = 20 * time.Second

// Config says what may be read.
type Config struct {
	// MaxBytes is the largest picture, in bytes, at least 1. No default.
	MaxBytes int64
	// Timeout is the time for one URL, from resolving its name to the last byte
	// of its body, however many redirects. 100 ms to 10 min; 0 is DefaultTimeout.
	Timeout time.Duration
	// ImportDir is the directory below which paths are read. "" refuses every
	// path.
	ImportDir string
	// AllowPrivate lifts the limits on addresses and ports, for tests and for
	// intranets whose every client may see everything this machine sees.
	AllowPrivate bool
}

// Validate reports every mistake in c.
func (c Config) Validate() error {
	var errs []error
	if c.MaxBytes < 1 {
		errs = append(errs, fmt.Errorf("the limit MaxBytes is %d, at least 1 is expected", c.MaxBytes))
	}
	if c.Timeout != 0 && (c.Timeout < 100*time.Millisecond || c.Timeout > 10*time.Minute) {
		errs = append(errs, fmt.Errorf("the limit Timeout is %v, 100ms to 10m is expected", c.Timeout))
	}
	return errors.Join(errs...)
}
