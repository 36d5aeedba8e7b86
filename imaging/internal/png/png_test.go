package png

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
	stdpng "image/png"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"
)

// picture is an image of noise and shades, of which the encoder of image/png
// filters some rows in each way.
func picture(kind string, w, h int) image.Image {
	rng := rand.New(rand.NewPCG(1, uint64(w)))
	all := image.Rect(0, 0, w, h)
	var img draw.Image
	switch kind {
	case "grey":
		img = image.NewGray(all)
	case "rgb", "rgba":
		img = image.NewNRGBA(all)
	case "deep rgb", "deep rgba":
		img = image.NewNRGBA64(all)
	case "1 bit", "2 bits", "4 bits", "8 bits":
		p := make(color.Palette, 1<<(kind[0]-'0'))
		for i := range p {
			p[i] = color.NRGBA{byte(rng.Uint32()), byte(rng.Uint32()), byte(i), byte(255 - i%3*50)}
		}
		m := image.NewPaletted(all, p)
		for i := range m.Pix {
			m.Pix[i] = byte(rng.IntN(len(p)))
		}
		return m
	}
	for y := range h {
		for x := range w {
			noise := uint16(rng.Uint32()) & (0xffff >> (y % 16))
			c := color.NRGBA64{uint16(x*900) ^ noise, uint16(y * 700), uint16((x+y)*300) + noise, 65535}
			if kind == "rgba" || kind == "deep rgba" {
				c.A = uint16(x * y * 300)
			}
			img.Set(x, y, c)
		}
	}
	return img
}

func encoded(t testing.TB, img image.Image) []byte {
	var b bytes.Buffer
	if err := stdpng.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read reads a file as 16-bit pixels with alpha not multiplied in.
func read(file []byte, w, h int) (*image.NRGBA64, error) {
	r, err := NewReader(bufio.NewReader(bytes.NewReader(file)), w, h)
	if err != nil {
		return nil, err
	}
	out := image.NewNRGBA64(image.Rect(0, 0, w, h))
	for y := range h {
		row, err := r.Row()
		if err != nil {
			return nil, err
		}
		for x := range w {
			p := row[x*r.Kind.Bytes():][:r.Kind.Bytes()]
			deep := func(i int) uint16 { return uint16(p[2*i])<<8 | uint16(p[2*i+1]) }
			c := color.NRGBA64{A: 65535}
			switch r.Kind {
			case Grey:
				c.R, c.G, c.B = uint16(p[0])*257, uint16(p[0])*257, uint16(p[0])*257
			case GreyAlpha:
				c.R, c.G, c.B, c.A = uint16(p[0])*257, uint16(p[0])*257, uint16(p[0])*257, uint16(p[1])*257
			case DeepRGB, DeepRGBA:
				c.R, c.G, c.B = deep(0), deep(1), deep(2)
				if r.Kind == DeepRGBA {
					c.A = deep(3)
				}
			default:
				if r.Kind == Indexed {
					p = r.Palette[p[0]][:]
				}
				c.R, c.G, c.B = uint16(p[0])*257, uint16(p[1])*257, uint16(p[2])*257
				if r.Kind != RGB {
					c.A = uint16(p[3]) * 257
				}
			}
			out.SetNRGBA64(x, y, c)
		}
	}
	return out, r.End()
}

// same compares what can be seen.
func same(t *testing.T, got, want image.Image) {
	t.Helper()
	if got.Bounds() != want.Bounds() {
		t.Fatalf("bounds %v, want %v", got.Bounds(), want.Bounds())
	}
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			r, g, b, a := got.At(x, y).RGBA()
			wr, wg, wb, wa := want.At(x, y).RGBA()
			if r != wr || g != wg || b != wb || a != wa {
				t.Fatalf("pixel %d, %d is %v, want %v", x, y, got.At(x, y), want.At(x, y))
			}
		}
	}
}

var kindNames = []string{"grey", "rgb", "rgba", "deep rgb", "deep rgba", "1 bit", "2 bits", "4 bits", "8 bits"}

