package libavif

import (
	"context"
	"errors"
	"image"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	if _, err := Encode(t.Context(), image.NewNRGBA(image.Rectangle{}), 80, Colour, SRGB); err == nil {
		t.Error("nothing was encoded")
	}
	if _, err := Encode(t.Context(), image.NewNRGBA(image.Rect(0, 0, MaxSide+1, 1)), 80, Colour, SRGB); err == nil {
		t.Error("a picture that is too wide was encoded")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Encode(ctx, photo(8, 8), 80, Colour, SRGB); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestEncodeIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	img := photo(70, 50)
	a, errA := Encode(t.Context(), img, 80, Colour, SRGB)
	b, errB := Encode(t.Context(), img.SubImage(img.Rect).(*image.NRGBA), 80, Colour, SRGB)
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	if string(a) != string(b) || string(a[4:12]) != "ftypavif" {
		t.Errorf("%d and %d bytes, %q", len(a), len(b), a[:16])
	}
}

// photo has texture, so that it costs what a photograph costs.
func photo(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = 255
		if i%4 != 3 {
			img.Pix[i] = byte(i/4%w*200/w) + byte(uint32(i*2654435761)>>27&31)
		}
	}
	return img
}

func BenchmarkEncode1024x768(b *testing.B) {
	img := photo(1024, 768)
	if _, err := Encode(b.Context(), photo(8, 8), 85, Colour, SRGB); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		data, err := Encode(b.Context(), img, 85, Colour, SRGB)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(data)), "bytes")
	}
}
