package libwebp

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/image/webp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEncodeIsReadBack(t *testing.T) {
	t.Parallel()
	img := ramp(61, 43, 255)
	data, err := Encode(t.Context(), img, 90)
	if err != nil {
		t.Fatal(err)
	}
	got, err := webp.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds() != img.Rect {
		t.Errorf("bounds %v, want %v", got.Bounds(), img.Rect)
	}
	if _, opaque := got.(*image.YCbCr); !opaque {
		t.Errorf("an opaque picture came back as %T", got)
	}
	// VP8's luma runs from 16 to 235.
	y := got.(*image.YCbCr)
	if lo, hi := y.Y[0], y.Y[42*y.YStride+60]; lo < 12 || lo > 24 || hi < 220 || hi > 239 {
		t.Errorf("luma runs from %d to %d", lo, hi)
	}
}

func TestEncodeKeepsAlpha(t *testing.T) {
	t.Parallel()
	data, err := Encode(t.Context(), ramp(32, 32, 77), 80)
	if err != nil {
		t.Fatal(err)
	}
	got, err := webp.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	img, ok := got.(*image.NYCbCrA)
	if !ok || img.A[100] != 77 {
		t.Errorf("alpha is lost: %T", got)
	}
}

func TestEncodeReadsASubImage(t *testing.T) {
	t.Parallel()
	img := ramp(64, 64, 255)
	sub := img.SubImage(image.Rect(40, 8, 57, 19)).(*image.NRGBA)
	flat := image.NewNRGBA(image.Rect(0, 0, 17, 11))
	for y := range 11 {
		for x := range 17 {
			flat.SetNRGBA(x, y, img.NRGBAAt(40+x, 8+y))
		}
	}
	a, errA := Encode(t.Context(), sub, 85)
	b, errB := Encode(t.Context(), flat, 85)
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("a sub-image and its copy differ")
	}
}

func TestEncodeConcurrently(t *testing.T) {
	t.Parallel()
	img := ramp(80, 60, 255)
	want, err := Encode(t.Context(), img, 85)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, err := Encode(t.Context(), img, 85)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("got %d bytes, %v; want %d", len(got), err, len(want))
			}
		})
	}
	wg.Wait()
}

func TestEncodeRefusesBadSizes(t *testing.T) {
	t.Parallel()
	for _, r := range []image.Rectangle{{}, image.Rect(0, 0, MaxSide+1, 1), image.Rect(0, 0, 1, MaxSide+1)} {
		if _, err := Encode(t.Context(), image.NewNRGBA(r), 85); err == nil {
			t.Errorf("%v was encoded", r)
		}
	}
}

func TestEncodeDoesNotStartAfterItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Encode(ctx, ramp(8, 8, 255), 85); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

// What comes out is what Go's decoder makes of the same file, to the bit.
func TestDecodesAsGoDoes(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{1, 1}, {2, 3}, {17, 16}, {33, 70}, {200, 131}} {
		for _, alpha := range []uint8{255, 77} {
			img := ramp(size[0], size[1], alpha)
			for i := range img.Pix {
				img.Pix[i] ^= uint8(i*i>>4) & 31
			}
			file, err := Encode(t.Context(), img, 80)
			if err != nil {
				t.Fatal(err)
			}
			want, err := webp.Decode(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			got, err := Decode(t.Context(), bytes.NewReader(file), len(file), size[0], size[1], alpha != 255)
			if err != nil {
				t.Fatal(err)
			}
			if got.Bounds() != want.Bounds() || got.ColorModel() != want.ColorModel() {
				t.Fatalf("%v: a %T of %v, want a %T of %v", size, got, got.Bounds(), want, want.Bounds())
			}
			for y := range size[1] {
				for x := range size[0] {
					if got.At(x, y) != want.At(x, y) {
						t.Fatalf("%v: pixel %d, %d is %v, want %v", size, x, y, got.At(x, y), want.At(x, y))
					}
				}
			}
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	file, err := Encode(t.Context(), ramp(40, 40, 255), 80)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		w, h int
	}{
		"nothing":           {nil, 40, 40},
		"a part":            {file[:len(file)/2], 40, 40},
		"a larger picture":  {file, 41, 40},
		"a taller picture":  {file, 40, 41},
		"a shorter picture": {file, 40, 39},
	} {
		if m, err := Decode(t.Context(), bytes.NewReader(c.file), len(c.file), c.w, c.h, false); err == nil {
			t.Errorf("%s was decoded to %v", name, m.Bounds())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Decode(ctx, bytes.NewReader(file), len(file), 40, 40, false); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

// Planes are encoded as they are: a flat picture keeps its luma and chroma.
func TestEncodePlanes(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{1, 1}, {5, 4}, {64, 33}} {
		m := image.NewYCbCr(image.Rect(0, 0, size[0], size[1]), image.YCbCrSubsampleRatio420)
		for _, p := range []struct {
			pix []byte
			v   byte
		}{{m.Y, 90}, {m.Cb, 140}, {m.Cr, 100}} {
			for i := range p.pix {
				p.pix[i] = p.v
			}
		}
		file, err := Encode(t.Context(), m, 95)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(t.Context(), bytes.NewReader(file), len(file), size[0], size[1], false)
		if err != nil {
			t.Fatal(err)
		}
		g := got.(*image.YCbCr)
		for i, want := range []byte{90, 140, 100} {
			if v := [][]byte{g.Y, g.Cb, g.Cr}[i][0]; v < want-2 || v > want+2 {
				t.Errorf("%v: channel %d is %d, want %d", size, i, v, want)
			}
		}
	}
	full := image.NewYCbCr(image.Rect(0, 0, 8, 8), image.YCbCrSubsampleRatio444)
	if _, err := Encode(t.Context(), full, 85); err == nil {
		t.Error("chroma that is not halved was encoded")
	}
	if _, err := Encode(t.Context(), image.NewGray(full.Rect), 85); err == nil {
		t.Error("a kind of picture that is not known was encoded")
	}
}

func ramp(w, h int, alpha uint8) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := uint8((x*255/w + y*255/h) / 2)
			img.SetNRGBA(x, y, color.NRGBA{v, v, v, alpha})
		}
	}
	return img
}

func BenchmarkEncode1024x768(b *testing.B) {
	img := ramp(1024, 768, 255)
	// Texture, so that it costs what a photograph costs.
	for i := range img.Pix {
		if i%4 != 3 {
			img.Pix[i] += uint8((i * 2654435761) >> 27 & 31)
		}
	}
	if _, err := Encode(b.Context(), img, 85); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(b.Context(), img, 85); err != nil {
			b.Fatal(err)
		}
	}
}
