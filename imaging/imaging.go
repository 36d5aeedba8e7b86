package imaging

import (
	"errors"
	"fmt"
	"io"
	"slices"
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

// Formats lists the formats that can be read.
func Formats() []Format { return slices.Clone(formats) }

var formats = []Format{JPEG, PNG, WebP, GIF, TIFF, BMP}

// Ext is the usual file name extension, without a dot.
func (f Format) Ext() string {
	if f == JPEG {
		return "jpg"
	}
	return string(f)
}

// MIME is the registered media type, "application/octet-stream" for a format
// that is not one of Formats.
func (f Format) MIME() string {
	if !slices.Contains(formats, f) {
		return "application/octet-stream"
	}
	return "image/" + string(f)
}

// Source is a picture's bytes. It must not change while it is read.
type Source interface {
	io.ReaderAt
	Size() int64
}

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

// Validate reports every mistake in v.
func (v Variant) Validate() error {
	var errs []error
	if !isName(v.Name) {
		errs = append(errs, fmt.Errorf("name %q: want 1 to 64 letters, digits, \"-\" or \"_\"", v.Name))
	}
	if v.Width < 1 {
		errs = append(errs, fmt.Errorf("width %d: want at least 1 pixel", v.Width))
	}
	if v.Quality < 1 || v.Quality > 100 {
		errs = append(errs, fmt.Errorf("quality %d: want 1 to 100", v.Quality))
	}
	return errors.Join(errs...)
}

func isName(s string) bool {
	for _, r := range []byte(s) {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_':
		default:
			return false
		}
	}
	return 1 <= len(s) && len(s) <= 64
}

// Output is one encoded variant. Data is the caller's.
type Output struct {
	Name          string
	Format        Format
	Width, Height int
	Data          []byte
}