func TestReadsAsGoDoes(t *testing.T) {
	t.Parallel()
	for _, kind := range kindNames {
		for _, size := range [][2]int{{1, 1}, {3, 2}, {7, 40}, {61, 64}, {300, 200}} {
			file := encoded(t, picture(kind, size[0], size[1]))
			want, err := stdpng.Decode(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			got, err := read(file, size[0], size[1])
			if err != nil {
				t.Errorf("%s, %v: %v", kind, size, err)
				continue
			}
			same(t, got, want)
		}
	}
}

// Every filter, of pixels of every size, is undone.
func TestFilters(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, bpp := range []int{1, 2, 3, 4, 6, 8} {
		for pixels := range 40 {
			n := 1 + pixels*bpp
			cur, prev := make([]byte, n), make([]byte, n)
			for i := 1; i < n; i++ {
				cur[i], prev[i] = byte(rng.Uint32()), byte(rng.Uint32())
			}
			var outs [5][]byte
			for f := range outs {
				outs[f] = make([]byte, n)
			}
			var sums [5]int
			filterRow(&outs, &sums, cur, prev, bpp)
			for f, out := range outs {
				if !unfilter(byte(f), out[1:], prev[1:], bpp) || !bytes.Equal(out[1:], cur[1:]) {
					t.Errorf("filter %d of %d pixels of %d bytes is not undone", f, pixels, bpp)
				}
			}
		}
	}
	if unfilter(5, make([]byte, 3), make([]byte, 3), 3) {
		t.Error("there is no filter 5")
	}
}

// What is broken is refused, unless the pixels do not depend on it: a chunk tRNS that
// is none any more leaves them opaque, and an IDAT may claim what follows it.
func TestBrokenFiles(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"rgb", "2 bits"} {
		file := encoded(t, picture(kind, 16, 12))
		whole, err := read(file, 16, 12)
		if err != nil {
			t.Fatal(err)
		}
		const end = 4 + 12 // the sum of the last IDAT, and IEND
		for i := range file {
			if _, err := read(file[:i], 16, 12); (err == nil) != (i >= len(file)-end) {
				t.Errorf("%s: %d of %d bytes: %v", kind, i, len(file), err)
			}
			bad := bytes.Clone(file)
			bad[i] ^= 0x10
			if got, err := read(bad, 16, 12); err == nil && !alike(got, whole) {
				t.Errorf("%s: byte %d of %d does not matter", kind, i, len(file))
			}
		}
		if _, err := read(file, 12, 16); err == nil {
			t.Errorf("%s: a picture of another size was read", kind)
		}
	}
}

func TestEncodeIsReadBack(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{1, 1}, {2, 9}, {33, 15}, {200, 150}} {
		for _, kind := range []string{"rgb", "rgba"} {
			m := picture(kind, size[0]+3, size[1]).(*image.NRGBA).SubImage(image.Rect(0, 0, size[0], size[1])).(*image.NRGBA)
			file := Encode(&Image{Pix: m.Pix, Stride: m.Stride, W: size[0], H: size[1], Channels: 4})
			got, err := stdpng.Decode(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			same(t, got, m)
			if _, opaque := got.(*image.RGBA); opaque != m.Opaque() {
				t.Errorf("%s is a %T", kind, got)
			}
		}
		m := picture("grey", size[0], size[1]).(*image.Gray)
		got, err := stdpng.Decode(bytes.NewReader(Encode(&Image{Pix: m.Pix, Stride: m.Stride, W: size[0], H: size[1], Channels: 1})))
		if err != nil {
			t.Fatal(err)
		}
		if _, grey := got.(*image.Gray); !grey {
			t.Errorf("grey is a %T", got)
		}
		same(t, got, m)
	}
}

