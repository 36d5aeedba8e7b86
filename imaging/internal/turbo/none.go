//go:build !((linux || darwin) && (amd64 || arm64)) || noturbo

package turbo

import (
	"errors"

	"revela/imaging/internal/jpeg"
)

var errNone = errors.New("turbo: not in this build")

// Library stands for libturbojpeg where it cannot be loaded.
type Library struct{}

// Load fails.
func Load() (*Library, error) { return nil, errNone }

// Name is never called: there is no Library.
func (*Library) Name() string { return "" }

// Decode fails.
func (*Library) Decode([]byte, *jpeg.Image) error { return errNone }

// Encode fails.
func (*Library) Encode(*jpeg.Image, int, bool) ([]byte, error) { return nil, errNone }
