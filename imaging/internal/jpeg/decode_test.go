package jpeg_test

import (
	"bytes"
	"fmt"
	"image"
	stdjpeg "image/jpeg"
	"math"
	"testing"

	"revela/imaging/imagetest"
	"revela/imaging/internal/jpeg"
)

func never() bool { return false }

// blank is an empty Image of the size and sampling that a file's header says.
func blank(data []byte, scale int) *jpeg.Image {
	at := max(bytes.Index(data, []byte("\xff\xc0")), bytes.Index(data, []byte("\xff\xc2")))
	b := data[at+5:]
	var factors []jpeg.Factors
	for i := range int(b[4]) {
		factors = append(factors, jpeg.Factors(b[6+3*i]))
	}
	if len(factors) == 1 {
		factors[0] = 0x11
	}
	return jpeg.New(int(b[2])<<8|int(b[3]), int(b[0])<<8|int(b[1]), scale, factors...)
}

// planes are those of an image of Go's decoder.
func planes(img image.Image) (pix [][]byte, stride []int) {
	switch m := img.(type) {
	case *image.YCbCr:
		return [][]byte{m.Y, m.Cb, m.Cr}, []int{m.YStride, m.CStride, m.CStride}
	case *image.Gray:
		return [][]byte{m.Pix}, []int{m.Stride}
	}
	panic("neither YCbCr nor grey")
}

// files are of all kinds that the decoder takes.
func files() map[string][]byte {
	at := func(c, x, y int) byte { return byte(60 + 40*c + 9*x + 5*y) }
	out := map[string][]byte{}
	for _, size := range [][2]int{{64, 48}, {121, 77}, {1, 1}, {9, 40}} {
		photo := imagetest.Photo(size[0], size[1])
		out[fmt.Sprint("photo ", size)] = imagetest.JPEG(photo)
		out[fmt.Sprint("progressive ", size)] = imagetest.ProgressiveJPEG(photo)
		out[fmt.Sprint("grey ", size)] = imagetest.JPEG(imagetest.ZonePlate(size[0], size[1]))
	}
	for _, m := range []imagetest.Mosaic{
		{Components: 1}, {Components: 1, Progressive: true}, {Components: 3}, {Components: 3, Progressive: true},
		{Components: 3, Half: true}, {Components: 3, Half: true, Progressive: true, ExtraScans: 5},
	} {
		m.Across, m.Down, m.At, m.Adobe = 8, 6, at, -1
		out[fmt.Sprintf("mosaic %d %v %v", m.Components, m.Half, m.Progressive)] = m.JPEG()
	}
	for _, sampling := range [][]byte{
		{0x11}, {0x22}, {0x21, 0x11, 0x11}, {0x12, 0x11, 0x11}, {0x41, 0x11, 0x11}, {0x42, 0x11, 0x11},
		{0x21, 0x21, 0x21}, {0x22, 0x21, 0x21}, {0x22, 0x12, 0x12},
	} {
		s := imagetest.Sampled{W: 121, H: 77, Sampling: sampling, At: imagetest.Hills, Adobe: -1}
		out[fmt.Sprintf("sampled %x", sampling)] = s.JPEG()
		s.Apart = true
		out[fmt.Sprintf("apart %x", sampling)] = s.JPEG()
		s.Progressive = true
		out[fmt.Sprintf("progressive %x", sampling)] = s.JPEG()
	}
	return out
}

func TestDecodesAsGoDoes(t *testing.T) {
	t.Parallel()
	for name, data := range files() {
		want, err := stdjpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(name, err)
		}
		got := blank(data, 1)
		if err := jpeg.Decode(data, got, never); err != nil {
			t.Error(name, err)
			continue
		}
		pix, stride := planes(want)
		for i, p := range got.Planes {
			for y := range p.H {
				for x := range p.W {
					// Both round, each in its way.
					g, w := int(p.Pix[y*p.Stride+x]), int(pix[i][y*stride[i]+x])
					if max(g-w, w-g) > 1 {
						t.Fatalf("%s: plane %d at %d,%d: %d, want %d", name, i, x, y, g, w)
					}
				}
			}
		}
	}
}

// A reduced picture is near the mean of what each of its samples stands for.
func TestReduces(t *testing.T) {
	t.Parallel()
	for name, data := range files() {
		whole := blank(data, 1)
		if err := jpeg.Decode(data, whole, never); err != nil {
			t.Fatal(name, err)
		}
		for _, scale := range []int{2, 4, 8} {
			got := blank(data, scale)
			if err := jpeg.Decode(data, got, never); err != nil {
				t.Error(name, scale, err)
				continue
			}
			for i, p := range got.Planes {
				var off, n float64
				for y := range p.H {
					for x := range p.W {
						d := float64(p.Pix[y*p.Stride+x]) - mean(whole.Planes[i], x*scale, y*scale, scale)
						off += d * d
						n++
					}
				}
				// The rings of a zone plate are finer than can be shown.
				if limit := 12.0; off/n > limit*limit && name[:4] != "grey" {
					t.Errorf("%s, scale %d, plane %d: mean square error %.1f", name, scale, i, off/n)
				}
			}
		}
	}
}

