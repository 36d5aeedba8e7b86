package imaging

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/image/tiff"

	"revela/imaging/imagetest"
)

func TestProbeRefuses(t *testing.T) {
	t.Parallel()
	jpg, pngs := imagetest.JPEG(imagetest.Photo(64, 48)), imagetest.PNG(imagetest.Photo(64, 48))
	web, gif := imagetest.WebP(imagetest.Photo(64, 48)), imagetest.GIF(imagetest.Corners(16, 16))
	tif, bmp := imagetest.TIFF(imagetest.Photo(64, 48)), imagetest.BMP(imagetest.Photo(64, 48))
	thumbnail := append([]byte("Exif\x00\x00"), imagetest.JPEG(imagetest.Corners(16, 16))...)
	with := func(file []byte, at int, b ...byte) []byte {
		file = bytes.Clone(file)
		copy(file[at:], b)
		return file
	}
	scans := func(n int) []byte {
		return imagetest.Mosaic{Across: 2, Down: 2, Components: 1, Adobe: -1, Progressive: true, ExtraScans: n,
			At: func(_, _, _ int) byte { return 99 }}.JPEG()
	}
	sof := bytes.Index(jpg, []byte("\xff\xc0"))
	for name, c := range map[string]struct {
		file   []byte
		kind   error
		detail string // a part of what the sender reads
	}{
		"nothing":              {nil, ErrInvalid, "empty"},
		"text":                 {[]byte("This is not a picture, whatever its name.\n"), ErrUnsupported, "send JPEG, PNG"},
		"one byte":             {[]byte{0xff}, ErrUnsupported, "not that of a picture"},
		"text like BMP":        {[]byte("BMW is a maker of cars and motorcycles"), ErrUnsupported, "not that of a picture"},
		"SVG":                  {[]byte("\n<svg xmlns='http://www.w3.org/2000/svg'/>"), ErrUnsupported, "SVG"},
		"HTML":                 {[]byte("<!DOCTYPE html><html></html>"), ErrUnsupported, "HTML"},
		"PDF":                  {[]byte("%PDF-1.7\n"), ErrUnsupported, "PDF"},
		"JPEG XL":              {[]byte("\xff\x0a and so on"), ErrUnsupported, "JPEG XL"},
		"JPEG XL in boxes":     {[]byte("\x00\x00\x00\x0cJXL \r\n\x87\n"), ErrUnsupported, "JPEG XL"},
		"BigTIFF":              {[]byte("II+\x00\x08\x00\x00\x00"), ErrUnsupported, "BigTIFF"},
		"Photoshop":            {[]byte("8BPS\x00\x01"), ErrUnsupported, "Photoshop"},
		"HEIC head only":       {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), ErrInvalid, "too early"},
		"AVIF of nothing":      {[]byte("\x00\x00\x00\x10ftypavif\x00\x00\x00\x00"), ErrInvalid, "no picture"},
		"AVIF sequence":        {[]byte("\x00\x00\x00\x10ftypavis\x00\x00\x00\x00\x00\x00\x00\x08moov"), ErrUnsupported, "sequence"},
		"video":                {[]byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00"), ErrUnsupported, "video"},
		"GIF bomb":             {imagetest.GIFBomb(), ErrTooLarge, "65535 x 65535"},
		"PNG bomb":             {imagetest.PNGBomb(30000, 30000), ErrTooLarge, "50 megapixels"},
		"JPEG cut":             {jpg[:len(jpg)*2/3], ErrInvalid, "too early"},
		"JPEG without end":     {jpg[:len(jpg)-2], ErrInvalid, "too early"},
		"JPEG head only":       {jpg[:4], ErrInvalid, "too early"},
		"JPEG cut, thumbnail":  {imagetest.Segment(jpg, 0xe1, thumbnail)[:len(jpg)], ErrInvalid, "too early"},
		"JPEG of nothing":      {[]byte("\xff\xd8\xff\xd9"), ErrInvalid, "no picture"},
		"JPEG zero width":      {with(jpg, sof+7, 0, 0), ErrInvalid, "zero"},
		"JPEG arithmetic":      {with(jpg, sof+1, 0xc9), ErrUnsupported, "arithmetic"},
		"JPEG 12 bits":         {with(jpg, sof+4, 12), ErrUnsupported, "12 bits"},
		"JPEG lossless":        {with(jpg, sof+1, 0xc3), ErrUnsupported, "lossless"},
		"JPEG hierarchical":    {with(jpg, sof+1, 0xc5), ErrUnsupported, "hierarchical"},
		"JPEG 2 components":    {sampled(32, 32, 0x11, 0x11).JPEG(), ErrUnsupported, "2 components"},
		"JPEG no sampling":     {with(jpg, sof+11, 0), ErrInvalid, "sampling"},
		"JPEG sampling of 5":   {with(jpg, sof+11, 0x51), ErrInvalid, "sampling"},
		"JPEG no height yet":   {with(jpg, sof+5, 0, 0), ErrInvalid, "zero"},
		"JPEG scans":           {scans(8000), ErrTooLarge, "scans"},
		"JPEG large units":     {sampled(32, 32, 0x22, 0x22, 0x22, 0x11).JPEG(), ErrInvalid, "22222211"},
		"JPEG unknown scan":    {with(jpg, bytes.Index(jpg, []byte("\xff\xda"))+5, 9), ErrInvalid, "unknown component"},
		"JPEG short scan":      {with(jpg, bytes.Index(jpg, []byte("\xff\xda"))+4, 2), ErrInvalid, "scan header"},
		"JPEG same names":      {with(jpg, sof+13, 1), ErrInvalid, "same name"},
		"PNG cut":              {pngs[:len(pngs)*2/3], ErrInvalid, "too early"},
		"PNG without data":     {append(bytes.Clone(pngs[:33]), pngs[len(pngs)-12:]...), ErrInvalid, "no picture"},
		"PNG zero height":      {with(pngs, 20, 0, 0, 0, 0), ErrInvalid, "zero"},
		"PNG negative width":   {with(pngs, 16, 0xff, 0xff, 0xff, 0xff), ErrTooLarge, "pixels"},
		"PNG giant chunk":      {with(pngs, 33, 0xff, 0xff, 0xff, 0xff), ErrInvalid, "too early"},
		"WebP cut":             {web[:len(web)*2/3], ErrInvalid, "too early"},
		"WebP of nothing":      {[]byte("RIFF\x04\x00\x00\x00WEBP"), ErrInvalid, "no picture"},
		"WebP two sizes":       {webpTwoSizes(web), ErrInvalid, "disagree"},
		"WebP bomb":            {webpBomb(), ErrTooLarge, "pixels"},
		"GIF cut":              {gif[:len(gif)/2], ErrInvalid, "too early"},
		"GIF of a giant frame": {with(gif, bytes.Index(gif, []byte{0x2c, 0, 0, 0, 0, 16})+5, 0xff, 0xff, 0xff, 0xff), ErrTooLarge, "65535 x 65535"},
		"GIF of nothing":       {append(bytes.Clone(gif[:13+3*256]), 0x3b), ErrInvalid, "no picture"},
		"GIF of no size":       {with(with(gif, 6, 0, 0), bytes.Index(gif, []byte{0x2c, 0, 0, 0, 0, 16})+5, 0, 0), ErrInvalid, "zero"},
		"TIFF cut":             {tif[:len(tif)/2], ErrInvalid, "too early"},
		"TIFF head only":       {[]byte("II*\x00\x08\x00\x00\x00"), ErrInvalid, "too early"},
		"TIFF loop":            {[]byte("MM\x00*\x00\x00\x00\x00"), ErrInvalid, ""},
		"TIFF of JPEG":         {imagetest.Compressed(tif, 6), ErrUnsupported, "old-style JPEG"},
		"TIFF of Zstandard":    {imagetest.Compressed(tif, 50000), ErrUnsupported, "Zstandard"},
		"BMP cut":              {bmp[:len(bmp)-1], ErrInvalid, "too early"},
		"BMP bomb":             {with(bmp, 18, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f), ErrTooLarge, "pixels"},
		"BMP minus 2^31":       {with(bmp, 22, 0, 0, 0, 0x80), ErrTooLarge, "pixels"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t)
			_, err := e.Probe(source(c.file))
			check(t, err, c.kind, c.detail)
			_, again := e.Render(t.Context(), source(c.file), usual)
			if err == nil || again == nil || err.Error() != again.Error() {
				t.Errorf("Render says %v", again)
			}
		})
	}
}

