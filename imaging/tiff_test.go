package imaging

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"testing"

	"revela/imaging/imagetest"
)

// tinted is a picture with sides that no strip or tile divides, and with alpha.
func tinted() *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, 37, 29))
	for y := range 29 {
		for x := range 37 {
			m.SetNRGBA(x, y, color.NRGBA{byte(6 * x), byte(8 * y), byte(3*x + 4*y), byte(80 + 2*x + 3*y)})
		}
	}
	return m
}

// unchanged renders all of a file as PNG and compares it with a picture, the
// colours multiplied by alpha.
func unchanged(t *testing.T, file []byte, want func(x, y int) color.NRGBA, tol float64) {
	t.Helper()
	v := sized("v", 5000, 90)
	v.Format = PNG
	r, err := newEngine(t).Render(t.Context(), source(file), []Variant{v})
	if err != nil {
		t.Error(err)
		return
	}
	img := pixels(t, r.Images[0])
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			g, w := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA), want(x, y)
			ga, wa := float64(g.A)/255, float64(w.A)/255
			for _, d := range []float64{float64(g.R)*ga - float64(w.R)*wa, float64(g.G)*ga - float64(w.G)*wa, float64(g.B)*ga - float64(w.B)*wa, 255 * (ga - wa)} {
				if d > tol || d < -tol {
					t.Errorf("%d, %d is %v, want %v", x, y, g, w)
					return
				}
			}
		}
	}
}

func opaque(c color.NRGBA) color.NRGBA { c.A = 255; return c }

func grey(c color.NRGBA) color.NRGBA { return color.NRGBA{c.G, c.G, c.G, 255} }

// All kinds of pixels, in all kinds of strips and tiles, compressed in all ways.
func TestTIFFKinds(t *testing.T) {
	t.Parallel()
	m := tinted()
	white := func(c color.NRGBA64) []uint16 { return []uint16{^c.G} }
	multiplied := func(c color.NRGBA64) []uint16 {
		r, g, b, a := c.RGBA()
		return []uint16{uint16(r), uint16(g), uint16(b), uint16(a)}
	}
	beside := func(c color.NRGBA64) []uint16 { return []uint16{c.R, c.G, c.B, 7, c.A} }
	same := func(c color.NRGBA) color.NRGBA { return c }
	greyAlpha := func(c color.NRGBA) color.NRGBA { return color.NRGBA{c.G, c.G, c.G, c.A} }
	black := func(c color.NRGBA) color.NRGBA { return grey(color.NRGBA{G: 255 * (c.G >> 7)}) }
	palette := make([]uint32, 3*16)
	for i := range 16 {
		palette[i], palette[16+i], palette[32+i] = uint32(4000*i), 65535-uint32(4000*i), 30000
	}
	indexed := func(c color.NRGBA) color.NRGBA {
		i := uint32(c.G >> 4)
		return color.NRGBA{byte((4000*i + 128) / 257), byte((65535 - 4000*i + 128) / 257), 117, 255}
	}
	for name, c := range map[string]struct {
		bits        []int
		photometric uint32
		extra       []uint32
		samples     func(color.NRGBA64) []uint16
		want        func(color.NRGBA) color.NRGBA
		tol         float64
	}{
		"RGB":             {[]int{8, 16}, 2, nil, imagetest.RGBSamples, opaque, 1},
		"RGB of 4 bits":   {[]int{4}, 2, nil, imagetest.RGBSamples, opaque, 16},
		"RGBA":            {[]int{8, 16}, 2, []uint32{2}, imagetest.RGBASamples, same, 1},
		"RGBA multiplied": {[]int{8, 16}, 2, []uint32{1}, multiplied, same, 2},
		"RGBX":            {[]int{8}, 2, []uint32{0}, imagetest.RGBASamples, opaque, 1},
		"RGBX unsaid":     {[]int{8}, 2, nil, imagetest.RGBASamples, opaque, 1},
		"RGBXA":           {[]int{8, 16}, 2, []uint32{0, 2}, beside, same, 1},
		"grey":            {[]int{8, 16}, 1, nil, imagetest.GreySamples, grey, 1},
		"grey of 4 bits":  {[]int{4}, 1, nil, imagetest.GreySamples, grey, 16},
		"grey of 2 bits":  {[]int{2}, 1, nil, imagetest.GreySamples, grey, 64},
		"black and white": {[]int{1}, 1, nil, imagetest.GreySamples, black, 1},
		"white is zero":   {[]int{8, 16}, 0, nil, white, grey, 1},
		"white and black": {[]int{1}, 0, nil, white, black, 1},
		"grey and alpha":  {[]int{8, 16}, 1, []uint32{2}, imagetest.GreyAlphaSamples, greyAlpha, 1},
		"palette":         {[]int{4}, 3, nil, imagetest.GreySamples, indexed, 1},
	} {
		for i, block := range []image.Point{{0, 29}, {0, 4}, {16, 16}, {48, 32}} {
			for j, compression := range []int{1, 5, 8, 32773} {
				for _, bits := range c.bits {
					f := imagetest.TIFFFile{
						Image: m, Samples: c.samples, Bits: bits, Block: block, Compression: compression,
						BigEndian: (i+j)%2 > 0, Separate: (i+j/2)%2 > 0, Differences: compression < 9 && compression > 4 && bits >= 8 && i%2 == 0,
						Tags: map[uint16][]uint32{262: {c.photometric}},
					}
					if c.extra != nil {
						f.Tags[338] = c.extra
					}
					if c.photometric == 3 {
						f.Tags[320] = palette
					}
					t.Run(fmt.Sprintf("%s, %d bits, block %v, compression %d", name, bits, block, compression), func(t *testing.T) {
						t.Parallel()
						unchanged(t, f.TIFF(), func(x, y int) color.NRGBA { return c.want(m.NRGBAAt(x, y)) }, c.tol)
					})
				}
			}
		}
	}
}

