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
	// arrival, but a small one need not wait behind a large one that does not
	// fit yet, which some dozens may pass before it has its turn. One that
	// would need more than all of it is refused, by Probe if it is so for
	// decoding alone, so a small budget lowers the size that is accepted:
	// decoding takes 1.5 to 32 bytes a pixel (a usual JPEG 1.5, a progressive one
	// 7.5, PNG 4, 16-bit PNG 8; CMYK JPEG and compressed TIFF the most), and a
	// variant up to 24 for each of its own, as WebP with transparency 104.
	//
	// It counts live memory. The garbage collector lets the process grow
	// beyond it unless GOMEMLIMIT says otherwise.
	MemoryBudget int64

	// Turbo lets the system's libjpeg-turbo decode and encode JPEG where it is
	// installed: up to a tenth faster, files of 3 % more. It is C, and not in a
	// sandbox. The default is true; false never loads it.
	Turbo bool

	// Progressive makes JPEG variants progressive: they show early and become
	// sharper, and are a little smaller.
	Progressive bool
}

const minMemoryBudget = 16 << 20

// DefaultConfig takes pictures of up to 50 megapixels and 1 GiB of memory, and
// uses libjpeg-turbo where it is installed.
func DefaultConfig() Config {
	return Config{MaxPixels: 50_000_000, MemoryBudget: 1 << 30, Turbo: true}
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
