package imaging

import (
	"context"
	"errors"
	"image"
	"image/color"
	"maps"
	"os"
	"path/filepath"
	"runtime/metrics"
	"testing"
	"time"

	"revela/imaging/imagetest"
)

// seeds are small files of every kind that there is a path for.
func seeds() [][]byte {
	photo, cutout := imagetest.Photo(24, 16), imagetest.Cutout(16, 16)
	at := func(c, x, y int) byte { return byte(90*c + 31*x + 17*y) }
	mosaic := imagetest.Mosaic{Across: 4, Down: 2, Components: 3, At: at, Adobe: -1}
	progressive, half, cmyk := mosaic, mosaic, mosaic
	progressive.Progressive, progressive.ExtraScans = true, 3
	half.Half = true
	cmyk.Components, cmyk.Adobe = 4, 2
	refined, apart := sampled(40, 24, 0x42, 0x11, 0x11), sampled(20, 30, 0x21, 0x11, 0x11)
	refined.Progressive, refined.Restart = true, 3
	apart.Apart, apart.Restart = true, 2
	return append(append(tiffSeeds(), bmpSeeds()...), [][]byte{
		imagetest.WithProfile(imagetest.WithExif(imagetest.JPEG(photo), imagetest.Exif(6)), imagetest.Profile("RGB ", 200)),
		mosaic.JPEG(), progressive.JPEG(), half.JPEG(), cmyk.JPEG(), refined.JPEG(), apart.JPEG(),
		imagetest.WithExif(imagetest.PNG(photo), imagetest.Exif(5)),
		pngWithProfile(imagetest.PNG(cutout), imagetest.Profile("RGB ", 200)),
		imagetest.PNG(image.NewGray16(image.Rect(0, 0, 5, 3))),
		imagetest.WithExif(imagetest.WebP(photo), imagetest.Exif(8)), imagetest.WebP(cutout),
		imagetest.Animation(cutout, image.Pt(2, 4), image.Pt(30, 30)),
		imagetest.GIF(cutout), imagetest.TIFF(photo), imagetest.TIFF(cutout), imagetest.BMP(photo),
		imagetest.GIFBomb(), imagetest.PNGBomb(30000, 30000),
	}...)
}

// tiffSeeds are TIFFs of every way to store pixels.
func tiffSeeds() (files [][]byte) {
	f := imagetest.TIFFFile{Image: imagetest.Photo(19, 17), Samples: imagetest.RGBSamples, Bits: 8, Block: image.Pt(0, 5), Compression: 1, Tags: map[uint16][]uint32{254: {0}, 262: {2}}}
	add := func(f imagetest.TIFFFile, tags map[uint16][]uint32) {
		f.Tags = maps.Clone(f.Tags)
		maps.Copy(f.Tags, tags)
		files = append(files, f.TIFF())
	}
	tiled := f
	tiled.Block, tiled.Separate = image.Pt(16, 16), true
	for i, compression := range []int{1, 5, 8, 32773} {
		f.Compression, tiled.Compression = compression, compression
		f.Differences, tiled.BigEndian = compression == 5, i%2 == 0
		add(f, nil)
		add(tiled, nil)
	}
	files = append(files, imagetest.TIFFPages(files[0], 1, 0))
	deep := f
	deep.Samples, deep.Bits, deep.Compression = imagetest.RGBASamples, 16, 5
	add(deep, map[uint16][]uint32{338: {1}})
	deep.Samples = imagetest.GreyAlphaSamples
	add(deep, map[uint16][]uint32{262: {0}, 338: {2}})
	deep.Samples = imagetest.InkSamples
	add(deep, map[uint16][]uint32{262: {5}})
	few := f
	few.Samples, few.Bits = imagetest.GreySamples, 2
	add(few, map[uint16][]uint32{262: {3}, 320: {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 65535}})
	fax := few
	fax.Bits, fax.Pack = 1, func([]byte, int, int) []byte { return []byte("\x33\x17\xf2\x6a\x2f\xfe\x00\x20\x02") }
	for fax.Compression = 3; fax.Compression <= 4; fax.Compression++ {
		add(fax, map[uint16][]uint32{262: {0}, 266: {2}})
	}
	jpg := f
	jpg.Compression, jpg.Pack = 7, func(_ []byte, w, h int) []byte { return imagetest.JPEG(imagetest.Photo(w, h)) }
	add(jpg, map[uint16][]uint32{262: {6}})
	return files
}

