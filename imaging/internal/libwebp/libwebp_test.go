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
