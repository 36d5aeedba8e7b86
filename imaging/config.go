package imaging

import (
	"errors"
	"fmt"
)

// Config bounds what pictures may cost.
type Config struct {
	// MaxPixels is the largest width x height of a picture, as stored; at
	// least 1.
	MaxPixels int64

	// MemoryBudget is how many bytes all Renders of the Engine may take
	// together; at least 16 MiB. Pictures wait for their share in order of
	// arrival. One that would need more than all of it just to be decoded is
	// refused, so a small budget lowers the size that is accepted: decoding
	// takes 1.5 to 32 bytes a pixel (a usual JPEG 1.5, a progressive one 7.5,
	// PNG 4, 16-bit PNG 8; CMYK JPEG and compressed TIFF the most).
	//
	// It counts live memory. The garbage collector lets the process grow
	// beyond it unless GOMEMLIMIT says otherwise.
	MemoryBudget int64
}

const minMemoryBudget = 16 << 20

// DefaultConfig takes pictures of up to 50 megapixels and 1 GiB of memory.
func DefaultConfig() Config {
	return Config{MaxPixels: 50_000_000, MemoryBudget: 1 << 30}
}

// Validate reports every mistake in c.
func (c Config) Validate() error {
	var errs []error
	if c.MaxPixels < 1 {
		errs = append(errs, fmt.Errorf("MaxPixels %d: want at least 1", c.MaxPixels))
	}
	if c.MemoryBudget < minMemoryBudget {
		errs = append(errs, fmt.Errorf("MemoryBudget %d: want at least %d bytes", c.MemoryBudget, minMemoryBudget))
	}
	return errors.Join(errs...)
}
