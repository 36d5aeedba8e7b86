package libwebp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"

	"revela/imaging/internal/sandbox"
)

const (
	// Upper bounds of what encoding takes for each pixel, in the sandbox and out
	// of it, for admission control: alpha is written without loss, which takes
	// the most. A sandbox that grows is copied, so for a moment there are two.
	BytesPerPixel      = 32 // opaque
	AlphaBytesPerPixel = 96

	// alphaReserve is what alpha usually takes in the sandbox for each pixel, in
	// bytes. Memory that grows little by little is copied again and again.
	alphaReserve = 34

	// method is libwebp's trade of speed for size, 0 to 6; 4 is its own default.
	method = 4
)

// Encode returns a picture as a lossy WebP file of the given quality, 0 to 100. It
// is safe for concurrent use, and stops soon after the end of the context.
//
// An *image.NRGBA has an alpha channel in the file if one of its pixels is not
// opaque. An *image.YCbCr must have halved chroma, and luma of 16 to 235.
func Encode(ctx context.Context, img image.Image, quality int) ([]byte, error) {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	if w < 1 || h < 1 || w > MaxSide || h > MaxSide {
		return nil, fmt.Errorf("libwebp: %dx%d pixels: each side must be 1 to %d", w, h, MaxSide)
	}
	inst, err := module.Start(ctx)
	if err != nil {
		return nil, err
	}
	// Closing gives back all of its memory, so nothing in it needs freeing.
	defer inst.Close()

	switch m := img.(type) {
	case *image.NRGBA:
		err = putPixels(ctx, inst, m)
	case *image.YCbCr:
		err = putPlanes(ctx, inst, m)
	default:
		err = fmt.Errorf("libwebp: a picture of %T cannot be encoded", img)
	}
	if err != nil {
		return nil, err
	}
	data, err := encode(ctx, inst, quality)
	if err != nil {
		return nil, fmt.Errorf("libwebp: encode %dx%d: %w", w, h, err)
	}
	return data, nil
}

func putPixels(ctx context.Context, inst *sandbox.Instance, m *image.NRGBA) error {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	if !m.Opaque() {
		// If it is too much, it may still turn out to be more than is needed.
		if _, err := inst.Call(ctx, "reserve", uint64(alphaReserve*w*h)); err != nil {
			return err
		}
	}
	at, err := inst.Alloc(ctx, 4*w*h)
	if err != nil {
		return err
	}
	if err := putRows(inst, at, m.Pix, m.Stride, 4*w, h); err != nil {
		return err
	}
	return check(inst.Call(ctx, "pixels", uint64(at), uint64(w), uint64(h)))
}

func putPlanes(ctx context.Context, inst *sandbox.Instance, m *image.YCbCr) error {
	if m.SubsampleRatio != image.YCbCrSubsampleRatio420 || m.Rect.Min != (image.Point{}) {
		return errors.New("libwebp: chroma is not halved, or the picture a part of another")
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	at, err := inst.Call(ctx, "planes", uint64(w), uint64(h))
	if err := check(at, err); err != nil {
		return err
	}
	to, err := words(inst, at, 3)
	if err != nil {
		return err
	}
	cw, ch := (w+1)/2, (h+1)/2
	return errors.Join(
		putRows(inst, to[0], m.Y, m.YStride, w, h),
		putRows(inst, to[1], m.Cb, m.CStride, cw, ch),
		putRows(inst, to[2], m.Cr, m.CStride, cw, ch))
}

// putRows copies h rows of w bytes to an address, with no gap.
func putRows(inst *sandbox.Instance, at uint32, src []byte, stride, w, h int) error {
	for y := range h {
		if err := inst.Write(at+uint32(y*w), src[y*stride:][:w]); err != nil {
			return err
		}
	}
	return nil
}

func encode(ctx context.Context, inst *sandbox.Instance, quality int) ([]byte, error) {
	at, err := inst.Call(ctx, "encode", uint64(quality), method)
	if err := check(at, err); err != nil {
		return nil, err
	}
	file, err := words(inst, at, 2)
	if err != nil {
		return nil, err
	}
	view, err := inst.View(file[0], file[1])
	return bytes.Clone(view), err
}

// check makes an error of a function's result that is zero.
func check(result uint32, err error) error {
	if err == nil && result == 0 {
		err = errors.New("refused, most likely for want of memory")
	}
	return err
}
