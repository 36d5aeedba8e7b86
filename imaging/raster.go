package imaging

import (
	"fmt"
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

// maxShrink bounds the factor of a reduction, so that a box's sum of colours
// times alpha fits 32 bits.
const maxShrink = 256

// newRaster makes the raster of a decoded picture, reduced by whole factors (1,
// 2, 4, … 256) in each direction, every pixel being the average of a box. The
// result covers canvas, which contains the picture; what is outside of it is
// transparent.
func newRaster(img image.Image, canvas image.Rectangle, video bool, kx, ky int) (*raster, error) {
	out := &raster{NRGBA: image.NewNRGBA(image.Rect(0, 0, ceilDiv(canvas.Dx(), kx), ceilDiv(canvas.Dy(), ky)))}
	switch m := img.(type) {
	case *image.YCbCr:
		out.space, out.opaque = yccSpace(video), img.Bounds() == canvas
		if out.opaque {
			packPlanes(out.NRGBA, m, kx, ky)
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
	out.opaque = average(out.NRGBA, rows, img.Bounds(), canvas, kx, ky)
	return out, nil
}

func yccSpace(video bool) space {
	if video {
		return spaceVideo
	}
	return spaceYCC
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// average fills dst with the averages of kx x ky boxes of canvas, colours
// weighted by alpha, and reports whether all of it is opaque.
func average(dst *image.NRGBA, rows rows, bounds, canvas image.Rectangle, kx, ky int) bool {
	line := make([]byte, 4*canvas.Dx())
	sums := make([]uint32, 4*dst.Rect.Dx())
	left, right := 4*(bounds.Min.X-canvas.Min.X), 4*(bounds.Max.X-canvas.Min.X)
	opaque := bounds == canvas
	for oy := range dst.Rect.Dy() {
		clear(sums)
		y0 := canvas.Min.Y + oy*ky
		y1 := min(y0+ky, canvas.Max.Y)
		for y := y0; y < y1; y++ {
			if y < bounds.Min.Y || y >= bounds.Max.Y {
				continue // transparent: adds nothing
			}
			rows(y, line[left:right])
			if kx == 1 && ky == 1 {
				copy(dst.Pix[oy*dst.Stride:], line)
				continue
			}
			for x := 0; x < len(line); x += 4 {
				p, s := line[x:x+4:x+4], sums[x/4/kx*4:][:4:4]
				a := uint32(p[3])
				s[0] += uint32(p[0]) * a
				s[1] += uint32(p[1]) * a
				s[2] += uint32(p[2]) * a
				s[3] += a
			}
		}
		out := dst.Pix[oy*dst.Stride:][:4*dst.Rect.Dx()]
		for x := 0; x < len(out); x += 4 {
			o := out[x : x+4 : x+4]
			if kx > 1 || ky > 1 {
				s := sums[x : x+4 : x+4]
				n := uint32((y1 - y0) * min(kx, canvas.Dx()-x/4*kx))
				if a := s[3]; a > 0 {
					o[0] = byte((s[0] + a/2) / a)
					o[1] = byte((s[1] + a/2) / a)
					o[2] = byte((s[2] + a/2) / a)
					o[3] = byte((a + n/2) / n)
				}
			}
			opaque = opaque && o[3] == 255
		}
	}
	return opaque
}

// packPlanes is average for opaque luma and chroma, reduced plane by plane: a
// chroma plane that is halved already needs half of the reduction.
func packPlanes(dst *image.NRGBA, m *image.YCbCr, kx, ky int) {
	w, h := dst.Rect.Dx(), dst.Rect.Dy()
	hx, hy := chromaFactors(m.SubsampleRatio)
	cx, cy := max(1, kx/hx), max(1, ky/hy)
	ux, uy := max(1, hx/kx), max(1, hy/ky) // how often a chroma sample is used
	srcW, srcH := m.Rect.Dx(), m.Rect.Dy()
	cw, ch := ceilDiv(srcW, hx), ceilDiv(srcH, hy)

	luma := newBoxRow(m.Y, m.YStride, srcW, srcH, kx, ky)
	cb := newBoxRow(m.Cb, m.CStride, cw, ch, cx, cy)
	cr := newBoxRow(m.Cr, m.CStride, cw, ch, cx, cy)
	for y := range h {
		row := dst.Pix[y*dst.Stride:][:4*w]
		ys, cbs, crs := luma.at(y), cb.at(y/uy), cr.at(y/uy)
		for x := range w {
			p := row[4*x : 4*x+4 : 4*x+4]
			p[0], p[1], p[2], p[3] = ys[x], cbs[x/ux], crs[x/ux], 255
		}
	}
}

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

// boxRow yields the rows of a reduced plane.
type boxRow struct {
	pix          []byte
	stride, w, h int
	kx, ky       int
	sums         []uint32
	row          []byte
	last         int // the row that row holds, -1 for none
}

func newBoxRow(pix []byte, stride, w, h, kx, ky int) *boxRow {
	n := ceilDiv(w, kx)
	return &boxRow{pix: pix, stride: stride, w: w, h: h, kx: kx, ky: ky,
		sums: make([]uint32, n), row: make([]byte, n), last: -1}
}

// at returns row y of the reduced plane, valid until the next call.
func (b *boxRow) at(y int) []byte {
	if b.kx == 1 && b.ky == 1 {
		return b.pix[y*b.stride:][:b.w]
	}
	if y == b.last {
		return b.row
	}
	b.last = y
	y0 := y * b.ky
	n := min(b.ky, b.h-y0)
	if b.kx == 2 && n == 2 {
		b.halve(b.pix[y0*b.stride:][:b.w], b.pix[(y0+1)*b.stride:][:b.w])
		return b.row
	}
	clear(b.sums)
	for i := range n {
		src := b.pix[(y0+i)*b.stride:][:b.w]
		for x := range b.sums {
			var sum uint32
			for _, v := range src[x*b.kx : min(x*b.kx+b.kx, b.w)] {
				sum += uint32(v)
			}
			b.sums[x] += sum
		}
	}
	for x, sum := range b.sums {
		count := uint32(n * min(b.kx, b.w-x*b.kx))
		b.row[x] = byte((sum + count/2) / count)
	}
	return b.row
}

// halve is the common case of at.
func (b *boxRow) halve(upper, lower []byte) {
	lower = lower[:len(upper)]
	full := len(upper) / 2
	for x := range full {
		i := 2 * x
		u, l := upper[i:i+2:i+2], lower[i:i+2:i+2]
		b.row[x] = byte((uint32(u[0]) + uint32(u[1]) + uint32(l[0]) + uint32(l[1]) + 2) / 4)
	}
	if full < len(b.row) {
		b.row[full] = byte((uint32(upper[2*full]) + uint32(lower[2*full]) + 1) / 2)
	}
}

// rows writes row y of a picture, four bytes a pixel as in raster.
type rows func(y int, dst []byte)

// newRows returns the rows of every kind of picture that the decoders make.
func newRows(img image.Image) (rows, error) {
	b := img.Bounds()
	switch m := img.(type) {
	case *image.NRGBA:
		return func(y int, dst []byte) { copy(dst, m.Pix[m.PixOffset(b.Min.X, y):]) }, nil
	case *image.RGBA:
		return func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, y):]
			for i := 0; i < len(dst); i += 4 {
				s, d := src[i:i+4:i+4], dst[i:i+4:i+4]
				unmultiply(d, uint32(s[0]), uint32(s[1]), uint32(s[2]), uint32(s[3]), 255)
			}
		}, nil
	case *image.NRGBA64:
		return func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, y):]
			for i := range dst {
				dst[i] = narrow(src[2*i], src[2*i+1])
			}
		}, nil
	case *image.RGBA64:
		return func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, y):]
			for i := 0; i < len(dst); i += 4 {
				s, d := src[2*i:2*i+8:2*i+8], dst[i:i+4:i+4]
				unmultiply(d, wide(s), wide(s[2:]), wide(s[4:]), wide(s[6:]), 65535)
			}
		}, nil
	case *image.Gray:
		return func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, y):]
			for i := 0; i < len(dst); i += 4 {
				setGrey(dst[i:i+4:i+4], src[i/4])
			}
		}, nil
	case *image.Gray16:
		return func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, y):]
			for i := 0; i < len(dst); i += 4 {
				setGrey(dst[i:i+4:i+4], narrow(src[i/2], src[i/2+1]))
			}
		}, nil
	case *image.Paletted:
		palette := straight(m.Palette)
		return func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, y):]
			for i := 0; i < len(dst); i += 4 {
				*(*[4]byte)(dst[i:]) = palette[src[i/4]]
			}
		}, nil
	case *image.CMYK:
		return func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, y):]
			for i := 0; i < len(dst); i += 4 {
				s, d := src[i:i+4:i+4], dst[i:i+4:i+4]
				k := 255 - uint32(s[3])
				for c := range 3 {
					d[c] = byte(((255-uint32(s[c]))*k + 127) / 255)
				}
				d[3] = 255
			}
		}, nil
	case *image.YCbCr:
		return func(y int, dst []byte) { planeRow(m, y, dst) }, nil
	case *image.NYCbCrA:
		return func(y int, dst []byte) {
			planeRow(&m.YCbCr, y, dst)
			alpha := m.A[m.AOffset(b.Min.X, y):]
			for i := 3; i < len(dst); i += 4 {
				dst[i] = alpha[i/4]
			}
		}, nil
	}
	return nil, fmt.Errorf("imaging: no rows of a %T", img)
}
