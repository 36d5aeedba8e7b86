package imaging

import (
	"fmt"
	"image"
	"image/color"
	"testing"

	"revela/imaging/imagetest"
)

// channel puts the highest bits of v where a mask has its own.
func channel(v byte, shift, bits int) uint32 { return uint32(v>>(8-bits)) << shift }

// rgb24 is the way to store 24 bits.
func rgb24(c color.NRGBA) uint32 { return uint32(c.R)<<16 | uint32(c.G)<<8 | uint32(c.B) }

func TestBMPKinds(t *testing.T) {
	t.Parallel()
	m := tinted()
	rgb555 := func(c color.NRGBA) uint32 { return channel(c.R, 10, 5) | channel(c.G, 5, 5) | channel(c.B, 0, 5) }
	rgb565 := func(c color.NRGBA) uint32 { return channel(c.R, 11, 5) | channel(c.G, 5, 6) | channel(c.B, 0, 5) }
	argb4 := func(c color.NRGBA) uint32 {
		return channel(c.A, 12, 4) | rgb555(color.NRGBA{}) | channel(c.R, 8, 4) | channel(c.G, 4, 4) | channel(c.B, 0, 4)
	}
	argb := func(c color.NRGBA) uint32 { return uint32(c.A)<<24 | rgb24(c) }
	abgr := func(c color.NRGBA) uint32 { return uint32(c.R)<<24 | uint32(c.G)<<16 | uint32(c.B)<<8 | uint32(c.A) }
	unused := func(c color.NRGBA) uint32 { return 0x55<<24 | rgb24(c) }
	same := func(c color.NRGBA) color.NRGBA { return c }
	// coarse is what is left of colours of so many bits a channel.
	coarse := func(r, g, b, a int) func(color.NRGBA) color.NRGBA {
		of := func(v byte, bits int) byte { return byte((int(v>>(8-bits))*255*2/(1<<bits-1) + 1) / 2) }
		return func(c color.NRGBA) color.NRGBA { return color.NRGBA{of(c.R, r), of(c.G, g), of(c.B, b), of(c.A, a)} }
	}
	coarse565 := func(c color.NRGBA) color.NRGBA { return opaque(coarse(5, 6, 5, 8)(c)) }
	for name, c := range map[string]struct {
		file imagetest.BMPFile
		want func(color.NRGBA) color.NRGBA
		tol  float64
	}{
		"OS/2":               {imagetest.BMPFile{Header: 12, Bits: 24, Pixel: rgb24}, opaque, 0},
		"OS/2 2":             {imagetest.BMPFile{Header: 64, Bits: 24, Pixel: rgb24}, opaque, 0},
		"OS/2 2, short":      {imagetest.BMPFile{Header: 16, Bits: 24, Pixel: rgb24}, opaque, 0},
		"24 bits":            {imagetest.BMPFile{Header: 40, Bits: 24, Pixel: rgb24}, opaque, 0},
		"24 bits, top down":  {imagetest.BMPFile{Header: 40, Bits: 24, Pixel: rgb24, TopDown: true}, opaque, 0},
		"555":                {imagetest.BMPFile{Header: 40, Bits: 16, Pixel: rgb555}, func(c color.NRGBA) color.NRGBA { return opaque(coarse(5, 5, 5, 8)(c)) }, 1},
		"565":                {imagetest.BMPFile{Header: 40, Bits: 16, Pixel: rgb565, Compression: 3, Masks: []uint32{0xf800, 0x7e0, 0x1f}}, coarse565, 1},
		"565, top down":      {imagetest.BMPFile{Header: 108, Bits: 16, Pixel: rgb565, Compression: 3, Masks: []uint32{0xf800, 0x7e0, 0x1f, 0}, TopDown: true}, coarse565, 1},
		"4444":               {imagetest.BMPFile{Header: 124, Bits: 16, Pixel: argb4, Compression: 3, Masks: []uint32{0xf00, 0xf0, 0xf, 0xf000}}, coarse(4, 4, 4, 4), 1},
		"32 bits":            {imagetest.BMPFile{Header: 40, Bits: 32, Pixel: unused}, opaque, 0},
		"32 bits, V5":        {imagetest.BMPFile{Header: 124, Bits: 32, Pixel: unused}, opaque, 0},
		"masks":              {imagetest.BMPFile{Header: 40, Bits: 32, Pixel: abgr, Compression: 3, Masks: []uint32{0xff000000, 0xff0000, 0xff00}}, opaque, 0},
		"masks in a header":  {imagetest.BMPFile{Header: 52, Bits: 32, Pixel: abgr, Compression: 3, Masks: []uint32{0xff000000, 0xff0000, 0xff00}}, opaque, 0},
		"alpha":              {imagetest.BMPFile{Header: 56, Bits: 32, Pixel: abgr, Compression: 3, Masks: []uint32{0xff000000, 0xff0000, 0xff00, 0xff}}, same, 1},
		"alpha, V4":          {imagetest.BMPFile{Header: 108, Bits: 32, Pixel: argb, Compression: 3, Masks: []uint32{0xff0000, 0xff00, 0xff, 0xff000000}}, same, 1},
		"alpha after header": {imagetest.BMPFile{Header: 40, Bits: 32, Pixel: argb, Compression: 6, Masks: []uint32{0xff0000, 0xff00, 0xff, 0xff000000}}, same, 1},
		"alpha of nothing":   {imagetest.BMPFile{Header: 124, Bits: 32, Pixel: rgb24, Compression: 3, Masks: []uint32{0xff0000, 0xff00, 0xff, 0xff000000}}, opaque, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.file.Image = m
			unchanged(t, c.file.BMP(), func(x, y int) color.NRGBA { return c.want(m.NRGBAAt(x, y)) }, c.tol)
		})
	}
}

