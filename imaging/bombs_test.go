package imaging

import (
	"bytes"
	"compress/zlib"
	"image"
	"image/color"
	"image/gif"
	"testing"

	"revela/imaging/imagetest"
)

// deflated is n zero bytes, compressed to a thousandth.
func deflated(t *testing.T, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, zlib.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	for chunk := make([]byte, 1<<20); n > 0; n -= len(chunk) {
		if _, err := w.Write(chunk[:min(n, len(chunk))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// thousands is an animation of n frames of 200 x 200 pixels.
func thousands(t *testing.T, n int) []byte {
	t.Helper()
	frame := image.NewPaletted(image.Rect(0, 0, 200, 200), color.Palette{color.Black, color.White})
	g := &gif.GIF{Config: image.Config{Width: 200, Height: 200}}
	for range n {
		g.Image, g.Delay = append(g.Image, frame), append(g.Delay, 0)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is large only when it is unpacked, and not needed, is never unpacked.
func TestBombsBesideThePicture(t *testing.T) {
	if underRace {
		t.Skip("memory is measured without the race detector")
	}
	pngs := imagetest.PNG(imagetest.Photo(64, 48))
	bomb := deflated(t, 256<<20)
	for name, file := range map[string][]byte{
		"profile":   imagetest.Chunk(pngs, "iCCP", append([]byte("x\x00\x00"), bomb...)),
		"text":      imagetest.Chunk(pngs, "zTXt", append([]byte("x\x00\x00"), bomb...)),
		"unicode":   imagetest.Chunk(pngs, "iTXt", append([]byte("x\x00\x01\x00\x00\x00"), bomb...)),
		"animation": thousands(t, 2000),
	} {
		e := newEngine(t)
		before := allocated()
		outs, err := images(e.Render(t.Context(), source(file), []Variant{sized("a", 32, 80)}))
		const most = 12 << 20 // a profile of 1 MiB is read, in a buffer that grows
		if took := allocated() - before; err != nil || len(outs) != 1 || took > most {
			t.Errorf("%s of %d bytes: took %d MiB, %v", name, len(file), took>>20, err)
		}
	}
}

// A scan costs the more, the larger the picture is.
func TestScansAreCountedBySize(t *testing.T) {
	t.Parallel()
	file := imagetest.Mosaic{Across: 4, Down: 4, Components: 1, Adobe: -1, Progressive: true, ExtraScans: 50,
		At: func(_, _, _ int) byte { return 99 }}.JPEG()
	for _, c := range []struct {
		maxPixels int64
		ok        bool
	}{{50_000_000, true}, {32 * 32 * 3, true}, {32 * 32 * 2, false}, {32 * 32, false}} {
		cfg := DefaultConfig()
		cfg.MaxPixels = c.maxPixels
		e, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = e.Probe(source(file)); c.ok != (err == nil) {
			t.Errorf("52 scans, where %d pixels are allowed: %v", c.maxPixels, err)
		}
		if err != nil {
			check(t, err, ErrTooLarge, "scans")
		}
	}
}