// A file that ends anywhere before its end is refused, and says why. Where the end
// is no part of the picture it may be lost.
func TestTruncated(t *testing.T) {
	t.Parallel()
	photo := imagetest.Photo(160, 120)
	progressive, apart := sampled(160, 120, 0x22, 0x11, 0x11), sampled(160, 120, 0x21, 0x11, 0x11)
	progressive.Progressive, progressive.Restart, apart.Apart = true, 7, true
	for name, c := range map[string]struct {
		file  []byte
		spare int // bytes that need not be there
	}{
		"baseline": {file: imagetest.JPEG(photo)}, "progressive": {file: progressive.JPEG()}, "a scan each": {file: apart.JPEG()},
		"png": {file: imagetest.PNG(photo), spare: 16}, "webp": {file: imagetest.WebP(photo)}, "webp alpha": {file: imagetest.WebP(imagetest.Cutout(160, 120))},
		"gif": {file: imagetest.GIF(photo), spare: 1}, "tiff": {file: imagetest.TIFF(photo), spare: 16}, // its resolution
		"bmp":  {file: imagetest.BMP(photo)},
		"heic": {file: golden(t, "corners.heic")}, "avif": {file: golden(t, "rgb.avif")}, "grid": {file: golden(t, "grid.avif")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := len(c.file) - c.spare
			for codec, e := range engines(t) {
				for n := 32; n < whole; n += 1 + (whole-32)/60 {
					_, err := e.Render(t.Context(), source(c.file[:n]), usual)
					var fault *Error
					if !errors.As(err, &fault) || fault.Kind != ErrInvalid || fault.Detail == "" {
						t.Fatalf("%s, %d of %d bytes: %v", codec, n, len(c.file), err)
					}
				}
				for _, n := range []int{whole - 1, whole} {
					if _, err := e.Render(t.Context(), source(c.file[:n]), usual); (err == nil) != (n == whole) {
						t.Errorf("%s, %d of %d bytes: %v", codec, n, len(c.file), err)
					}
				}
			}
		})
	}
}