func TestBMPIndexes(t *testing.T) {
	t.Parallel()
	m := tinted()
	for _, bits := range []int{1, 2, 4, 8} {
		index := func(c color.NRGBA) uint32 { return uint32(c.G) >> (8 - bits) }
		for _, header := range []int{12, 40, 64, 124} {
			for _, topDown := range []bool{false, header > 12} {
				f := imagetest.BMPFile{Image: m, Pixel: index, Bits: bits, Header: header, TopDown: topDown}
				for i := range 1 << bits {
					f.Palette = append(f.Palette, color.NRGBA{byte(200 - i/2), byte(i), byte(7 * i), 255})
				}
				few := f
				few.Palette = f.Palette[:len(f.Palette)/2] // the others are black
				t.Run(fmt.Sprintf("%d bits, header %d, top down %v", bits, header, topDown), func(t *testing.T) {
					t.Parallel()
					unchanged(t, f.BMP(), func(x, y int) color.NRGBA { return f.Palette[index(m.NRGBAAt(x, y))] }, 0)
					unchanged(t, few.BMP(), func(x, y int) color.NRGBA {
						if i := int(index(m.NRGBAAt(x, y))); i < len(few.Palette) {
							return few.Palette[i]
						}
						return color.NRGBA{A: 255}
					}, 0)
				})
			}
		}
	}
}

func TestBMPRuns(t *testing.T) {
	t.Parallel()
	colours := []color.NRGBA{{9, 8, 7, 255}, {255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}}
	// Rows from the bottom to the top.
	want := []string{"1111222", "1230000", "0000000", "0032320"}
	for bits, runs := range map[int]string{
		8: "\x04\x01\x03\x02\x00\x00" + "\x00\x03\x01\x02\x03\x00\x00\x00" + "\x00\x02\x02\x01" + "\x01\x03\x01\x02\x02\x03\x00\x02\x00\x00",
		4: "\x04\x11\x09\x22\x00\x00" + "\x00\x03\x12\x30\x00\x00" + "\x00\x02\x02\x01" + "\x03\x32",
	} {
		if bits == 8 {
			// A run of two 3 is no 3 and 2: written one by one.
			runs = runs[:len(runs)-6] + "\x01\x03\x01\x02\x00\x01"
		} else {
			runs += "\x01\x20\x00\x01" // and what is outside of the row is left out
		}
		f := imagetest.BMPFile{Image: image.NewNRGBA(image.Rect(0, 0, 7, 4)), Bits: bits, Header: 40, Compression: 1, Palette: colours, Runs: []byte(runs)}
		if bits == 4 {
			f.Compression = 2
		}
		at := func(x, y int) color.NRGBA { return colours[want[3-y][x]-'0'] }
		unchanged(t, f.BMP(), at, 0)
		cut := f.BMP()
		_, err := newEngine(t).Render(t.Context(), source(cut[:len(cut)-9]), usual)
		check(t, err, ErrInvalid, "too early")
	}
}

func TestBMPRefused(t *testing.T) {
	t.Parallel()
	f := imagetest.BMPFile{Image: tinted(), Bits: 24, Header: 40, Pixel: rgb24}
	changed := func(change func(*imagetest.BMPFile)) []byte {
		f := f
		change(&f)
		return f.BMP()
	}
	for name, c := range map[string]struct {
		file   []byte
		kind   error
		detail string
	}{
		"JPEG within":  {changed(func(f *imagetest.BMPFile) { f.Compression = 4 }), ErrUnsupported, "JPEG or PNG"},
		"fax":          {changed(func(f *imagetest.BMPFile) { f.Header, f.Bits, f.Compression, f.Runs = 64, 1, 3, make([]byte, 2000) }), ErrUnsupported, "fax"},
		"runs of 24":   {changed(func(f *imagetest.BMPFile) { f.Header, f.Compression = 64, 4 }), ErrUnsupported, "compressed colours"},
		"5 bits":       {changed(func(f *imagetest.BMPFile) { f.Bits, f.Runs = 5, make([]byte, 2000) }), ErrUnsupported, "5 bits"},
		"64 bits":      {changed(func(f *imagetest.BMPFile) { f.Bits = 64 }), ErrUnsupported, "64 bits"},
		"masks of 24":  {changed(func(f *imagetest.BMPFile) { f.Compression = 3 }), ErrUnsupported, "compression 3"},
		"no masks":     {changed(func(f *imagetest.BMPFile) { f.Bits, f.Compression, f.Masks = 32, 3, []uint32{0, 0, 0} }), ErrInvalid, "colour"},
		"a giant head": {append([]byte("BM\x00\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\xff\xff\xff\xff"), make([]byte, 99)...), ErrUnsupported, "header"},
		"no pixels":    {changed(func(f *imagetest.BMPFile) { f.Bits, f.Compression, f.Runs = 8, 1, []byte{} }), ErrInvalid, "too early"},
		"too few":      {changed(func(f *imagetest.BMPFile) { f.Runs = make([]byte, 900) }), ErrInvalid, "too early"},
	} {
		_, err := newEngine(t).Probe(source(c.file))
		if err == nil {
			t.Errorf("%s is accepted", name)
			continue
		}
		check(t, err, c.kind, c.detail)
	}
	inside := f.BMP()
	inside[10] = 20
	_, err := newEngine(t).Probe(source(inside))
	check(t, err, ErrInvalid, "within its header")
}
