package jpeg_test

import (
	"bytes"
	"fmt"
	"image"
	stdjpeg "image/jpeg"
	"math"
	"math/rand/v2"
	"testing"

	"revela/imaging/imagetest"
	"revela/imaging/internal/jpeg"
)

// photo is planes of a photograph.
func photo(t testing.TB, w, h int) *jpeg.Image {
	t.Helper()
	data := imagetest.JPEG(imagetest.Photo(w, h))
	m := blank(data, 1)
	if err := jpeg.Decode(data, m, never); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestEncodes(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 10))
	for _, size := range [][2]int{{1, 1}, {8, 8}, {15, 33}, {64, 48}, {200, 150}} {
		colour := photo(t, size[0], size[1])
		grey := &jpeg.Image{W: size[0], H: size[1], Scale: 1, Factors: []jpeg.Factors{0x11}, Planes: colour.Planes[:1]}
		full := jpeg.New(size[0], size[1], 1, 0x11, 0x11, 0x11)
		wide := jpeg.New(size[0], size[1], 1, 0x21, 0x11, 0x11)
		noise := jpeg.New(size[0], size[1], 1, 0x22, 0x11, 0x11)
		flat := jpeg.New(size[0], size[1], 1, 0x22, 0x11, 0x11)
		for i := range full.Planes {
			for j := range full.Planes[i].Pix {
				full.Planes[i].Pix[j] = byte(40*i + j%50)
			}
			for j := range wide.Planes[i].Pix {
				wide.Planes[i].Pix[j] = byte(200 - 40*i + j%20)
			}
			for j := range noise.Planes[i].Pix {
				noise.Planes[i].Pix[j] = byte(rng.Uint32())
			}
		}
		for name, m := range map[string]*jpeg.Image{
			"colour": colour, "grey": grey, "4:4:4": full, "4:2:2": wide, "noise": noise, "flat": flat,
		} {
			for _, quality := range []int{1, 50, 85, 100} {
				for _, progressive := range []bool{false, true} {
					name := fmt.Sprint(name, size, " quality ", quality, " progressive ", progressive)
					data, err := jpeg.Encode(m, quality, progressive)
					if err != nil {
						t.Fatal(name, err)
					}
					comes(t, name, data, m, quality)
				}
			}
		}
	}
}

// comes checks that Go's decoder and ours both get m back.
func comes(t *testing.T, name string, data []byte, m *jpeg.Image, quality int) {
	t.Helper()
	img, err := stdjpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(name, err)
	}
	own := jpeg.New(m.W, m.H, 1, m.Factors...)
	if err := jpeg.Decode(data, own, never); err != nil {
		t.Fatal(name, err)
	}
	pix, stride := planes(img)
	for i, p := range m.Planes {
		var sum float64
		for y := range p.H {
			for x := range p.W {
				got := int(pix[i][y*stride[i]+x])
				if o := int(own.Planes[i].Pix[y*own.Planes[i].Stride+x]); max(o-got, got-o) > 2 {
					t.Fatalf("%s: decoders differ in plane %d at %d,%d: %d and %d", name, i, x, y, got, o)
				}
				d := float64(got) - float64(p.Pix[y*p.Stride+x])
				sum += d * d
			}
		}
		if rms := math.Sqrt(sum / float64(p.W*p.H)); quality == 100 && rms > 1.5 {
			t.Errorf("%s: plane %d is off by %.1f", name, i, rms)
		}
	}
}

// A file is as good as that of Go's encoder, and smaller, because its codes are
// made for it.
func TestEncodesWell(t *testing.T) {
	t.Parallel()
	m := photo(t, 640, 480)
	for _, quality := range []int{30, 75, 85, 95} {
		data, err := jpeg.Encode(m, quality, false)
		if err != nil {
			t.Fatal(err)
		}
		later, err := jpeg.Encode(m, quality, true)
		if err != nil {
			t.Fatal(err)
		}
		want := goEncoded(t, m, quality)
		if len(data) >= len(want) || len(later) >= len(want) {
			t.Errorf("quality %d: %d bytes, progressive %d, Go's %d", quality, len(data), len(later), len(want))
		}
		if ours, gos := errorOf(t, data, m), errorOf(t, want, m); ours > gos*1.02 {
			t.Errorf("quality %d: mean square error %.2f, Go's %.2f", quality, ours, gos)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]*jpeg.Image{
		"empty": {Scale: 1}, "reduced": jpeg.New(8, 8, 2, 0x22, 0x11, 0x11), "two planes": jpeg.New(8, 8, 1, 0x11, 0x11),
		"too wide": {W: 65536, H: 1, Scale: 1, Planes: make([]jpeg.Plane, 1)},
	} {
		if _, err := jpeg.Encode(m, 85, false); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	m := photo(b, 1024, 768)
	for name, progressive := range map[string]bool{"baseline": false, "progressive": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := jpeg.Encode(m, 85, progressive); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func goEncoded(t *testing.T, m *jpeg.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	img := &image.YCbCr{
		Y: m.Planes[0].Pix, Cb: m.Planes[1].Pix, Cr: m.Planes[2].Pix,
		YStride: m.Planes[0].Stride, CStride: m.Planes[1].Stride,
		SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, m.W, m.H),
	}
	if err := stdjpeg.Encode(&b, img, &stdjpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// errorOf is the mean square error of a file's luma.
func errorOf(t *testing.T, data []byte, m *jpeg.Image) float64 {
	t.Helper()
	img, err := stdjpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	pix, stride := planes(img)
	p := m.Planes[0]
	var sum float64
	for y := range p.H {
		for x := range p.W {
			d := float64(pix[0][y*stride[0]+x]) - float64(p.Pix[y*p.Stride+x])
			sum += d * d
		}
	}
	return sum / float64(p.W*p.H)
}
