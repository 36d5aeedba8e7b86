package imaging

import (
	"image/color"
	"math"
	"testing"

	"go.n16f.net/thumbhash"

	"revela/imaging/imagetest"
)

// Placeholders say nothing of their colours, so those are sRGB's, whatever the
// picture's are and whichever variant they are made of.
func TestThumbHashIsSRGB(t *testing.T) {
	t.Parallel()
	encode := func(v [3]float64) color.NRGBA {
		var c [3]uint8
		for i, x := range v {
			x = min(max(x, 0), 1)
			if x > 0.0031308 {
				x = 1.055*math.Pow(x, 1/2.4) - 0.055
			} else {
				x *= 12.92
			}
			c[i] = uint8(math.Round(255 * x))
		}
		return color.NRGBA{c[0], c[1], c[2], 255}
	}
	red, green := color.NRGBA{230, 60, 40, 255}, color.NRGBA{100, 200, 60, 255}
	// The figures of CSS Color 4, and Adobe RGB's after them.
	p3 := encode(mul([9]float64{1.2249402, -0.2249402, 0, -0.0420570, 1.0420570, 0, -0.0196376, -0.0786361, 1.0982736},
		[3]float64{toLinear(230 / 255.0), toLinear(60 / 255.0), toLinear(40 / 255.0)}))
	adobe := func(v float64) float64 { return math.Pow(v/255, 563.0/256) }
	adobeRGB := encode(mul([9]float64{1.39836, -0.39836, 0, 0, 1, 0, 0, -0.04293, 1.04293},
		[3]float64{adobe(100), adobe(200), adobe(60)}))
	ink := imagetest.Mosaic{Across: 4, Down: 4, Components: 4, Adobe: 0, At: func(c, _, _ int) byte {
		return 255 - [...]byte{128, 0, 0, 0}[c]
	}}.JPEG()
	lab := func(c, m, y, k float64) [3]float64 {
		return [3]float64{100 * (1 - k) * (1 - (c+m+y)/4), 40 * (m - c) * (1 - k), 40 * (y - m) * (1 - k)}
	}
	inside, cover := sized("inside", 16, 90), sized("cover", 8, 90)
	cover.Height, cover.Fit = 16, Cover
	png := inside
	png.Name, png.Format = "png", PNG
	for name, c := range map[string]struct {
		file []byte
		want color.NRGBA
	}{
		"P3 JPEG":        {imagetest.WithProfile(imagetest.JPEG(flat(red)), imagetest.DisplayP3Profile()), p3},
		"P3 PNG":         {pngWithProfile(imagetest.PNG(flat(red)), imagetest.DisplayP3Profile()), p3},
		"P3 WebP":        {imagetest.WithProfile(imagetest.WebP(flat(red)), imagetest.DisplayP3Profile()), p3},
		"Adobe RGB JPEG": {imagetest.WithProfile(imagetest.JPEG(flat(green)), imagetest.AdobeRGBProfile()), adobeRGB},
		"Adobe RGB PNG":  {pngWithProfile(imagetest.PNG(flat(green)), imagetest.AdobeRGBProfile()), adobeRGB},
		// L* a* b* of 87.5 -20 0.
		"CMYK": {imagetest.WithProfile(ink, imagetest.InkProfile(lab)), color.NRGBA{184, 228, 219, 255}},
	} {
		for _, v := range [][]Variant{{inside, cover}, {cover}, {png}} {
			r, err := newEngine(t).Render(t.Context(), source(c.file), v)
			if err != nil {
				t.Fatal(name, err)
			}
			img, err := thumbhash.DecodeImage(r.ThumbHash)
			if err != nil {
				t.Fatal(name, err)
			}
			// A ThumbHash has 6 bits for each of luma and the two of chroma.
			near(t, name+" by "+v[0].Name, img.At(10, 10), c.want, 10)
		}
	}
}
