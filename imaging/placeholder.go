package imaging

import (
	"image"

	"go.n16f.net/thumbhash"
)

// thumbSide is the longest side of the small copy that placeholders are made of
// and that looks for what is interesting, in pixels. More is lost in a ThumbHash.
const thumbSide = 100

// thumb is a small copy of a raster, which is left as it is.
func (r *raster) thumb() *image.NRGBA {
	pic := r.picture()
	size := inside(r.w, r.h, thumbSide, thumbSide)
	return pic.resized(pic.region(), size.X, size.Y, 1, 1).rgb()
}

// picture is the raster as what may be resized again.
func (r *raster) picture() *picture {
	p := &picture{w: r.w, h: r.h, space: r.space, opaque: r.opaque}
	if r.pix != nil {
		m := r.pix
		p.bands = []band{{channels: 4, w: r.w, h: r.h, fx: 1, fy: 1, row: func(y int, dst []int16) {
			multiply(dst, m.Pix[y*m.Stride:][:4*r.w])
		}}}
		return p
	}
	for i, b := range r.planes {
		by := 1.0
		if i > 0 && (b.w < r.w || b.h < r.h) {
			by = 2
		}
		p.bands = append(p.bands, planeBand(b.pix, b.w, b.w, b.h, by, by))
	}
	return p
}

// thumbHash takes the pixels for those of an image.RGBA, which would be multiplied
// by alpha: the library does that itself, and would do it again.
func thumbHash(m *image.NRGBA) []byte {
	return thumbhash.EncodeImage(&image.RGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect})
}