// CMYK of a TIFF is what that of a JPEG is, whose ink is negative, with a profile and
// without one.
func TestTIFFInk(t *testing.T) {
	t.Parallel()
	profile := imagetest.InkProfile(func(c, m, y, k float64) [3]float64 { return [3]float64{100 * (1 - k), 60 * (m - c), 60 * (y - m)} })
	ink := [4]byte{200, 60, 20, 40}
	jpg := imagetest.Mosaic{Across: 2, Down: 2, Components: 4, Adobe: -1, At: func(c, _, _ int) byte { return 255 - ink[c] }}.JPEG()
	samples := func(color.NRGBA64) []uint16 {
		return []uint16{uint16(ink[0]) * 257, uint16(ink[1]) * 257, uint16(ink[2]) * 257, uint16(ink[3]) * 257}
	}
	for _, bits := range []int{8, 16} {
		for _, separate := range []bool{false, true} {
			for _, of := range [][]byte{nil, profile} {
				f := imagetest.TIFFFile{Image: image.NewNRGBA(image.Rect(0, 0, 16, 16)), Samples: samples, Bits: bits,
					Separate: separate, Block: image.Pt(0, 5), Compression: 5, Tags: map[uint16][]uint32{262: {5}}}
				twin := jpg
				if of != nil {
					twin = imagetest.WithProfile(jpg, of)
					for _, b := range of {
						f.Tags[34675] = append(f.Tags[34675], uint32(b))
					}
				}
				a, b := meant(t, render(t, f.TIFF(), 16)), meant(t, render(t, twin, 16))
				sameLight(t, fmt.Sprintf("%d bits, separate %v, profile %v", bits, separate, of != nil), a, b)
			}
		}
	}
	packed := imagetest.TIFFFile{Image: image.NewNRGBA(image.Rect(0, 0, 16, 16)), Samples: samples, Bits: 8,
		Block: image.Pt(16, 16), Compression: 7, Tags: map[uint16][]uint32{262: {5}},
		Pack: func([]byte, int, int) []byte {
			return imagetest.Mosaic{Across: 2, Down: 2, Components: 4, Adobe: -1, At: func(c, _, _ int) byte { return ink[c] }}.JPEG()
		}}
	sameLight(t, "JPEG", meant(t, render(t, packed.TIFF(), 16)), meant(t, render(t, jpg, 16)))
}

