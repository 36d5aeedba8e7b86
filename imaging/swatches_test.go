package imaging

import (
	"image"
	"image/color"
	"math"
	"testing"

	"revela/imaging/imagetest"
)

// The matrices from linear light to XYZ, and from the white of monitors to that of
// profiles, as CSS Color 4 publishes them.
var (
	srgbToXYZ  = [9]float64{0.41239080, 0.35758434, 0.18048079, 0.21263901, 0.71516868, 0.07219232, 0.01933082, 0.11919478, 0.95053215}
	p3ToXYZ    = [9]float64{0.48657095, 0.26566769, 0.19821729, 0.22897456, 0.69173852, 0.07928691, 0, 0.04511338, 1.04394437}
	adobeToXYZ = [9]float64{0.57666904, 0.18555824, 0.18822865, 0.29734498, 0.62736357, 0.07529146, 0.02703136, 0.07068885, 0.99133754}
	d65ToD50   = [9]float64{1.04792982, 0.02294679, -0.05019223, 0.02962782, 0.99043448, -0.01707383, -0.00924306, 0.01505514, 0.75187429}
)

// lab is L*, a* and b* of an RGB colour.
func lab(c color.NRGBA, toXYZ [9]float64, linear func(v float64) float64) [3]float64 {
	xyz := mul(d65ToD50, mul(toXYZ, [3]float64{linear(float64(c.R) / 255), linear(float64(c.G) / 255), linear(float64(c.B) / 255)}))
	for i, white := range [3]float64{0.96429568, 1, 0.82510460} {
		if v := xyz[i] / white; v > 216.0/24389 {
			xyz[i] = math.Cbrt(v)
		} else {
			xyz[i] = (v*24389/27 + 16) / 116
		}
	}
	return [3]float64{116*xyz[1] - 16, 500 * (xyz[0] - xyz[1]), 200 * (xyz[1] - xyz[2])}
}

// shownLab is the colour of a pixel of an output, by the profile that it has.
func shownLab(t *testing.T, o Output, img image.Image, x, y int) [3]float64 {
	t.Helper()
	space := srgbToXYZ
	h, err := probe(source(o.Data), DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if h.profile != nil {
		space = p3ToXYZ // TestMetadataIsGone: there is no other
	}
	return lab(color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA), space, toLinear)
}

// outside reports whether a colour is none of Display P3.
func outside(c color.NRGBA, toXYZ [9]float64, linear func(v float64) float64) bool {
	xyz := mul(toXYZ, [3]float64{linear(float64(c.R) / 255), linear(float64(c.G) / 255), linear(float64(c.B) / 255)})
	// The inverse of p3ToXYZ, from the same place.
	p3 := mul([9]float64{2.49349691, -0.93138362, -0.40271078, -0.82948897, 1.76266406, 0.02362469, 0.03584583, -0.07617239, 0.95688452}, xyz)
	return min(p3[0], p3[1], p3[2]) < -0.005 || max(p3[0], p3[1], p3[2]) > 1.005
}

// deltaE is how far apart two colours are, as CIE defined it in 1976: 2.3 is what an
// eye may notice.
func deltaE(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

// swatches are colours of all kinds: the corners of the cube, greys, skin, foliage,
// sky, and what is far from grey.
var swatches = []color.NRGBA{
	{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {0, 255, 255, 255}, {255, 0, 255, 255}, {255, 255, 0, 255},
	{255, 255, 255, 255}, {0, 0, 0, 255}, {200, 200, 200, 255}, {118, 118, 118, 255}, {52, 52, 52, 255}, {24, 22, 20, 255},
	{115, 82, 68, 255}, {194, 150, 130, 255}, {98, 122, 157, 255}, {87, 108, 67, 255}, {133, 128, 177, 255}, {103, 189, 170, 255},
	{214, 126, 44, 255}, {80, 91, 166, 255}, {193, 90, 99, 255}, {94, 60, 108, 255}, {157, 188, 64, 255}, {224, 163, 46, 255},
}

// swatchSide is the side of a swatch in pixels.
const swatchSide = 64

// chart has the swatches in rows of six.
func chart() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, 6*swatchSide, len(swatches)/6*swatchSide))
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			img.SetNRGBA(x, y, swatches[y/swatchSide*6+x/swatchSide])
		}
	}
	return img
}

