package icc

import (
	"math"
	"testing"

	"revela/imaging/imagetest"
)

// The matrices to XYZ that ICC profiles of these spaces have, as published.
func TestMatrices(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		space space
		want  mat
	}{
		"sRGB":       {srgb, mat{{0.43607, 0.38515, 0.14307}, {0.22249, 0.71687, 0.06061}, {0.01392, 0.09708, 0.71410}}},
		"Display P3": {displayP3, mat{{0.51512, 0.29198, 0.15710}, {0.24120, 0.69225, 0.06657}, {-0.00105, 0.04189, 0.78407}}},
		"Adobe RGB":  {adobeRGB, mat{{0.60974, 0.20528, 0.14919}, {0.31111, 0.62567, 0.06322}, {0.01947, 0.06087, 0.74457}}},
	} {
		m := c.space.toXYZ()
		for i := range m {
			for j := range m[i] {
				if math.Abs(m[i][j]-c.want[i][j]) > 2e-4 {
					t.Errorf("%s: %v, want %v", name, m, c.want)
				}
			}
		}
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data []byte
		want Target
	}{
		"Display P3": {DisplayP3.Profile(), DisplayP3},
		"Adobe RGB":  {imagetest.AdobeRGBProfile(), DisplayP3},
		"grey":       {imagetest.GreyProfile(2.2), SRGB},
	} {
		s, err := FromProfile(c.data)
		if err != nil || s.Target() != c.want {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	if s, err := FromProfile(DisplayP3.Profile()); err != nil || New(s, DisplayP3) != nil {
		t.Errorf("the profile of Display P3 changes Display P3: %v", err)
	}
	if s, err := FromCICP(1, 13); err != nil || New(s, SRGB) != nil || s.Target() != SRGB {
		t.Errorf("sRGB changes: %v", err)
	}
}

// A table interpolates linearly within a cell, along each channel and along grey.
func TestGrid(t *testing.T) {
	t.Parallel()
	g := &grid{n: 3, dims: [4]int{2, 2, 2}}
	for i := range 8 {
		g.data = append(g.data, float32(i>>2&1), float32(i>>1&1), float32(i&1))
	}
	for _, d := range [][4]float64{{0, 0, 0}, {1, 1, 1}, {0.25, 0.5, 0.75}, {0.9, 0.1, 0.1}, {0.4, 0.4, 0.4}} {
		v := g.at(d)
		for i := range v {
			if math.Abs(v[i]-d[i]) > 1e-6 {
				t.Errorf("%v became %v", d, v)
			}
		}
	}
	if v := g.at([4]float64{math.NaN(), math.Inf(1), math.Inf(-1)}); v != (vec{0, 1, 0}) {
		t.Errorf("no numbers became %v", v)
	}
}

// Published points of the curves: 58 % of PQ and 75 % of HLG are paper white.
func TestHDRCurves(t *testing.T) {
	t.Parallel()
	if v := fromPQ(vec{0.5807, 0, 1}); math.Abs(v[0]-1) > 0.01 || v[1] > 1e-6 || math.Abs(v[2]-10000.0/203) > 0.1 {
		t.Errorf("PQ: %v", v)
	}
	if v := fromHLG(vec{0.75, 0.75, 0.75}); math.Abs(v[1]-1) > 0.02 {
		t.Errorf("HLG: %v", v)
	}
}

func FuzzProfile(f *testing.F) {
	f.Add(imagetest.AdobeRGBProfile())
	f.Add(DisplayP3.Profile())
	f.Add(imagetest.GreyProfile(1.8))
	f.Add(imagetest.InkProfile(func(c, m, y, k float64) [3]float64 { return [3]float64{100 * (1 - k), 20 * (m - c), 20 * (y - m)} }))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := FromProfile(data)
		if err != nil {
			return
		}
		tr := New(s, s.Target())
		if tr == nil {
			return
		}
		pix := []byte{0, 0, 0, 9, 255, 255, 255, 9, 1, 99, 254, 9}
		switch s.Channels() {
		case 1:
			tr.Grey(pix)
		case 3:
			if tr.RGB(pix); pix[3] != 9 || pix[7] != 9 || pix[11] != 9 {
				t.Error("alpha changed")
			}
		case 4:
			tr.CMYK(pix, pix[:3], pix[3:6], pix[6:9], pix[9:12])
		}
	})
}

func BenchmarkRGB(b *testing.B) {
	s, err := FromProfile(imagetest.AdobeRGBProfile())
	if err != nil {
		b.Fatal(err)
	}
	t, pix := New(s, DisplayP3), make([]byte, 4<<20)
	for i := range pix {
		pix[i] = byte(i * 2654435761 >> 8)
	}
	b.SetBytes(1 << 20) // pixels
	for b.Loop() {
		t.RGB(pix)
	}
}

func BenchmarkCMYK(b *testing.B) {
	t, pix := New(Ink(), SRGB), make([]byte, 4<<20)
	ink := make([]byte, 4<<20)
	for i := range ink {
		ink[i] = byte(i * 2654435761 >> 8)
	}
	b.SetBytes(1 << 20)
	for b.Loop() {
		t.CMYK(pix, ink[:1<<20], ink[1<<20:2<<20], ink[2<<20:3<<20], ink[3<<20:])
	}
}

func BenchmarkNewInk(b *testing.B) {
	for b.Loop() {
		New(Ink(), SRGB)
	}
}
