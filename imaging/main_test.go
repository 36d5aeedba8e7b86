package imaging

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"image/png"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newEngine is an Engine of memory-safe and sandboxed code alone; what
// libjpeg-turbo does in its place planar_test.go compares with it.
func newEngine(t testing.TB) *Engine {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Turbo = false
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func source(data []byte) Source { return bytes.NewReader(data) }

// sized is a variant of a given width and quality.
func sized(name string, width, quality int) Variant {
	return Variant{Name: name, Width: width, Quality: quality}
}

// images are those of a result.
func images(r Result, err error) ([]Output, error) { return r.Images, err }

// render makes one variant of the given width.
func render(t testing.TB, file []byte, width int) Output {
	t.Helper()
	outs, err := images(newEngine(t).Render(t.Context(), source(file), []Variant{sized("v", width, 90)}))
	if err != nil {
		t.Fatal(err)
	}
	return outs[0]
}

// pixels decodes an output.
func pixels(t testing.TB, o Output) image.Image {
	t.Helper()
	var (
		img image.Image
		err error
	)
	switch o.Format {
	case JPEG:
		img, err = jpeg.Decode(bytes.NewReader(o.Data))
	case PNG:
		img, err = png.Decode(bytes.NewReader(o.Data))
	case AVIF:
		var h *header
		if h, err = probe(source(o.Data), DefaultConfig()); err == nil {
			img, err = decode(context.Background(), source(o.Data), h)
		}
	case WebP:
		img = webpPixels(t, o.Data)
	default:
		t.Fatalf("output is %q", o.Format)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := img.Bounds(); got != image.Rect(0, 0, o.Width, o.Height) {
		t.Fatalf("output says %d x %d and has %v", o.Width, o.Height, got)
	}
	return img
}

// webpPixels decodes a WebP to RGB, minding the range of its luma, which
// image.YCbCr's own conversion does not.
func webpPixels(t testing.TB, data []byte) image.Image {
	t.Helper()
	h, err := probe(source(data), DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	img, err := decode(context.Background(), source(data), h)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPicture(img, img.Bounds(), true)
	if err != nil {
		t.Fatal(err)
	}
	return p.resized(p.region(), p.w, p.h, 1, 1).rgb()
}
