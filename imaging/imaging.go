package imaging

import (
	"io"
	"slices"
)

// Format is an image file format, by its short lower-case name.
type Format string

// The formats that can be read. JPEG, PNG, WebP and AVIF can be written as well.
const (
	JPEG Format = "jpeg"
	PNG  Format = "png"
	WebP Format = "webp"
	GIF  Format = "gif"
	TIFF Format = "tiff"
	BMP  Format = "bmp"
	HEIC Format = "heic"
	AVIF Format = "avif"
)

// formats are those that can be read.
var formats = []Format{JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC, AVIF}

// Ext is the usual file name extension, without a dot.
func (f Format) Ext() string {
	if f == JPEG {
		return "jpg"
	}
	return string(f)
}

// MIME is the registered media type, "application/octet-stream" for a format
// that cannot be read.
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
	Width, Height int // pixels as shown, after orientation
	Frames        int // 1, or how many an animation has, or pages a TIFF; only the first is used
}

// Result is what Render makes of a picture.
type Result struct {
	Images []Output // in the order of their variants
	// ThumbHash is a placeholder for the whole picture, some 25 bytes: see
	// https://evanw.github.io/thumbhash/.
	ThumbHash []byte
}

// Output is one encoded variant. Data is the caller's.
type Output struct {
	Name          string
	Format        Format
	Width, Height int
	Data          []byte
}
