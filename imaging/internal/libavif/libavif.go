package libavif

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"revela/imaging/internal/sandbox"
)

const (
	// MaxSide is the largest width and height, in pixels.
	MaxSide = 65535

	// BytesPerPixel is a generous estimate of what encoding takes, in the
	// sandbox and out of it, for admission control.
	BytesPerPixel = 64

	// speed is libaom's trade of size for time, 0 to 10. At 8 a photograph
	// takes a third of the time of 6 and a few per cent more bytes.
	speed = 8

	// maxMemory bounds one sandbox. A picture that needs more fails to encode.
	maxMemory = 2 << 30
)

//go:embed libavif.wasm.gz
var packed []byte

var module = sandbox.New(packed, maxMemory)

// Kind says what of a picture is kept.
type Kind int

// The kinds, numbered as libavif numbers them.
const (
	Colour Kind = 3 // chroma is halved
	Grey   Kind = 4 // red is taken for grey
)

// Primaries are those of the colours, by ISO/IEC 23091-2. The curve is that of
// sRGB.
type Primaries uint16

// The primaries that are written.
const (
	SRGB      Primaries = 1
	DisplayP3 Primaries = 12
)

// Encode returns img as an AVIF file of the given quality, 0 to 100, with an
// alpha channel if one of its pixels is not opaque. It is safe for concurrent
// use.
//
// The quality is that of JPEG, roughly: libaom's own numbers are lower for
// pictures that look alike.
//
// A context that has ended stops it before it starts, not half-way. What it takes
// is bounded by the pixels, at roughly a second a megapixel.
func Encode(ctx context.Context, img *image.NRGBA, quality int, kind Kind, p Primaries) ([]byte, error) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if w < 1 || h < 1 || w > MaxSide || h > MaxSide {
		return nil, fmt.Errorf("libavif: %dx%d pixels: each side must be 1 to %d", w, h, MaxSide)
	}
	inst, err := module.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer inst.Close()
	data, err := encode(ctx, inst, img, quality*quality/110, kind)
	if err != nil {
		return nil, fmt.Errorf("libavif: encode %dx%d: %w", w, h, err)
	}
	return data, mark(data, p)
}

func encode(ctx context.Context, inst *sandbox.Instance, img *image.NRGBA, quality int, kind Kind) ([]byte, error) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	pixels, err := inst.Alloc(ctx, 4*w*h)
	if err != nil {
		return nil, err
	}
	line := make([]byte, 4*w)
	for y := range h {
		at := img.PixOffset(img.Rect.Min.X, img.Rect.Min.Y+y)
		multiply(line, img.Pix[at:at+4*w])
		if err := inst.Write(pixels+uint32(4*w*y), line); err != nil {
			return nil, err
		}
	}
	size, err := inst.Put(ctx, make([]byte, 4))
	if err != nil {
		return nil, err
	}
	const lossy = 0
	out, err := inst.Call(ctx, "encode", uint64(pixels), uint64(w), uint64(h), uint64(size),
		uint64(quality), uint64(quality), speed, uint64(kind), lossy)
	if err != nil {
		return nil, err
	}
	if out == 0 {
		return nil, errors.New("refused")
	}
	n, err := inst.View(size, 4)
	if err != nil {
		return nil, err
	}
	view, err := inst.View(out, binary.LittleEndian.Uint32(n))
	return bytes.Clone(view), err
}

// multiply multiplies colours by alpha, which is how the module takes them; it
// divides by it again.
func multiply(dst, src []byte) {
	copy(dst, src)
	for i := 0; i < len(src); i += 4 {
		if a := uint32(src[i+3]); a < 255 {
			for c := range 3 {
				dst[i+c] = byte((uint32(src[i+c])*a + 127) / 255)
			}
		}
	}
}

// mark writes what the colours are into the box for that, where libavif writes
// that they are not said. Its matrix is BT.601's, which is what libavif uses then.
func mark(file []byte, p Primaries) error {
	const name = "colrnclx"
	at := bytes.Index(file, []byte(name))
	if at < 0 || len(file) < at+len(name)+7 {
		return errors.New("libavif: the file does not say what its colours are")
	}
	const transfer, matrix = 13, 6
	b := binary.BigEndian.AppendUint16(nil, uint16(p))
	b = binary.BigEndian.AppendUint16(b, transfer)
	b = binary.BigEndian.AppendUint16(b, matrix)
	copy(file[at+len(name):], b)
	return nil
}