// bmpSeeds are bitmaps of every way to store pixels.
func bmpSeeds() (files [][]byte) {
	for _, f := range []imagetest.BMPFile{
		{Header: 12, Bits: 1}, {Header: 40, Bits: 4, TopDown: true}, {Header: 64, Bits: 8}, {Header: 124, Bits: 24},
		{Header: 40, Bits: 8, Compression: 1, Runs: []byte("\x04\x01\x00\x00\x00\x03\x01\x02\x03\x00\x00\x02\x02\x01\x03\x02\x00\x01")},
		{Header: 108, Bits: 4, Compression: 2, Runs: []byte("\x04\x12\x00\x00\x00\x03\x12\x30\x00\x02\x02\x01\x03\x32\x00\x01")},
		{Header: 40, Bits: 16, Compression: 3, Masks: []uint32{0xf800, 0x7e0, 0x1f}},
		{Header: 56, Bits: 32, Compression: 3, Masks: []uint32{0xff0000, 0xff00, 0xff, 0xff000000}},
	} {
		f.Image, f.Pixel = imagetest.Photo(9, 7), func(c color.NRGBA) uint32 { return uint32(c.R) & (1<<min(f.Bits, 8) - 1) }
		if f.Bits <= 8 {
			f.Palette = []color.NRGBA{{A: 255}, {200, 100, 50, 255}}
		}
		files = append(files, f.BMP())
	}
	return files
}

// fuzzConfig keeps what the fuzzer finds small enough to try thousands of them.
func fuzzConfig() Config { return Config{MaxPixels: 1 << 18, MemoryBudget: 64 << 20} }

func FuzzProbe(f *testing.F) {
	for _, file := range seeds() {
		f.Add(file)
	}
	e := pureEngine(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		info, err := e.Probe(source(file))
		if err != nil {
			blameless(t, err)
			return
		}
		if info.Width < 1 || info.Height < 1 || int64(info.Width)*int64(info.Height) > fuzzConfig().MaxPixels || info.Format.Ext() == "" {
			t.Errorf("accepted %v", info)
		}
	})
}

// Each decoder has a fuzz target of its own: one for all of them would spend its
// time on those that are fast. A file that turns into another format is left to
// that one's target.
func FuzzJPEG(f *testing.F) { fuzzFormat(f, JPEG) }
func FuzzPNG(f *testing.F)  { fuzzFormat(f, PNG) }
func FuzzWebP(f *testing.F) { fuzzFormat(f, WebP) }
func FuzzGIF(f *testing.F)  { fuzzFormat(f, GIF) }
func FuzzTIFF(f *testing.F) { fuzzFormat(f, TIFF) }
func FuzzBMP(f *testing.F)  { fuzzFormat(f, BMP) }
func FuzzHEIC(f *testing.F) { fuzzFormat(f, HEIC) }
func FuzzAVIF(f *testing.F) { fuzzFormat(f, AVIF) }

// FuzzTurbo looks for what ends the process in libjpeg-turbo, which is C.
func FuzzTurbo(f *testing.F) {
	cfg := fuzzConfig()
	cfg.Turbo = true
	e, err := New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	if e.Codec() == "go" {
		f.Skip("libjpeg-turbo is not installed")
	}
	fuzzEngine(f, e, JPEG)
}

func fuzzFormat(f *testing.F, format Format) { fuzzEngine(f, pureEngine(f), format) }

func fuzzEngine(f *testing.F, e *Engine, format Format) {
	files := seeds()
	golden, err := filepath.Glob("testdata/*." + format.Ext())
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range golden {
		file, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		files = append(files, file)
	}
	for _, file := range files {
		if sniff(file) == format {
			f.Add(file)
			// What is made once, as a sandbox is compiled, counts for no file.
			_, _ = e.Render(f.Context(), source(file), []Variant{sized("a", 20, 85)})
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if sniff(file) == format {
			try(t, e, file)
		}
	})
}

// FuzzEXIF looks for orientations in metadata that nobody wrote.
func FuzzEXIF(f *testing.F) {
	for o := range 10 {
		f.Add(imagetest.Exif(o))
	}
	e := pureEngine(f)
	jpg, png := imagetest.JPEG(imagetest.Photo(24, 16)), imagetest.PNG(imagetest.Photo(24, 16))
	f.Fuzz(func(t *testing.T, exif []byte) {
		if len(exif) > 60_000 {
			return // more than a segment holds
		}
		try(t, e, imagetest.WithExif(jpg, exif))
		try(t, e, imagetest.WithExif(png, exif))
	})
}

