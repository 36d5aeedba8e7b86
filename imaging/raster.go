package imaging

import (
	"image"
)

// space says what the channels of a raster mean.
type space uint8

const (
	spaceRGB   space = iota
	spaceGrey        // the same value three times
	spaceYCC         // Y, Cb, Cr as in JPEG: full range
	spaceVideo       // Y, Cb, Cr as in WebP: luma 16 to 235, chroma 16 to 240
)

// raster is a picture between its decoder and its encoder: four bytes a pixel,
// the last of them alpha that is not multiplied in, at the origin, with no gap
// between rows. It has the form of an NRGBA because that is what the resizer
// takes; resizing is linear, so it is as right for luma and chroma as for RGB,
// and a JPEG never becomes RGB.
type raster struct {
	*image.NRGBA
	space  space
	opaque bool
}

// newRaster makes the raster of a decoded picture, averaged to w x h pixels. It
// covers canvas, which contains the picture and is no smaller than w x h; what
// of it is outside of the picture is transparent.
func newRaster(img image.Image, canvas image.Rectangle, video bool, w, h int) (*raster, error) {
	out := &raster{NRGBA: image.NewNRGBA(image.Rect(0, 0, w, h))}
	switch m := img.(type) {
	case *image.YCbCr:
		out.space = yccSpace(video)
		if m.Rect == canvas {
			out.opaque = true
			out.fillPlanes(m)
			return out, nil
		}
	case *image.NYCbCrA:
		out.space = yccSpace(video)
	case *image.Gray, *image.Gray16:
		out.space = spaceGrey
	}
	rows, err := newRows(img)
	if err != nil {
		return nil, err
	}
	out.opaque = out.fillRows(rows, img.Bounds(), canvas)
	return out, nil
}

func yccSpace(video bool) space {
	if video {
		return spaceVideo
	}
	return spaceYCC
}

// fillRows averages rows of four channels, colours weighted by alpha, and reports
// whether all of the result is opaque.
func (r *raster) fillRows(rows rows, bounds, canvas image.Rectangle) bool {
	w := r.Rect.Dx()
	xs, ys := newBoxes(canvas.Dx(), w), newBoxes(canvas.Dy(), r.Rect.Dy())
	plain := canvas.Size() == r.Rect.Size()
	line := make([]byte, 4*canvas.Dx())
	sums := make([]uint64, 4*w)
	left, right := 4*(bounds.Min.X-canvas.Min.X), 4*(bounds.Max.X-canvas.Min.X)
	opaque := true
	for oy := range r.Rect.Dy() {
		out := r.Pix[oy*r.Stride:][:4*w]
		clear(sums)
		for i := ys[oy].from; i < ys[oy].to; i++ {
			y := canvas.Min.Y + i
			if y < bounds.Min.Y || y >= bounds.Max.Y {
				continue // transparent: adds nothing
			}
			rows(y, line[left:right])
			if plain {
				copy(out, line)
			} else {
				addRow(sums, line, xs, ys[oy].weight(i))
			}
		}
		if !plain {
			meanRow(out, sums, xs, ys[oy].total())
		}
		for i := 3; i < len(out) && opaque; i += 4 {
			opaque = out[i] == 255
		}
	}
	return opaque
}

// addRow adds a row of the given weight to the sums of its boxes, colours
// multiplied by alpha.
func addRow(sums []uint64, line []byte, xs []box, weight uint32) {
	for ox, b := range xs {
		var c0, c1, c2, c3 uint64
		for x := b.from; x < b.to; x++ {
			p := line[4*x : 4*x+4 : 4*x+4]
			a := uint64(p[3]) * uint64(b.weight(x))
			c0 += uint64(p[0]) * a
			c1 += uint64(p[1]) * a
			c2 += uint64(p[2]) * a
			c3 += a
		}
		s, w := sums[4*ox:4*ox+4:4*ox+4], uint64(weight)
		s[0] += c0 * w
		s[1] += c1 * w
		s[2] += c2 * w
		s[3] += c3 * w
	}
}

// meanRow makes pixels of the sums of boxes whose rows weigh height together.
func meanRow(out []byte, sums []uint64, xs []box, height uint32) {
	for ox, b := range xs {
		o, s := out[4*ox:4*ox+4:4*ox+4], sums[4*ox:4*ox+4:4*ox+4]
		if a := s[3]; a > 0 {
			n := uint64(height) * uint64(b.total())
			o[0] = byte((s[0] + a/2) / a)
			o[1] = byte((s[1] + a/2) / a)
			o[2] = byte((s[2] + a/2) / a)
			o[3] = byte((a + n/2) / n)
		}
	}
}

// fillPlanes averages opaque luma and chroma plane by plane: a chroma plane that
// is halved already needs half of the reduction.
func (r *raster) fillPlanes(m *image.YCbCr) {
	w, h := r.Rect.Dx(), r.Rect.Dy()
	hx, hy := chromaFactors(m.SubsampleRatio)
	cw, ch := ceilDiv(m.Rect.Dx(), hx), ceilDiv(m.Rect.Dy(), hy)
	luma := newPlane(m.Y, m.YStride, m.Rect.Dx(), m.Rect.Dy(), w, h)
	cb := newPlane(m.Cb, m.CStride, cw, ch, w, h)
	cr := newPlane(m.Cr, m.CStride, cw, ch, w, h)
	for y := range h {
		row := r.Pix[y*r.Stride:][:4*w]
		ys, cbs, crs := luma.row(y)[:w], cb.row(y)[:w], cr.row(y)[:w]
		for x := range w {
			p := row[4*x : 4*x+4 : 4*x+4]
			p[0], p[1], p[2], p[3] = ys[x], cbs[x], crs[x], 255
		}
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// chromaFactors is how many luma samples a chroma sample covers.
func chromaFactors(r image.YCbCrSubsampleRatio) (x, y int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}
