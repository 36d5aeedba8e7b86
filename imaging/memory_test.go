package imaging

import (
	"bytes"
	"image"
	"testing"

	"golang.org/x/image/tiff"

	"revela/imaging/imagetest"
)

// All that Render allocates, garbage included, is compared with what it reserves:
// no less was alive at any moment.
func TestRenderMemoryEstimate(t *testing.T) {
	if underRace {
		t.Skip("memory is measured without the race detector")
	}
	const w, h = 640, 480
	photo, cutout := imagetest.Photo(w, h), imagetest.Cutout(w, h)
	var deep bytes.Buffer
	if err := tiff.Encode(&deep, image.NewNRGBA64(photo.Rect), &tiff.Options{Compression: tiff.Deflate}); err != nil {
		t.Fatal(err)
	}
	mosaic := imagetest.Mosaic{Across: w / 8, Down: h / 8, Components: 3, Progressive: true, Adobe: -1, At: func(c, x, y int) byte { return byte(x ^ y) }}
	cmyk := mosaic
	cmyk.Components = 4
	jpg := imagetest.JPEG(photo)
	mark := &Watermark{Image: imagetest.Photo(300, 200), Opacity: 1, Scale: 1}
	variants := map[string]Variant{
		"usual":     sized("v", 512, 85),
		"cut":       {Name: "v", Width: 150, Height: 450, Fit: Cover, Gravity: Attention, Quality: 80, Sharpen: 1},
		"watermark": {Name: "v", Width: w, Quality: 80, Format: JPEG, Watermark: mark},
		"webp":      {Name: "v", Width: w, Quality: 80, Format: WebP},
	}
	e := newEngine(t)
	// What is made once counts for nobody.
	if _, err := e.Render(t.Context(), source(jpg), []Variant{variants["webp"]}); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"jpeg": jpg, "jpeg turned": imagetest.WithExif(jpg, imagetest.Exif(6)), "progressive": mosaic.JPEG(), "cmyk": cmyk.JPEG(),
		"png": imagetest.PNG(photo), "png 64": imagetest.PNG(image.NewNRGBA64(photo.Rect)), "bmp": imagetest.BMP(photo),
		"webp": imagetest.WebP(photo), "webp alpha": imagetest.WebP(cutout), "gif": imagetest.GIF(photo), "tiff 64": deep.Bytes(),
	} {
		for way, v := range variants {
			header, err := probe(source(file), DefaultConfig())
			if err != nil {
				t.Fatal(name, err)
			}
			reserved := plan(header, []Variant{v}).bytes
			before := allocated()
			outs, err := images(e.Render(t.Context(), source(file), []Variant{v}))
			took := allocated() - before
			if err != nil {
				t.Fatal(name, err)
			}
			// Buffers that grow leave garbage behind: the encoder's output, and
			// the memory of the sandbox.
			most := reserved + reserved/10 + 1<<20
			if outs[0].Format == WebP {
				most = reserved + reserved/2 + 4<<20
			}
			if took > most {
				t.Errorf("%s, %s: took %d kB, reserved %d kB", name, way, took>>10, reserved>>10)
			}
		}
	}
}

// What would need more than the whole budget is refused, not let in alone.
func TestVariantsBeyondTheBudget(t *testing.T) {
	t.Parallel()
	e, err := New(Config{MaxPixels: 50_000_000, MemoryBudget: minMemoryBudget})
	if err != nil {
		t.Fatal(err)
	}
	file := imagetest.PNG(image.NewNRGBA(image.Rect(0, 0, 600, 600)))
	v := sized("v", 600, 80)
	v.Format = WebP
	_, err = e.Render(t.Context(), source(file), []Variant{v})
	check(t, err, ErrTooLarge, "variants")
	v.Width = 100
	if _, err := e.Render(t.Context(), source(file), []Variant{v}); err != nil {
		t.Errorf("a small variant of the same: %v", err)
	}
}
