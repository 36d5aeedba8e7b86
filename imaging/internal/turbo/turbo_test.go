package turbo

import (
	"bytes"
	"fmt"
	stdjpeg "image/jpeg"
	"testing"

	"revela/imaging/internal/jpeg"
)

func library(t *testing.T) *Library {
	t.Helper()
	l, err := Load()
	if err != nil {
		t.Skipf("libjpeg-turbo is not installed: %v", err)
	}
	return l
}

// ramp has another value in each plane, rising to the right and downwards.
func ramp(w, h int, factors ...jpeg.Factors) *jpeg.Image {
	m := jpeg.New(w, h, 1, factors...)
	for i, p := range m.Planes {
		for y := range p.H {
			for x := range p.W {
				p.Pix[y*p.Stride+x] = byte(30 + 50*i + 40*x/p.W + 40*y/p.H)
			}
		}
	}
	return m
}

// What is encoded comes back, at every scale, also where sizes are no whole
// blocks and where luma ends within a chroma sample.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	l := library(t)
	for _, size := range [][2]int{{1, 1}, {2, 3}, {15, 15}, {17, 9}, {64, 48}, {121, 77}, {3, 300}} {
		for _, s := range [][]jpeg.Factors{{0x11}, {0x11, 0x11, 0x11}, {0x21, 0x11, 0x11}, {0x22, 0x11, 0x11}, {0x12, 0x11, 0x11}, {0x41, 0x11, 0x11}} {
			for _, progressive := range []bool{false, true} {
				want := ramp(size[0], size[1], s...)
				data, err := l.Encode(want, 95, progressive)
				if err != nil {
					t.Fatal(size, s, err)
				}
				if _, err := stdjpeg.Decode(bytes.NewReader(data)); err != nil {
					t.Fatal(size, s, err)
				}
				if got := bytes.Contains(data, []byte("\xff\xc2")); got != progressive {
					t.Errorf("%v %v: progressive %v, want %v", size, s, got, progressive)
				}
				for _, scale := range []int{1, 2, 4, 8} {
					got := jpeg.New(size[0], size[1], scale, s...)
					if err := l.Decode(data, got); err != nil {
						t.Fatal(size, s, scale, err)
					}
					same(t, fmt.Sprint(size, s, scale, progressive), got, want)
				}
			}
		}
	}
}

// same compares each sample with the one in the middle of what it stands for.
func same(t *testing.T, name string, got, want *jpeg.Image) {
	t.Helper()
	for i, p := range got.Planes {
		ref := want.Planes[i]
		for y := range p.H {
			for x := range p.W {
				rx, ry := min(x*got.Scale+got.Scale/2, ref.W-1), min(y*got.Scale+got.Scale/2, ref.H-1)
				g, w := int(p.Pix[y*p.Stride+x]), int(ref.Pix[ry*ref.Stride+rx])
				// A slope of 80 over few samples makes their means differ.
				tol := 4 + 80*got.Scale/min(ref.W, ref.H)
				if max(g-w, w-g) > tol {
					t.Fatalf("%s: plane %d at %d,%d: %d, want %d", name, i, x, y, g, w)
				}
			}
		}
	}
}

func TestOddFilesAreRefused(t *testing.T) {
	t.Parallel()
	l := library(t)
	good, err := l.Encode(ramp(64, 48, 0x22, 0x11, 0x11), 90, false)
	if err != nil {
		t.Fatal(err)
	}
	scan := bytes.Index(good, []byte("\xff\xda")) + 14
	// Entropy-coded data that breaks off, though the end marker is there.
	short := append(bytes.Clone(good[:scan+20]), 0xff, 0xd9)
	for name, c := range map[string]struct {
		data []byte
		m    *jpeg.Image
	}{
		"good":             {good, jpeg.New(64, 48, 1, 0x22, 0x11, 0x11)},
		"other size":       {good, jpeg.New(64, 47, 1, 0x22, 0x11, 0x11)},
		"other sampling":   {good, jpeg.New(64, 48, 1, 0x11, 0x11, 0x11)},
		"unknown sampling": {good, jpeg.New(64, 48, 1, 0x42, 0x11, 0x11)},
		"no file":          {nil, jpeg.New(64, 48, 1, 0x22, 0x11, 0x11)},
		"truncated":        {good[:scan+20], jpeg.New(64, 48, 1, 0x22, 0x11, 0x11)},
		"short":            {short, jpeg.New(64, 48, 1, 0x22, 0x11, 0x11)},
		"small memory":     {good, &jpeg.Image{W: 64, H: 48, Scale: 1, Factors: []jpeg.Factors{0x22, 0x11, 0x11}, Planes: make([]jpeg.Plane, 3)}},
	} {
		if err := l.Decode(c.data, c.m); (err == nil) != (name == "good") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