// Each manner is chosen for its kind of picture, and all can be read.
func TestManners(t *testing.T) {
	t.Parallel()
	noise := func(x, y int) byte { return byte((x*x*31 + y*y*17 + x*y*7) >> 3 & 31) }
	rng := rand.New(rand.NewPCG(1, 2))
	var (
		letters [26][96]byte
		text    [800]int
	)
	for i := range text {
		text[i] = rng.IntN(26)
		letters[i%26][i/26*3] = byte(rng.Uint32())
		letters[i%26][i/26*3+1] = byte(rng.Uint32())
	}
	grain := make([]byte, 320*240)
	for i := range grain {
		grain[i] = byte(rng.Uint32())
	}
	for name, c := range map[string]struct {
		want manner
		at   func(x, y int) byte
	}{
		"photograph": {photographic, func(x, y int) byte { return byte(x/3+y/2) + noise(x, y) }},
		"text":       {drawn, func(x, y int) byte { return letters[text[y/12*40+x/8]][y%12*8+x%8] }},
		"cut out": {cutOut, func(x, y int) byte {
			if x < 200 {
				return 0
			}
			return byte(x+y/2) + grain[y*320+x]&7
		}},
		"shades": {shaded, func(x, y int) byte { return byte(x + y*3) }},
	} {
		m := &Image{W: 320, H: 240, Stride: 320, Channels: 1, Pix: make([]byte, 320*240)}
		for i := range m.Pix {
			m.Pix[i] = c.at(i%320, i/320)
		}
		file := Encode(m)
		got, err := stdpng.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, &image.Gray{Pix: m.Pix, Stride: 320, Rect: image.Rect(0, 0, 320, 240)})
		if how := m.manner(new(bytes.Buffer)); how != c.want {
			t.Errorf("%s: %+v", name, how)
		}
		if std := encoded(t, got); len(file) > len(std)*5/4 {
			t.Errorf("%s: %d bytes, image/png makes %d", name, len(file), len(std))
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, kind := range kindNames {
		f.Add(encoded(f, picture(kind, 9, 5)))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := stdpng.DecodeConfig(bytes.NewReader(file))
		if err != nil || c.Width > 100 || c.Height > 100 {
			return
		}
		got, err := read(file, c.Width, c.Height)
		if err != nil {
			return
		}
		want, err := stdpng.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatalf("read, though broken: %v", err)
		}
		same(t, got, want)
	})
}

func BenchmarkReader(b *testing.B) {
	for _, kind := range []string{"rgb", "rgba"} {
		file := encoded(b, picture(kind, 1000, 700))
		b.Run(kind, func(b *testing.B) {
			b.SetBytes(int64(len(kind)) * 1000 * 700)
			for b.Loop() {
				r, err := NewReader(bufio.NewReader(bytes.NewReader(file)), 1000, 700)
				if err != nil {
					b.Fatal(err)
				}
				for range r.H {
					if _, err = r.Row(); err != nil {
						b.Fatal(err)
					}
				}
				if err := r.End(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, kind := range []string{"rgb", "rgba"} {
		m := picture(kind, 1000, 700).(*image.NRGBA)
		b.Run(kind, func(b *testing.B) {
			b.SetBytes(int64(len(m.Pix)))
			for b.Loop() {
				Encode(&Image{Pix: m.Pix, Stride: m.Stride, W: 1000, H: 700, Channels: 4})
			}
		})
	}
}

// alike compares colours but not alpha.
func alike(a, b *image.NRGBA64) bool {
	for i := range a.Pix {
		if i%8 < 6 && a.Pix[i] != b.Pix[i] {
			return false
		}
	}
	return true
}

// Essential makes a file whole that is so up to its last pixel, and leaves what is
// broken before that to the decoder.
func TestEssential(t *testing.T) {
	t.Parallel()
	img := picture("deep rgba", 60, 50)
	file := encoded(t, img)
	text := append(binary.BigEndian.AppendUint32(nil, 5), "tEXta\x00bcd????"...) // of a wrong sum
	decode := func(file []byte) (image.Image, error) {
		return stdpng.Decode(Essential(bufio.NewReader(iotest.HalfReader(bytes.NewReader(file)))))
	}
	const head, end = 8 + 25, 12
	for name, good := range map[string][]byte{
		"whole":           file,
		"no end":          file[:len(file)-end],
		"half an end":     file[:len(file)-5],
		"no sum":          file[:len(file)-end-4],
		"text before":     slices.Concat(file[:head], text, file[head:]),
		"text after":      slices.Concat(file[:len(file)-end], text, file[len(file)-end:]),
		"text cut":        slices.Concat(file[:len(file)-end], text[:9]),
		"a broken tRNS":   slices.Concat(file[:head], []byte("\x00\x00\x00\x02tRNSab????"), file[head:]),
		"something after": append(bytes.Clone(file), "text"...),
	} {
		got, err := decode(good)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		same(t, got, img)
	}
	for name, bad := range map[string][]byte{
		"cut": file[:len(file)-end-5], "half": file[:len(file)/2], "head": file[:20], "nothing": nil,
		"a wrong sum": slices.Concat(file[:len(file)-end-4], []byte("????"), file[len(file)-end:]),
	} {
		if _, err := decode(bad); err == nil {
			t.Errorf("%s: is decoded", name)
		}
	}
	palette := encoded(t, picture("8 bits", 8, 8))
	want, err := stdpng.Decode(bytes.NewReader(palette))
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(palette)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, want) // with what is transparent
}