func check(t testing.TB, err, kind error, detail string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, kind) || e.Kind != kind {
		t.Fatalf("got %v, want %v", err, kind)
	}
	if e.Detail == "" || !strings.Contains(e.Detail, detail) {
		t.Errorf("detail %q does not speak of %q", e.Detail, detail)
	}
}

// webpTwoSizes has another size in its extended header than in its bitstream.
func webpTwoSizes(file []byte) []byte {
	file = imagetest.WithExif(file, imagetest.Exif(1))
	file[24] = 10
	return file
}

func webpBomb() []byte {
	b := binary.LittleEndian.AppendUint32([]byte("RIFF\x12\x00\x00\x00WEBPVP8L\x05\x00\x00\x00\x2f"), 1<<28-1)
	return append(b, 0)
}

func TestProbeAccepts(t *testing.T) {
	t.Parallel()
	jpg, pngs := imagetest.JPEG(imagetest.Photo(64, 48)), imagetest.PNG(imagetest.Photo(64, 48))
	gif, deep := imagetest.GIF(imagetest.Corners(64, 48)), imagetest.PNG(image.NewGray16(image.Rect(0, 0, 64, 48)))
	// broken is a PNG with a wrong sum of its second chunk.
	broken := func(file []byte) []byte {
		file[33+8+binary.BigEndian.Uint32(file[33:])]++
		return file
	}
	thumbnail := append([]byte("Exif\x00\x00"), imagetest.JPEG(imagetest.Corners(16, 16))...)
	for name, file := range map[string][]byte{
		"JPEG with a thumbnail":           imagetest.Segment(jpg, 0xe1, thumbnail),
		"JPEG with a video after it":      append(bytes.Clone(jpg), "\x00\x00\x00\x18ftypmp42 and so on"...),
		"JPEG with a second after it":     append(bytes.Clone(jpg), jpg[:100]...),
		"JPEG with fill bytes":            append([]byte("\xff\xd8\xff\xff\xff"), jpg[3:]...),
		"PNG with text after it":          append(bytes.Clone(pngs), "text"...),
		"PNG without an end":              pngs[:len(pngs)-12],
		"PNG with half an end":            pngs[:len(pngs)-7],
		"PNG without the last sum":        pngs[:len(pngs)-16],
		"PNG with a broken text":          broken(imagetest.Chunk(pngs, "tEXt", []byte("a\x00b"))),
		"deep PNG with a broken text":     broken(imagetest.Chunk(deep, "tEXt", []byte("a\x00b"))),
		"deep PNG without an end":         deep[:len(deep)-12],
		"PNG cut within a text":           append(bytes.Clone(pngs[:len(pngs)-12]), "\x00\x00\x00\x09tEXta"...),
		"GIF without a trailer":           gif[:len(gif)-1],
		"WebP with text after it":         append(imagetest.WebP(imagetest.Photo(64, 48)), "text"...),
		"JPEG with looping EXIF":          imagetest.Segment(jpg, 0xe1, []byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\xff\xff\xff\xff\x08\x00\x00\x00\x08\x00\x00\x00")),
		"JPEG with EXIF pointing outside": imagetest.Segment(jpg, 0xe1, []byte("Exif\x00\x00MM\x00*\xff\xff\xff\xf0")),
		"JPEG with orientation 9":         imagetest.WithExif(jpg, imagetest.Exif(9)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			info, err := newEngine(t).Probe(source(file))
			if err != nil || info.Width != 64 || info.Height != 48 {
				t.Fatalf("got %v, %v", info, err)
			}
			pixels(t, render(t, file, 32))
		})
	}
}

