package imaging

import (
	"image"
	"testing"

	"revela/imaging/imagetest"
)

// Text stays as sharp as another resizer leaves it, and where it is.
func TestText(t *testing.T) {
	t.Parallel()
	text := imagetest.Text(480, 320)
	small := imagetest.Text(240, 160)
	for name, c := range map[string]struct {
		file []byte
		size image.Point
		want float64 // dB
	}{
		"jpeg whole": {imagetest.JPEG(text), image.Pt(480, 320), 42},
		"png whole":  {imagetest.PNG(text), image.Pt(480, 320), 99},
		"webp whole": {imagetest.WebP(text), image.Pt(480, 320), 50},
		"jpeg":       {imagetest.JPEG(text), image.Pt(240, 160), 35},
		"png":        {imagetest.PNG(text), image.Pt(240, 160), 35},
		"webp":       {imagetest.WebP(text), image.Pt(240, 160), 35},
		"tiff":       {imagetest.TIFF(text), image.Pt(160, 107), 35},
		"avif whole": {golden(t, "text.avif"), image.Pt(240, 160), 50},
	} {
		of := text
		if name == "avif whole" {
			of = small
		}
		for codec, e := range engines(t) {
			v := Variant{Name: "v", Width: c.size.X, Quality: 90, Format: PNG}
			outs, err := images(e.Render(t.Context(), source(c.file), []Variant{v}))
			if err != nil {
				t.Fatal(name, codec, err)
			}
			if got := imagetest.PSNR(pixels(t, outs[0]), reference(of, c.size)); got < c.want {
				t.Errorf("%s, %s: PSNR %.1f dB, want %.0f", name, codec, got, c.want)
			}
		}
	}
}
