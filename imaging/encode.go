package imaging

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math"

	"revela/imaging/internal/libwebp"
)

// target is the format in which a picture's variants are written: its own where
// that can be written, else JPEG, or PNG where there is transparency.
func target(f Format, opaque bool) Format {
	switch {
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
	}
	return math.MaxInt32
}

// encode returns the raster as a file without metadata. It may change the
// raster's pixels.
func (r *raster) encode(ctx context.Context, f Format, quality int) ([]byte, error) {
	var (
		out bytes.Buffer
		err error
	)
	switch f {
	case JPEG:
		err = jpeg.Encode(&out, r.forJPEG(), &jpeg.Options{Quality: quality})
	case PNG:
		err = png.Encode(&out, r.forPNG())
	case WebP:
		r.toRGB()
		return libwebp.Encode(ctx, r.NRGBA, quality)
	default:
		err = fmt.Errorf("imaging: %s cannot be written", f)
	}
	return out.Bytes(), err
}

// forJPEG is the raster in the form that Go's encoder is fastest at. It must be
// opaque.
func (r *raster) forJPEG() image.Image {
	switch r.space {
	case spaceGrey:
		return r.grey()
	case spaceYCC:
		m := image.NewYCbCr(r.Rect, image.YCbCrSubsampleRatio444)
		for i := range m.Y {
			p := r.Pix[4*i : 4*i+4 : 4*i+4]
			m.Y[i], m.Cb[i], m.Cr[i] = p[0], p[1], p[2]
		}
		return m
	}
	r.toRGB()
	return &image.RGBA{Pix: r.Pix, Stride: r.Stride, Rect: r.Rect}
}

func (r *raster) forPNG() image.Image {
	if r.space == spaceGrey && r.opaque {
		return r.grey()
	}
	r.toRGB()
	return r.NRGBA
}

func (r *raster) grey() *image.Gray {
	m := image.NewGray(r.Rect)
	for i := range m.Pix {
		m.Pix[i] = r.Pix[4*i]
	}
	return m
}

// profileSpace is what kind of colour profile fits the raster in a file of
// format f.
func (r *raster) profileSpace(f Format) iccSpace {
	if r.space == spaceGrey && r.opaque && f != WebP {
		return iccGrey
	}
	return iccRGB
}