// A good header and a bad body: Probe cannot know, Render says so.
func TestRenderRefusesBadBodies(t *testing.T) {
	t.Parallel()
	photo := imagetest.Photo(256, 200)
	for name, file := range map[string][]byte{
		"png": imagetest.PNG(photo), "webp": imagetest.WebP(photo), "tiff": imagetest.TIFF(photo), "gif": imagetest.GIF(photo),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := bytes.Clone(file)
			refused := 0
			for i := range 8 {
				at := len(file) * (i + 1) / 10
				copy(file[at:], "\xff\x00\xff\x00\xaa\x55")
				_, err := newEngine(t).Render(t.Context(), source(file), usual)
				if err == nil {
					continue // some damage is not noticed
				}
				check(t, err, ErrInvalid, "")
				refused++
			}
			if refused == 0 && name != "webp" { // VP8 has no redundancy
				t.Error("no damage was noticed")
			}
		})
	}
}

// What a decoder allocates must be known before it is called.
func TestMemoryEstimate(t *testing.T) {
	flat := image.NewNRGBA64(image.Rect(0, 0, 640, 480))
	var deep bytes.Buffer
	if err := tiff.Encode(&deep, flat, &tiff.Options{Compression: tiff.Deflate}); err != nil {
		t.Fatal(err)
	}
	mosaic := imagetest.Mosaic{Across: 80, Down: 60, Components: 3, Adobe: -1, At: func(c, x, y int) byte { return byte(x ^ y) }}
	progressive, cmyk := mosaic, mosaic
	progressive.Progressive = true
	cmyk.Components, cmyk.Progressive = 4, true
	half := progressive
	half.Half = true
	photo := imagetest.Photo(640, 480)
	grey := image.NewGray(image.Rect(0, 0, 640, 480))
	for name, file := range map[string][]byte{
		"jpeg": mosaic.JPEG(), "progressive": progressive.JPEG(), "progressive 4:2:0": half.JPEG(), "cmyk": cmyk.JPEG(),
		"png": imagetest.PNG(photo), "png 64": imagetest.PNG(flat), "png grey": imagetest.PNG(grey),
		"webp": imagetest.WebP(photo), "webp alpha": imagetest.WebP(imagetest.Cutout(640, 480)),
		"gif": imagetest.GIF(photo), "tiff 64": deep.Bytes(), "bmp": imagetest.BMP(photo),
	} {
		h, err := probe(source(file), DefaultConfig())
		if err != nil {
			t.Fatal(name, err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := decode(t.Context(), source(file), h); err != nil {
			t.Fatal(name, err)
		}
		runtime.ReadMemStats(&after)
		const slack = 256 << 10 // buffers and tables
		took := int64(after.TotalAlloc - before.TotalAlloc)
		if h.format == TIFF {
			took /= 2 // a buffer that grows by doubling leaves as much behind
		}
		if took > h.decodeBytes+slack {
			t.Errorf("%s: decoding took %d kB, estimated %d kB", name, took>>10, h.decodeBytes>>10)
		}
		t.Logf("%-18s took %6d kB, estimated %6d kB", name, took>>10, h.decodeBytes>>10)
	}
}

func TestMemoryBudgetRefusesWhatNeverFits(t *testing.T) {
	t.Parallel()
	e, err := New(Config{MaxPixels: 50_000_000, MemoryBudget: minMemoryBudget})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Probe(source(imagetest.PNGBomb(2000, 2000)))
	check(t, err, ErrTooLarge, "MiB")
}

// gate is a Source that waits, once, before its last byte is read.
type gate struct {
	*bytes.Reader
	reached chan struct{} // closed when the reader waits
	open    chan struct{}
	once    sync.Once
	probed  atomic.Bool // the header has been read once
}

func (g *gate) ReadAt(p []byte, off int64) (int, error) {
	// The decoder comes back to the start after the prober was at the end.
	if off == 0 && g.probed.Load() {
		g.once.Do(func() {
			close(g.reached)
			<-g.open
		})
	}
	if off+int64(len(p)) >= g.Size() {
		g.probed.Store(true)
	}
	return g.Reader.ReadAt(p, off)
}

func TestMemoryBudgetIsShared(t *testing.T) {
	t.Parallel()
	// At 24 bytes a pixel, this takes more than half of the budget.
	file := imagetest.Mosaic{Across: 84, Down: 84, Components: 4, Progressive: true,
		At: func(c, x, y int) byte { return byte(c + x + y) }}.JPEG()
	e, err := New(Config{MaxPixels: 50_000_000, MemoryBudget: minMemoryBudget})
	if err != nil {
		t.Fatal(err)
	}
	small := []Variant{sized("v", 100, 80)}
	first := &gate{Reader: bytes.NewReader(file), reached: make(chan struct{}), open: make(chan struct{})}
	done := make(chan error)
	go func() {
		_, err := e.Render(t.Context(), first, small)
		done <- err
	}()
	<-first.reached

	// There is no room for a second one while the first is at work.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := e.Render(ctx, source(file), small); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "memory") {
		t.Errorf("second: %v, want it to wait for memory", err)
	}
	close(first.open)
	if err := <-done; err != nil {
		t.Errorf("first: %v", err)
	}
	if _, err := e.Render(t.Context(), source(file), small); err != nil {
		t.Errorf("after the first: %v", err)
	}
}

func TestRenderStopsWithItsContext(t *testing.T) {
	t.Parallel()
	cause := errors.New("task cancelled")
	for name, file := range map[string][]byte{
		"jpeg": imagetest.JPEG(imagetest.Photo(400, 300)), "png": imagetest.PNG(imagetest.Photo(400, 300)),
		"tiff": imagetest.TIFF(imagetest.Photo(400, 300)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			src := &gate{Reader: bytes.NewReader(file), reached: make(chan struct{}), open: make(chan struct{})}
			src.probed.Store(name == "tiff") // whose prober jumps
			e := newEngine(t)
			done := make(chan error)
			go func() {
				_, err := e.Render(ctx, src, usual)
				done <- err
			}()
			<-src.reached
			cancel(cause)
			close(src.open)
			err := <-done
			var own *Error
			if !errors.Is(err, cause) || errors.As(err, &own) {
				t.Errorf("got %v, want the cause and no fault of the picture", err)
			}
		})
	}
}