// Fax machines' codes, as libtiff writes them.
func TestTIFFFax(t *testing.T) {
	t.Parallel()
	m := image.NewNRGBA(image.Rect(0, 0, 16, 8))
	for kind, code := range map[int]string{3: "00198a00331400662800cc5001351660026a2cc004d4598009a8b3", 4: "3317f26a2ffe002002"} {
		for photometric := range uint32(2) {
			for _, fill := range []uint32{1, 2} {
				packed, err := hex.DecodeString(code)
				if err != nil {
					t.Fatal(err)
				}
				if fill == 2 {
					for i, b := range packed {
						for bit := range 8 {
							packed[i] = packed[i]&^(1<<bit) | b>>(7-bit)&1<<bit
						}
					}
				}
				file := imagetest.TIFFFile{Image: m, Samples: imagetest.GreySamples, Bits: 1, Block: image.Pt(0, 8), Compression: kind,
					Pack: func([]byte, int, int) []byte { return packed }, Tags: map[uint16][]uint32{262: {photometric}, 266: {fill}}}.TIFF()
				unchanged(t, file, func(x, y int) color.NRGBA {
					if ((x < 8) != (y < 4)) == (photometric == 0) {
						return color.NRGBA{A: 255}
					}
					return color.NRGBA{255, 255, 255, 255}
				}, 1)
			}
		}
	}
}

// shared takes the tables out of a JPEG.
func shared(file []byte) (tables, rest []byte) {
	tables, rest = []byte("\xff\xd8"), []byte("\xff\xd8")
	for b := file[2:]; ; {
		if b[1] == 0xda {
			return append(tables, 0xff, 0xd9), append(rest, b...)
		}
		n := 2 + int(binary.BigEndian.Uint16(b[2:]))
		if b[1] == 0xdb || b[1] == 0xc4 {
			tables = append(tables, b[:n]...)
		} else {
			rest = append(rest, b[:n]...)
		}
		b = b[n:]
	}
}

func TestTIFFOfJPEG(t *testing.T) {
	t.Parallel()
	m := tinted()
	// plain is a JPEG of three components that are not converted to luma and chroma.
	plain := func(block []byte, w, h int) []byte {
		return imagetest.Mosaic{Across: (w + 7) / 8, Down: (h + 7) / 8, Components: 3, Adobe: -1,
			At: func(c, x, y int) byte { return block[3*(8*y*w+8*x)+c] }}.JPEG()
	}
	for _, tables := range []bool{false, true} {
		for _, block := range []image.Point{{0, 29}, {0, 16}, {16, 32}} {
			var first []byte
			pack := func(encode func(block []byte, w, h int) []byte) func([]byte, int, int) []byte {
				return func(block []byte, w, h int) []byte {
					file := encode(block, w, h)
					if !tables {
						return file
					}
					var rest []byte
					first, rest = shared(file)
					return rest
				}
			}
			encode := func(img image.Image) []byte {
				var b bytes.Buffer
				if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 98}); err != nil {
					t.Fatal(err)
				}
				return b.Bytes()
			}
			for name, c := range map[string]struct {
				photometric uint32
				samples     func(color.NRGBA64) []uint16
				encode      func(block []byte, w, h int) []byte
				want        func(color.NRGBA) color.NRGBA
				tol         float64
			}{
				"grey": {1, imagetest.GreySamples, func(block []byte, w, h int) []byte {
					return encode(&image.Gray{Pix: block, Stride: w, Rect: image.Rect(0, 0, w, h)})
				}, grey, 4},
				"colour": {6, imagetest.RGBSamples, func(block []byte, w, h int) []byte {
					img := image.NewRGBA(image.Rect(0, 0, w, h))
					for i := range w * h {
						img.SetRGBA(i%w, i/w, color.RGBA{block[3*i], block[3*i+1], block[3*i+2], 255})
					}
					return encode(img)
				}, opaque, 24},
				"plain colour": {2, imagetest.RGBSamples, plain, nil, 1},
			} {
				if c.want == nil && block != image.Pt(16, 32) {
					continue // whole blocks only
				}
				f := imagetest.TIFFFile{Image: m, Samples: c.samples, Bits: 8, Block: block, Compression: 7,
					Pack: pack(c.encode), Tags: map[uint16][]uint32{262: {c.photometric}}}
				file := f.TIFF()
				if tables {
					for _, b := range first {
						f.Tags[347] = append(f.Tags[347], uint32(b))
					}
					file = f.TIFF()
				}
				want := func(x, y int) color.NRGBA { return opaque(m.NRGBAAt(x&^7, y&^7)) }
				if c.want != nil {
					want = func(x, y int) color.NRGBA { return c.want(m.NRGBAAt(x, y)) }
				}
				t.Run(fmt.Sprintf("%s, tables %v, block %v", name, tables, block), func(t *testing.T) { unchanged(t, file, want, c.tol) })
			}
		}
	}
}

