package imaging

import (
	"image"

	"revela/imaging/internal/recycle"
)

// recycle gives the picture's pixels to the next one. It is not to be used any more.
func (p *picture) recycle() {
	for _, b := range p.pixels {
		recycle.Bytes.Give(b)
	}
	p.bands, p.pixels = nil, nil
}

// recycle gives what resizing made to the next raster. This one, and pixels that it
// has handed out, are not to be used any more.
func (r *raster) recycle() {
	for _, b := range r.taken {
		recycle.Bytes.Give(b)
	}
	r.planes, r.pix, r.taken = nil, nil, nil
}

// planesOf are the planes of an image of luma and chroma.
func planesOf(img image.Image) [][]byte {
	switch m := img.(type) {
	case *image.YCbCr:
		return [][]byte{m.Y, m.Cb, m.Cr}
	case *image.NYCbCrA:
		return [][]byte{m.Y, m.Cb, m.Cr, m.A}
	}
	return nil
}