// failing is a Source on a disk that breaks at some place.
type failing struct {
	*bytes.Reader
	from int64
}

var errDisk = errors.New("disk on fire")

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.from {
		return 0, errDisk
	}
	return f.Reader.ReadAt(p, off)
}

func TestReadErrorsAreNotThePicturesFault(t *testing.T) {
	t.Parallel()
	photo := imagetest.Photo(300, 200)
	for name, file := range map[string][]byte{
		"jpeg": imagetest.JPEG(photo), "png": imagetest.PNG(photo), "webp": imagetest.WebP(photo),
		"gif": imagetest.GIF(photo), "tiff": imagetest.TIFF(photo), "bmp": imagetest.BMP(photo),
	} {
		for _, share := range []int64{0, 50, 99} {
			src := failing{bytes.NewReader(file), int64(len(file)) * share / 100}
			_, err := newEngine(t).Render(t.Context(), src, usual)
			var own *Error
			if !errors.Is(err, errDisk) || errors.As(err, &own) {
				t.Errorf("%s at %d %%: got %v", name, share, err)
			}
		}
	}
}

// liar is a Source that is shorter than it says, as a file that was cut after
// it was opened.
type liar struct{ *bytes.Reader }

func (l liar) Size() int64 { return l.Reader.Size() + 1000 }