// What cannot be read is refused before it is accepted, by name.
func TestTIFFRefused(t *testing.T) {
	t.Parallel()
	make := func(change func(*imagetest.TIFFFile)) []byte {
		f := imagetest.TIFFFile{Image: tinted(), Samples: imagetest.RGBSamples, Bits: 8, Block: image.Pt(0, 8), Compression: 1, Tags: map[uint16][]uint32{262: {2}}}
		change(&f)
		return f.TIFF()
	}
	tags := func(of map[uint16][]uint32) []byte {
		return make(func(f *imagetest.TIFFFile) {
			for tag, v := range of {
				f.Tags[tag] = v
			}
		})
	}
	progressive := func([]byte, int, int) []byte {
		return imagetest.Mosaic{Across: 6, Down: 4, Components: 3, Adobe: -1, Progressive: true, At: func(c, x, y int) byte { return 9 }}.JPEG()
	}
	jpegs := func(kind func([]byte, int, int) []byte, photometric uint32) []byte {
		return make(func(f *imagetest.TIFFFile) {
			f.Compression, f.Pack, f.Tags[262] = 7, kind, []uint32{photometric}
		})
	}
	small := func([]byte, int, int) []byte { return imagetest.JPEG(imagetest.Corners(16, 16)) }
	many := func(n int) []uint32 { return slices.Repeat([]uint32{8}, n) }
	for name, c := range map[string]struct {
		file   []byte
		kind   error
		detail string
	}{
		"old JPEG": {tags(map[uint16][]uint32{259: {6}}), ErrUnsupported, "old-style JPEG"},
		"old LZW": {make(func(f *imagetest.TIFFFile) {
			f.Compression, f.Pack = 5, func([]byte, int, int) []byte { return []byte{0, 1, 2, 3} }
		}), ErrUnsupported, "old-style LZW"},
		"JPEG 2000":       {tags(map[uint16][]uint32{259: {34712}}), ErrUnsupported, "JPEG 2000"},
		"unknown":         {tags(map[uint16][]uint32{259: {777}}), ErrUnsupported, "compression 777"},
		"Lab":             {tags(map[uint16][]uint32{262: {8}}), ErrUnsupported, "Lab"},
		"luma and chroma": {tags(map[uint16][]uint32{262: {6}}), ErrUnsupported, "luma and chroma"},
		"sensor":          {tags(map[uint16][]uint32{262: {32803}}), ErrUnsupported, "sensor"},
		"DNG":             {tags(map[uint16][]uint32{50706: {1}}), ErrUnsupported, "raw"},
		"raw":             {tags(map[uint16][]uint32{254: {1}, 330: {8}}), ErrUnsupported, "raw"},
		"floating point":  {tags(map[uint16][]uint32{339: {3, 3, 3}}), ErrUnsupported, "floating point"},
		"signed":          {tags(map[uint16][]uint32{339: {2}}), ErrUnsupported, "negative"},
		"32 bits":         {tags(map[uint16][]uint32{258: {32, 32, 32}}), ErrUnsupported, "32 bits"},
		"5, 6 and 5 bits": {tags(map[uint16][]uint32{258: {5, 6, 5}}), ErrUnsupported, "different"},
		"spot colours":    {tags(map[uint16][]uint32{262: {5}, 332: {2}}), ErrUnsupported, "inks"},
		"predictor":       {tags(map[uint16][]uint32{259: {5}, 317: {3}}), ErrUnsupported, "predictor"},
		"two-dimensional": {make(func(f *imagetest.TIFFFile) {
			f.Samples, f.Bits, f.Compression, f.Tags = imagetest.GreySamples, 1, 3, map[uint16][]uint32{262: {0}, 292: {1}}
		}), ErrUnsupported, "two-dimensional"},
		"fax of colours":   {tags(map[uint16][]uint32{259: {4}}), ErrInvalid, "black and white"},
		"few samples":      {tags(map[uint16][]uint32{277: {2}}), ErrInvalid, "2 samples"},
		"no palette":       {make(func(f *imagetest.TIFFFile) { f.Samples, f.Tags[262] = imagetest.GreySamples, []uint32{3} }), ErrInvalid, "palette"},
		"progressive JPEG": {jpegs(progressive, 6), ErrUnsupported, "progressive"},
		"small JPEG":       {jpegs(small, 6), ErrInvalid, "size"},
		"JPEG of others":   {jpegs(small, 5), ErrUnsupported, "inks"},
		"a giant tile":     {tags(map[uint16][]uint32{322: {60000}, 323: {60000}, 324: {8}, 325: {10}}), ErrInvalid, "60000 x 60000"},
		"a tile of 2^32":   {tags(map[uint16][]uint32{322: {1<<32 - 16}, 323: {1<<32 - 16}, 324: {8}, 325: {10}}), ErrInvalid, "tiles"},
		"no tile":          {tags(map[uint16][]uint32{322: {0}, 323: {16}, 324: {8}, 325: {10}}), ErrInvalid, "tiles"},
		"few strips":       {tags(map[uint16][]uint32{278: {1}}), ErrInvalid, "table of contents"},
		"few lengths":      {tags(map[uint16][]uint32{279: {888}}), ErrInvalid, "table of contents"},
		"no lengths":       {tags(map[uint16][]uint32{279: {}}), ErrInvalid, "table of contents"},
		"long strips":      {tags(map[uint16][]uint32{279: {1 << 30, 1 << 30, 1 << 30, 1 << 30}}), ErrInvalid, "too early"},
		"short strips":     {tags(map[uint16][]uint32{279: many(4)}), ErrInvalid, "too early"},
		"the same strips":  {tags(map[uint16][]uint32{259: {5}, 273: many(4), 279: {2000, 2000, 2000, 2000}}), ErrInvalid, "share"},
		"tiles for a line": {tags(map[uint16][]uint32{256: {1}, 257: {5000}, 322: {4096}, 323: {1}, 324: {8}, 325: {10}}), ErrInvalid, "far more"},
		"empty strips":     {tags(map[uint16][]uint32{259: {5}, 279: {0, 0, 0, 0}}), ErrInvalid, "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newEngine(t).Probe(source(c.file))
			check(t, err, c.kind, c.detail)
		})
	}
}

