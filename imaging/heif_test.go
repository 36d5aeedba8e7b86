package imaging

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"os"
	"testing"

	"revela/imaging/imagetest"
	"revela/imaging/internal/codec"
)

// golden is a file that testdata/make.go has written.
func golden(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The quarters of imagetest.Corners.
var quarters = [4]color.Color{imagetest.TopLeft, imagetest.TopRight, imagetest.BottomLeft, imagetest.BottomRight}

// The same picture in every form that the formats have comes out the same.
func TestHEIFForms(t *testing.T) {
	t.Parallel()
	red, green, blue, yellow := quarters[0], quarters[1], quarters[2], quarters[3]
	for name, c := range map[string]struct {
		size   image.Point
		frames int
		want   [4]color.Color // top left, top right, bottom left, bottom right
	}{
		"corners.heic":  {image.Pt(160, 96), 1, quarters},
		"corners.avif":  {image.Pt(96, 160), 1, [4]color.Color{blue, red, yellow, green}}, // EXIF's turn made its own
		"deep444.avif":  {image.Pt(160, 96), 1, quarters},
		"bt2020.avif":   {image.Pt(160, 96), 1, quarters},
		"rgb.avif":      {image.Pt(160, 96), 1, quarters},
		"turned.avif":   {image.Pt(96, 160), 1, [4]color.Color{yellow, green, blue, red}},
		"cropped.avif":  {image.Pt(80, 48), 1, [4]color.Color{green, green, green, green}},
		"grid.avif":     {image.Pt(256, 128), 1, quarters},
		"animated.avif": {image.Pt(160, 96), 3, quarters},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := golden(t, name)
			info, err := newEngine(t).Probe(source(file))
			if err != nil {
				t.Fatal(err)
			}
			if info.Width != c.size.X || info.Height != c.size.Y || info.Frames != c.frames || string(info.Format) != name[len(name)-4:] {
				t.Errorf("Probe: %v, want %v and %d frames", info, c.size, c.frames)
			}
			for _, width := range []int{1000, 40} {
				o := render(t, file, width)
				img := pixels(t, o)
				w, h := img.Bounds().Dx(), img.Bounds().Dy()
				if o.Format != JPEG || w != min(width, c.size.X) {
					t.Errorf("became %s of %d x %d", o.Format, w, h)
				}
				for i, want := range c.want {
					near(t, [...]string{"top left", "top right", "bottom left", "bottom right"}[i],
						img.At(w/4+w/2*(i%2), h/4+h/2*(i/2)), want, 14)
				}
			}
		})
	}
}

func TestHEIFAlpha(t *testing.T) {
	t.Parallel()
	want := imagetest.Cutout(96, 96)
	for _, name := range []string{"alpha.avif", "premultiplied.avif", "alpha.heic"} {
		o := render(t, golden(t, name), 96)
		img := pixels(t, o)
		if o.Format != PNG {
			t.Errorf("%s became %s, want PNG", name, o.Format)
		}
		if got := imagetest.PSNR(img, want); got < 36 {
			t.Errorf("%s: PSNR %.1f dB", name, got)
		}
	}
}

func TestHEIFGrey(t *testing.T) {
	t.Parallel()
	img, ok := pixels(t, render(t, golden(t, "grey.avif"), 64)).(*image.Gray)
	if !ok {
		t.Fatalf("became a %T", img)
	}
	for x := 4; x < 64; x += 8 {
		near(t, "ramp", img.At(x, 30), color.Gray{byte(4 * x)}, 4)
	}
}

func TestHEIFRefuses(t *testing.T) {
	t.Parallel()
	good, grid := golden(t, "corners.heic"), golden(t, "grid.avif")
	with := func(file []byte, after string, skip int, b ...byte) []byte {
		at := bytes.LastIndex(file, []byte(after))
		if at < 0 {
			t.Fatalf("the file has no %s", after)
		}
		file = bytes.Clone(file)
		copy(file[at+skip:], b)
		return file
	}
	size := func(n uint32) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, n), n)
	}
	for name, c := range map[string]struct {
		file   []byte
		kind   error
		detail string
	}{
		"cut":              {good[:len(good)-20], ErrInvalid, "too early"},
		"cut in the meta":  {good[:100], ErrInvalid, "too early"},
		"bomb":             {with(good, "ispe", 8, size(70_000)...), ErrTooLarge, "megapixels"},
		"zero":             {with(good, "ispe", 8, 0, 0, 0, 0), ErrInvalid, "zero"},
		"other codec":      {with(good, "infe", 12, []byte("unci")...), ErrUnsupported, "unci"},
		"no primary":       {with(good, "pitm", 8, 0x70, 0x70), ErrInvalid, "no picture"},
		"giant tiles":      {with(grid, "ispe", 8, size(2048)...), ErrTooLarge, "2 tiles of 2048 x 2048"},
		"larger AV1":       {with(golden(t, "p3.avif"), "ispe", 8, size(64)...), ErrInvalid, "cannot be decoded"},
		"larger HEVC":      {with(good, "ispe", 8, size(64)...), ErrInvalid, "cannot be decoded"},
		"colour in grey":   {with(golden(t, "p3.avif"), "av1C", 6, 0x10), ErrInvalid, "more colour"},
		"grid too small":   {with(grid, "ispe", 8, 0, 0, 0, 64), ErrInvalid, ""},
		"box without size": {with(good, "pitm", -4, 0, 0, 0, 1), ErrInvalid, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newEngine(t).Render(t.Context(), source(c.file), usual)
			check(t, err, c.kind, c.detail)
		})
	}
}

