package imaging

import (
	"context"
	"fmt"
	"math"

	"revela/imaging/internal/icc"
	"revela/imaging/internal/libavif"
	"revela/imaging/internal/libwebp"
	"revela/imaging/internal/png"
)

// target is the format in which a variant of a picture of format f is written:
// the one it asks for, else the picture's own where that can be written, else
// JPEG, or PNG where there is transparency.
func (v Variant) target(f Format, opaque bool) Format {
	switch {
	case v.Format != "":
		return v.Format
	case f == JPEG || f == PNG || f == WebP:
		return f
	case opaque:
		return JPEG
	}
	return PNG
}

// maxSide is the largest width and height that a format can hold.
func maxSide(f Format) int {
	switch f {
	case JPEG:
		return 65535
	case WebP:
		return libwebp.MaxSide
	case AVIF:
		return libavif.MaxSide
	}
	return math.MaxInt32
}

// encode returns the raster, whose colours are those of a target, as a file
// without metadata. It may change the raster's pixels.
func (e *Engine) encode(ctx context.Context, r *raster, f Format, quality int, target icc.Target) ([]byte, error) {
	switch f {
	case JPEG:
		return e.encodeJPEG(r, quality)
	case PNG:
		return png.Encode(pngImage(r)), nil
	case WebP:
		return r.encodeWebP(ctx, quality)
	case AVIF:
		return r.encodeAVIF(ctx, quality, target)
	}
	return nil, fmt.Errorf("imaging: %s cannot be written", f)
}

func pngImage(r *raster) *png.Image {
	if grey := r.grey(); grey != nil {
		return &png.Image{Pix: grey.Pix, Stride: grey.Stride, W: r.w, H: r.h, Channels: 1}
	}
	m := r.rgb()
	return &png.Image{Pix: m.Pix, Stride: m.Stride, W: r.w, H: r.h, Channels: 4}
}

func (r *raster) encodeAVIF(ctx context.Context, quality int, target icc.Target) ([]byte, error) {
	kind, primaries := libavif.Colour, libavif.SRGB
	if r.grey() != nil {
		kind = libavif.Grey
	}
	if target == icc.DisplayP3 {
		primaries = libavif.DisplayP3
	}
	return libavif.Encode(ctx, r.rgb(), quality, kind, primaries)
}

// chromaOf is how many pixels each way a chroma sample stands for in what the
// encoder of a format takes.
func chromaOf(f Format) int {
	if f == JPEG || f == WebP {
		return 2
	}
	return 1
}