// A picture whose profile says Display P3 or Adobe RGB shows the colours that it
// means: no swatch is off by what an eye may notice, and most by much less. In a
// format without loss it is the rounding to 8 bits alone.
func TestSwatches(t *testing.T) {
	t.Parallel()
	adobe := func(v float64) float64 { return math.Pow(v, 563.0/256) }
	for name, c := range map[string]struct {
		file        []byte
		space       [9]float64
		linear      func(float64) float64
		worst, mean float64 // bounds
	}{
		"P3 PNG":     {pngWithProfile(imagetest.PNG(chart()), imagetest.DisplayP3Profile()), p3ToXYZ, toLinear, 0.1, 0.05},
		"P3 JPEG":    {imagetest.WithProfile(imagetest.JPEG(chart()), imagetest.DisplayP3Profile()), p3ToXYZ, toLinear, 3, 1},
		"Adobe PNG":  {pngWithProfile(imagetest.PNG(chart()), imagetest.AdobeRGBProfile()), adobeToXYZ, adobe, 0.8, 0.35},
		"Adobe JPEG": {imagetest.WithProfile(imagetest.JPEG(chart()), imagetest.AdobeRGBProfile()), adobeToXYZ, adobe, 3, 1.2},
	} {
		for _, width := range []int{6 * swatchSide, 3 * swatchSide} {
			o := render(t, c.file, width)
			img, side := pixels(t, o), width/6
			var n, sum, worst float64
			for i, s := range swatches {
				got := shownLab(t, o, img, i%6*side+side/2, i/6*side+side/2)
				want := lab(s, c.space, c.linear)
				if outside(s, c.space, c.linear) {
					continue // it is cut off
				}
				d := deltaE(got, want)
				n, sum, worst = n+1, sum+d, max(worst, d)
				if d > c.worst {
					t.Errorf("%s at %d: %v is %.1f, want %.1f: delta E %.2f", name, width, s, got, want, d)
				}
			}
			if mean := sum / n; mean > c.mean || n < 15 {
				t.Errorf("%s at %d: delta E %.2f on average of %.0f swatches", name, width, mean, n)
			}
			t.Logf("%-10s at %d: delta E %.2f on average, %.2f at worst, %.0f swatches", name, width, sum/n, worst, n)
		}
	}
}

// A watermark is in sRGB, and so is what it is put on: the swatches that sRGB has
// are the same colours there, in other numbers.
func TestSwatchesInSRGB(t *testing.T) {
	t.Parallel()
	file := pngWithProfile(imagetest.PNG(chart()), imagetest.DisplayP3Profile())
	mark := &Watermark{Image: image.NewNRGBA(image.Rect(0, 0, 1, 1)), Opacity: 1, Scale: 0.01}
	o := one(t, file, Variant{Width: 6 * swatchSide, Watermark: mark})
	if h, err := probe(source(o.Data), DefaultConfig()); err != nil || h.profile != nil {
		t.Fatalf("it has a profile, or cannot be read: %v", err)
	}
	img, n := pixels(t, o), 0
	for i, s := range swatches {
		x, y := i%6*swatchSide+swatchSide/2, i/6*swatchSide+swatchSide/2
		c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
		if min(c.R, c.G, c.B) == 0 || max(c.R, c.G, c.B) == 255 {
			continue // it may be cut off
		}
		n++
		if got, want := lab(c, srgbToXYZ, toLinear), lab(s, p3ToXYZ, toLinear); deltaE(got, want) > 1.2 {
			t.Errorf("%v is %v: %.1f, want %.1f: delta E %.2f", s, c, got, want, deltaE(got, want))
		}
	}
	if n < 12 {
		t.Errorf("only %d swatches were compared", n)
	}
}

// Ink has the colour that its profile says.
func TestInkSwatches(t *testing.T) {
	t.Parallel()
	ink := func(c, m, y, k float64) [3]float64 {
		return [3]float64{100 - 20*c - 25*m - 10*y - 45*k, 25 * (m - c), 40*y - 15*c - 25*m}
	}
	steps := [][4]byte{
		{0, 0, 0, 0}, {255, 0, 0, 0}, {0, 255, 0, 0}, {0, 0, 255, 0}, {0, 0, 0, 255}, {255, 255, 255, 255}, {60, 70, 80, 0},
		{130, 20, 90, 0}, {90, 90, 90, 60}, {10, 160, 160, 30}, {200, 140, 20, 10}, {40, 40, 40, 200}, {0, 60, 180, 0}, {33, 66, 99, 132},
	}
	m := imagetest.Mosaic{Across: 2 * len(steps), Down: 4, Components: 4, At: func(c, x, _ int) byte { return 255 - steps[x/2][c] }}
	o := one(t, imagetest.WithProfile(m.JPEG(), imagetest.InkProfile(ink)), Variant{Width: 16 * len(steps), Format: PNG})
	img, sum := pixels(t, o), 0.0
	for i, s := range steps {
		v := [4]float64{}
		for c := range v {
			v[c] = float64(s[c]) / 255
		}
		got, want := shownLab(t, o, img, 16*i+8, 16), ink(v[0], v[1], v[2], v[3])
		d := deltaE(got, want)
		if sum += d; d > 1.5 {
			t.Errorf("%v is %.1f, want %.1f: delta E %.2f", s, got, want, d)
		}
	}
	t.Logf("delta E %.2f on average", sum/float64(len(steps)))
}