// The same coefficients make the same picture, at every scale and in whatever order
// they come, though those that a scale does not need are not kept.
func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	texture := func(c int, x, y float64) float64 { // of all frequencies
		return 128 + 60*math.Sin(x*x/90+y/7) + 60*math.Cos(y*y/(70+20*float64(c))+x/5)
	}
	for _, sampling := range [][]byte{{0x11}, {0x11, 0x11, 0x11}, {0x22, 0x11, 0x11}, {0x41, 0x11, 0x11}, {0x11, 0x22, 0x21}, {0x21, 0x12, 0x11, 0x22}} {
		s := imagetest.Sampled{W: 121, H: 77, Sampling: sampling, At: texture, Adobe: -1}
		baseline := s.JPEG()
		s.Apart, s.Restart = true, 9
		apart := s.JPEG()
		s.Progressive = true
		progressive := s.JPEG()
		for _, scale := range []int{1, 2, 4, 8} {
			want := blank(baseline, scale)
			if err := jpeg.Decode(baseline, want, never); err != nil {
				t.Fatal(err)
			}
			for name, data := range map[string][]byte{"apart": apart, "progressive": progressive} {
				got := blank(data, scale)
				if err := jpeg.Decode(data, got, never); err != nil {
					t.Fatal(err)
				}
				for i, p := range got.Planes {
					if !bytes.Equal(p.Pix, want.Planes[i].Pix) {
						t.Errorf("%s %x, scale %d: plane %d differs", name, sampling, scale, i)
					}
				}
			}
		}
	}
}

func mean(p jpeg.Plane, x0, y0, n int) float64 {
	var sum, count float64
	for y := y0; y < min(y0+n, p.H); y++ {
		for x := x0; x < min(x0+n, p.W); x++ {
			sum += float64(p.Pix[y*p.Stride+x])
			count++
		}
	}
	return sum / count
}

func TestOddFilesAreRefused(t *testing.T) {
	t.Parallel()
	good := imagetest.JPEG(imagetest.Photo(64, 48))
	scan := bytes.Index(good, []byte("\xff\xda")) + 14
	edit := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	for name, data := range map[string][]byte{
		"empty":       nil,
		"truncated":   good[:len(good)/2],
		"no end":      good[:len(good)-2],
		"short":       append(bytes.Clone(good[:scan+200]), 0xff, 0xd9),
		"too long":    edit(func(b []byte) []byte { return append(append(b[:len(b)-2:len(b)-2], 1, 2, 3), 0xff, 0xd9) }),
		"other size":  edit(func(b []byte) []byte { b[bytes.Index(b, []byte("\xff\xc0"))+6]++; return b }),
		"no tables":   edit(func(b []byte) []byte { b[bytes.Index(b, []byte("\xff\xc4"))+1] = 0xe3; return b }),
		"lossless":    edit(func(b []byte) []byte { b[bytes.Index(b, []byte("\xff\xc0"))+1] = 0xc3; return b }),
		"wrong reset": edit(func(b []byte) []byte { return append(append(b[:scan+50:scan+50], 0xff, 0xd3), b[scan+50:]...) }),
	} {
		if err := jpeg.Decode(data, blank(good, 1), never); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
	if err := jpeg.Decode(good, blank(good, 1), func() bool { return true }); err == nil {
		t.Error("it did not stop")
	}
	if err := jpeg.Decode(good, blank(good, 1), never); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range files() {
		f.Add(data, uint8(1))
		f.Add(data, uint8(4))
	}
	f.Fuzz(func(t *testing.T, data []byte, scale uint8) {
		cfg, err := stdjpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil || cfg.Width*cfg.Height > 1<<18 {
			return
		}
		for _, factors := range [][]jpeg.Factors{{0x11}, {0x11, 0x11, 0x11}, {0x21, 0x11, 0x11}, {0x22, 0x11, 0x11}, {0x11, 0x22, 0x12}, {0x22, 0x11, 0x11, 0x22}} {
			m := jpeg.New(cfg.Width, cfg.Height, 1<<(scale&3), factors...)
			_ = jpeg.Decode(data, m, never) // any answer will do, but no panic
		}
	})
}