// However many strips and tiles there are, and however far tiles reach beyond the
// picture: memory stays within what the header foretells.
func TestTIFFMemory(t *testing.T) {
	if underRace {
		t.Skip("memory is measured without the race detector")
	}
	m := image.NewNRGBA(image.Rect(0, 0, 3, 200))
	for name, f := range map[string]imagetest.TIFFFile{
		"strips of a row": {Image: m, Block: image.Pt(0, 1), Compression: 8},
		"a wide tile":     {Image: m, Block: image.Pt(4096, 256), Compression: 8},
		"small tiles":     {Image: m, Block: image.Pt(1, 1), Compression: 32773},
	} {
		f.Samples, f.Bits, f.Tags = imagetest.RGBASamples, 8, map[uint16][]uint32{262: {2}}
		file := f.TIFF()
		h, err := probe(source(file), DefaultConfig())
		if err != nil {
			t.Fatal(name, err)
		}
		before := allocated()
		if _, err := decode(t.Context(), source(file), h); err != nil {
			t.Fatal(name, err)
		}
		const slack = 1 << 20 // tables that come and go
		if took := allocated() - before; took > h.decodeBytes+slack {
			t.Errorf("%s: took %d bytes, foretold were %d", name, took, h.decodeBytes)
		}
	}
}

// Of several pages the first counts that is not a small copy of another.
func TestTIFFPages(t *testing.T) {
	t.Parallel()
	m := imagetest.Corners(16, 16)
	f := imagetest.TIFFFile{Image: m, Samples: imagetest.RGBSamples, Bits: 8, Block: image.Pt(0, 16), Compression: 8, Tags: map[uint16][]uint32{254: {0}, 262: {2}}}
	for frames, file := range map[int][]byte{
		1: imagetest.TIFFPages(f.TIFF(), 0), 3: imagetest.TIFFPages(f.TIFF(), 2, 2, 2), 2: imagetest.TIFFPages(f.TIFF(), 1, 0, 4, 1, 0),
	} {
		info, err := newEngine(t).Probe(source(file))
		if err != nil || info.Frames != frames {
			t.Errorf("%d pages: %v, %v", frames, info, err)
		}
	}
	small := imagetest.TIFFPages(f.TIFF(), 1, 0)
	small[bytes.Index(small, []byte{0, 1, 3, 0, 1, 0, 0, 0, 16})+8] = 8 // its width
	info, err := newEngine(t).Probe(source(small))
	if err != nil || info.Width != 16 {
		t.Errorf("a small copy first: %v, %v", info, err)
	}
	unchanged(t, imagetest.TIFFPages(f.TIFF(), 1, 0), func(x, y int) color.NRGBA { return m.NRGBAAt(x, y) }, 0)
}