func TestShorterThanItSays(t *testing.T) {
	t.Parallel()
	file := imagetest.PNG(imagetest.Photo(300, 200))
	_, err := newEngine(t).Probe(liar{bytes.NewReader(file[:len(file)/2])})
	check(t, err, ErrInvalid, "too early")
}

// bomb is a Source that panics.
type bomb struct{ *bytes.Reader }

func (bomb) ReadAt([]byte, int64) (int, error) { panic("boom") }

func TestPanicsAreContained(t *testing.T) {
	t.Parallel()
	_, err := newEngine(t).Probe(bomb{bytes.NewReader([]byte("picture"))})
	check(t, err, ErrInvalid, "")
	var p *PanicError
	if !errors.As(err, &p) || p.Value != "boom" || !bytes.Contains(p.Stack, []byte("bomb")) {
		t.Errorf("got %v: value or stack is lost", err)
	}
	_, err = newEngine(t).Render(t.Context(), bomb{bytes.NewReader([]byte("picture"))}, usual)
	check(t, err, ErrInvalid, "")
}

func TestConfigNamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := New(Config{})
	if err == nil || !strings.Contains(err.Error(), "MaxPixels 0") || !strings.Contains(err.Error(), "MemoryBudget 0") {
		t.Errorf("got %v", err)
	}
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("the default is refused: %v", err)
	}
}