// What the header promises, the frame may not keep.
func TestHEIFBadFrames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"corners.heic", "deep444.avif"} {
		good := golden(t, name)
		for _, at := range []int{len(good) - 60, len(good) - 100} {
			bad := bytes.Clone(good)
			for i := range 40 {
				bad[at+i] ^= byte(0x5a + i)
			}
			// Some damage cannot be told from a picture.
			if _, err := newEngine(t).Render(t.Context(), source(bad), usual); err != nil {
				check(t, err, ErrInvalid, "")
			}
		}
	}
}

// A frame that needs more than its header says does not get it.
func TestHEIFMemory(t *testing.T) {
	t.Parallel()
	file := golden(t, "deep444.avif")
	h, err := probe(source(file), DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	data, err := h.heif.colour.tiles[0].bytes(t.Context(), bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for memory, enough := range map[int64]bool{h.heif.sandbox(): true, 3 << 19: false} {
		d, err := codec.Open(t.Context(), codec.AV1, memory)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if _, err := d.Decode(t.Context(), data, 1<<20); enough != (err == nil) {
			t.Errorf("with %d KiB: %v", memory>>10, err)
		}
	}
}

// The data of a frame does not grow much, whatever units it claims to be made of.
func TestHEIFUnits(t *testing.T) {
	t.Parallel()
	unit := []byte{2, 0x40, 1}
	for _, c := range []struct{ data, want []byte }{
		{append(make([]byte, 1<<20), unit...), []byte{0, 0, 0, 2, 0x40, 1}},
		{bytes.Repeat([]byte{1, 0x40}, 1<<20), nil},
		{bytes.Repeat(unit, 1<<20), bytes.Repeat([]byte{0, 0, 0, 2, 0x40, 1}, 1<<20)},
	} {
		tile := heifTile{prefix: 1, data: []span{{0, int64(len(c.data))}}}
		got, err := tile.bytes(t.Context(), bytes.NewReader(c.data))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, c.want) || cap(got) > 2*len(c.data)+1<<20 {
			t.Errorf("%d bytes became %d, in %d", len(c.data), len(got), cap(got))
		}
	}
}

func TestHEIFStopsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"corners.heic", "grid.avif"} {
		file := golden(t, name)
		h, err := probe(source(file), DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("enough")
		// It ends when the data has been read, which is before it is decoded.
		_, err = decode(ctx, cancelling{source(file), func() { cancel(reason) }}, h)
		if !errors.Is(err, reason) {
			t.Errorf("%s: %v, want the context's", name, err)
		}
	}
}

// cancelling calls a function at its first read.
type cancelling struct {
	Source
	cancel func()
}

func (c cancelling) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.Source.ReadAt(p, off)
	c.cancel()
	return n, err
}

func FuzzHEIF(f *testing.F) {
	entries, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		if len(e.Name()) > 5 && (e.Name()[len(e.Name())-5:] == ".avif" || e.Name()[len(e.Name())-5:] == ".heic") {
			f.Add(golden(f, e.Name()))
		}
	}
	cfg := Config{MaxPixels: 1 << 20, MemoryBudget: 64 << 20}
	f.Fuzz(func(t *testing.T, file []byte) {
		e, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		outs, err := images(e.Render(t.Context(), source(file), []Variant{sized("v", 20, 85)}))
		var fault *Error
		if err != nil && !errors.As(err, &fault) {
			t.Fatalf("not the picture's fault: %v", err)
		}
		var panicked *PanicError
		if errors.As(err, &panicked) {
			t.Fatalf("%v\n%s", err, panicked.Stack)
		}
		if err == nil && outs[0].Width > 20 {
			t.Errorf("became %d wide", outs[0].Width)
		}
	})
}