// FuzzICC gives pictures colour profiles of all kinds.
func FuzzICC(f *testing.F) {
	for _, space := range []string{"RGB ", "GRAY", "CMYK"} {
		f.Add(imagetest.Profile(space, 300))
	}
	f.Add(imagetest.AdobeRGBProfile())
	f.Add(imagetest.GreyProfile(1.8))
	f.Add(imagetest.InkProfile(func(c, m, y, k float64) [3]float64 { return [3]float64{100 * (1 - k), 20 * (m - c), 20 * (y - m)} }))
	e := pureEngine(f)
	jpg, png := imagetest.JPEG(imagetest.Photo(24, 16)), imagetest.PNG(imagetest.Cutout(24, 16))
	cmyk := imagetest.Mosaic{Across: 2, Down: 2, Components: 4, Adobe: 2,
		At: func(c, x, y int) byte { return byte(90*c + 31*x + 17*y) }}.JPEG()
	f.Fuzz(func(t *testing.T, profile []byte) {
		try(t, e, imagetest.WithProfile(jpg, profile))
		try(t, e, imagetest.WithProfile(cmyk, profile))
		try(t, e, pngWithProfile(png, profile))
	})
}

// pureEngine is one without libjpeg-turbo.
func pureEngine(f *testing.F) *Engine {
	e, err := New(fuzzConfig())
	if err != nil {
		f.Fatal(err)
	}
	return e
}

// try renders a file and fails where it costs more than it may, where nobody is
// to blame, and where what comes out is not what was asked for.
func try(t *testing.T, e *Engine, file []byte) {
	// No picture of fuzzConfig's size may take seconds.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	info, probeErr := e.Probe(source(file))
	if probeErr == nil {
		checkDecodeMemory(ctx, t, file)
	}
	outs, err := images(e.Render(ctx, source(file), []Variant{sized("a", 20, 85), sized("b", 7, 50)}))
	if err != nil {
		blameless(t, err)
		return
	}
	if probeErr != nil {
		t.Errorf("rendered what Probe refused: %v", probeErr)
	}
	for i, width := range []int{20, 7} {
		o := outs[i]
		if o.Width > width || o.Width < 1 || o.Height < 1 || o.Width != min(width, info.Width) && o.Height < 16000 {
			t.Errorf("%v became %d x %d", info, o.Width, o.Height)
		}
		again, err := e.Probe(source(o.Data))
		if err != nil || again.Format != o.Format || again.Width != o.Width || again.Height != o.Height {
			t.Errorf("output %s of %d x %d is read as %v, %v", o.Format, o.Width, o.Height, again, err)
		}
	}
}

// checkDecodeMemory compares what decoding allocates in all with what was
// reserved for it. That is no less than what is alive at any moment, and at most
// twice as much where a buffer grows by doubling.
func checkDecodeMemory(ctx context.Context, t *testing.T, file []byte) {
	if underRace {
		return
	}
	h, err := probe(source(file), fuzzConfig())
	if err != nil {
		t.Fatalf("probed twice: %v", err)
	}
	slack := int64(1 << 20) // tables and buffers of fixed sizes
	if h.tiff != nil {
		// What decompresses a strip or tile is there for that alone.
		slack += h.tiff.Blocks() * (64<<10 + h.tiff.jpegBytes)
	}
	// Others allocate too, now and then: the fuzzer itself, a finalizer.
	const tries = 5
	var took int64
	for range tries {
		before := allocated()
		_, _ = decode(ctx, source(file), h)
		if took = allocated() - before; took <= 2*h.decodeBytes+slack {
			return
		}
	}
	t.Errorf("decoding %s of %d x %d took %d bytes, reserved were %d", h.format, h.width, h.height, took, h.decodeBytes)
}

// allocated is how many bytes were ever allocated on the heap. It does not stop
// the world, as runtime.ReadMemStats does.
func allocated() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

// blameless fails unless the error blames the picture, and not with a panic.
func blameless(t *testing.T, err error) {
	t.Helper()
	var (
		own   *Error
		panic *PanicError
	)
	if !errors.As(err, &own) || own.Detail == "" {
		t.Errorf("not an *Error: %v", err)
	}
	if errors.As(err, &panic) {
		t.Errorf("%v\n%s", err, panic.Stack)
	}
}
