package imaging

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"testing"

	"revela/imaging/imagetest"
)

// sampled is a JPEG of imagetest.Hills.
func sampled(w, h int, sampling ...byte) imagetest.Sampled {
	return imagetest.Sampled{W: w, H: h, Sampling: sampling, At: imagetest.Hills, Adobe: -1}
}

// engines are those that decode JPEG in different ways. The second is the first
// where libjpeg-turbo is not installed.
func engines(t *testing.T) map[string]*Engine {
	t.Helper()
	e, err := New(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*Engine{"go": newEngine(t), "default": e}
}

// Whatever the sampling, the order and the size, the picture comes out: at its
// full size to 1 in 255 on average, and smaller as another resizer makes it, to 4
// where the edge is most of it.
func TestJPEGSampling(t *testing.T) {
	t.Parallel()
	samplings := map[string][]byte{
		"grey": {0x11}, "grey 2x2": {0x22}, "4:4:4": {0x11, 0x11, 0x11}, "4:2:2": {0x21, 0x11, 0x11}, "4:2:0": {0x22, 0x11, 0x11},
		"4:4:0": {0x12, 0x11, 0x11}, "4:1:1": {0x41, 0x11, 0x11}, "4:1:0": {0x42, 0x11, 0x11},
		"4:4:4 as 2x1": {0x21, 0x21, 0x21}, "4:4:0 as 2x2": {0x22, 0x21, 0x21}, "4:2:2 as 2x2": {0x22, 0x12, 0x12},
		"3x1": {0x31, 0x11, 0x11}, "1x4": {0x14, 0x11, 0x11}, "3 to 2": {0x31, 0x21, 0x21}, "2 to 3": {0x21, 0x13, 0x13},
		"fine chroma": {0x11, 0x22, 0x22}, "uneven chroma": {0x22, 0x21, 0x12}, "one fine, one coarse": {0x21, 0x41, 0x11},
		"CMYK": {0x11, 0x11, 0x11, 0x11}, "halved MY": {0x22, 0x11, 0x11, 0x22}, "halved K": {0x21, 0x21, 0x21, 0x11},
		"halved YCCK": {0x22, 0x11, 0x11, 0x22}, "uneven YCCK": {0x12, 0x21, 0x11, 0x21}, "RGB": {0x11, 0x11, 0x11}, "halved B": {0x22, 0x22, 0x11},
	}
	adobe := map[string]int{"halved YCCK": 2, "uneven YCCK": 2, "halved K": 0, "RGB": 0, "halved B": 0}
	sizes := []image.Point{{150, 100}, {64, 32}, {1, 70}, {70, 1}, {9, 17}, {33, 31}, {1, 1}}
	if underRace { // twenty times as slow, with nothing to find in other sizes; all of them come without it
		sizes = []image.Point{{33, 31}}
	}
	for name, sampling := range samplings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, size := range sizes {
				plain := sampled(size.X, size.Y, sampling...)
				if transform, ok := adobe[name]; ok {
					plain.Adobe = transform
				}
				restarts, apart, progressive, both := plain, plain, plain, plain
				restarts.Restart = 3
				apart.Apart, apart.Restart = true, 5
				progressive.Progressive = true
				both.Progressive, both.Restart = true, 2
				ways := map[string]imagetest.Sampled{"baseline": plain, "a scan each": apart, "progressive with restarts": both}
				if size == sizes[0] {
					ways["restarts"], ways["progressive"] = restarts, progressive
				}
				for way, s := range ways {
					comesOut(t, fmt.Sprint(way, size), s)
				}
			}
		})
	}
}

// comesOut renders a JPEG with all engines and compares it with what it shows.
func comesOut(t *testing.T, name string, s imagetest.Sampled) {
	t.Helper()
	file, want := s.JPEG(), seen(t, s)
	divs := []int{1, 2, 5}
	if s.W*s.H < 2000 {
		divs = divs[:2]
	}
	for codec, e := range engines(t) {
		for _, div := range divs {
			size := image.Pt(max(s.W/div, 1), 0)
			outs, err := images(e.Render(t.Context(), source(file), []Variant{{Name: "v", Width: size.X, Quality: 90, Format: PNG}}))
			if err != nil {
				t.Fatalf("%s, %s: %v", name, codec, err)
			}
			size.Y = outs[0].Height
			least := 46.0
			if div > 1 {
				least = 36
			}
			if got := imagetest.PSNR(pixels(t, outs[0]), reference(want, size)); got < least {
				t.Errorf("%s, %s, %v: PSNR %.1f dB, want %.0f", name, codec, size, got, least)
			}
		}
	}
}

// seen is what a file shows. What ink looks like is another test's matter: it is what
// is seen with a sample for each pixel.
func seen(t *testing.T, s imagetest.Sampled) image.Image {
	t.Helper()
	if len(s.Sampling) < 4 {
		return s.Image()
	}
	whole := imagetest.Sampled{W: s.W, H: s.H, Sampling: []byte{0x11, 0x11, 0x11, 0x11}, At: s.At, Adobe: s.Adobe}
	outs, err := images(newEngine(t).Render(t.Context(), source(whole.JPEG()), []Variant{{Name: "v", Width: s.W, Quality: 90, Format: PNG}}))
	if err != nil {
		t.Fatal(err)
	}
	return pixels(t, outs[0])
}

// A JPEG whose scans would need larger units than the standard allows is refused
// at once, and read where each component has a scan of its own.
func TestJPEGUnits(t *testing.T) {
	t.Parallel()
	s := sampled(64, 48, 0x33, 0x11, 0x11)
	_, err := newEngine(t).Probe(source(s.JPEG()))
	check(t, err, ErrInvalid, "11 blocks")
	s.Apart = true
	comesOut(t, "apart", s)
}

// The generator is right: Go's decoder, which had no part in it, sees what it says.
func TestSampledIsWhatGoSees(t *testing.T) {
	t.Parallel()
	for _, s := range []imagetest.Sampled{
		sampled(150, 101, 0x42, 0x11, 0x11),
		{W: 150, H: 101, Sampling: []byte{0x22, 0x11, 0x11}, At: imagetest.Hills, Adobe: -1, Progressive: true},
		{W: 150, H: 101, Sampling: []byte{0x21, 0x11, 0x11}, At: imagetest.Hills, Adobe: -1, Apart: true},
	} {
		img, err := jpeg.Decode(bytes.NewReader(s.JPEG()))
		if err != nil {
			t.Fatal(err)
		}
		if got := imagetest.PSNR(img, s.Image()); got < 36 { // it repeats chroma samples
			t.Errorf("%x: PSNR %.1f dB", s.Sampling, got)
		}
	}
}
