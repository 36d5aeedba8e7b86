package imaging

import (
	"errors"
	"fmt"
	"io"
)

// Format is an image file format, by its short lower-case name.
type Format string

// The formats that can be read. JPEG, PNG and WebP can be written as well.
const (
	JPEG Format = "jpeg"
	PNG  Format = "png"
	WebP Format = "webp"
	GIF  Format = "gif"
	TIFF Format = "tiff"
	BMP  Format = "bmp"
)

// Info is what a file's header says, checked against the limits.
type Info struct {
	Format        Format
	Width, Height int // pixels as shown, after EXIF orientation
}

// Variant is one size to make of a picture.
type Variant struct {
	Name    string // also its path segment: letters, digits, "-" and "_"
	Width   int    // pixels, at least 1; a narrower picture is not enlarged
	Quality int    // 1 to 100, for lossy formats
}

// Output is one encoded variant. Data is the caller's.
type Output struct {
	Name          string
	Format        Format
	Width, Height int
	Data          []byte
}

// The kinds of Error.
var (
	ErrUnsupported = errors.New("not a supported image")
	ErrInvalid     = errors.New("broken image")
	ErrTooLarge    = errors.New("image too large")
)

// Error is a picture's fault: it fails in the same way however often it is tried.
type Error struct {
	Kind   error  // ErrUnsupported, ErrInvalid or ErrTooLarge
	Detail string // for the person who sent the picture
}

func (e *Error) Error() string { return fmt.Sprintf("%v: %s", e.Kind, e.Detail) }
func (e *Error) Unwrap() error { return e.Kind }

// Source is a picture's bytes.
type Source interface {
	io.ReaderAt
	Size() int64
}
