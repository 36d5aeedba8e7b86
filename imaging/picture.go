package imaging

import (
	"image"

	"revela/imaging/internal/icc"
	"revela/imaging/internal/recycle"
	"revela/imaging/internal/resample"
)

// space says what the channels of a picture mean.
type space uint8

const (
	spaceRGB   space = iota // in four channels with alpha, or three bands
	spaceGrey               // one channel
	spaceYCC                // Y, Cb, Cr as in JPEG: full range
	spaceVideo              // Y, Cb, Cr as in WebP: luma 16 to 235, chroma 16 to 240
	spaceCMYK               // ink, in four bands; 255 is most
)

// picture is what a decoder made, as stored. Its channels are either bands of
// their own, as in a JPEG, or lie in one band of four with alpha. Resizing is
// linear, so it is as right for luma and chroma as for RGB: a usual JPEG never
// becomes RGB.
type picture struct {
	w, h   int // pixels
	space  space
	ycck   bool // of CMYK: its first three bands are cyan, magenta and yellow as luma and chroma
	opaque bool
	bands  []band
	pixels [][]byte // what is behind the bands, if it is from recycle.Bytes

	colours *colours // nil is sRGB
}

// band is one or four channels of a picture. A sample stands for fx x fy pixels:
// chroma often has fewer than luma, and a decoder may leave out what is not
// needed.
type band struct {
	channels int
	w, h     int // samples: the picture's pixels / fx and fy, rounded up
	fx, fy   float64
	negative bool // its samples are 255 less what they stand for; of one channel

	// row writes the samples of a row, as package resample takes them. Four
	// channels are the colour multiplied by alpha, and alpha.
	row func(y int, dst []int16)
}

// planeBand is a band of bytes in memory.
func planeBand(pix []byte, stride, w, h int, fx, fy float64) band {
	return band{channels: 1, w: w, h: h, fx: fx, fy: fy, row: func(y int, dst []int16) {
		resample.Widen(dst, pix[y*stride:][:w])
	}}
}

// newPicture makes a picture of what a decoder made. It covers canvas, which
// contains the image; what of it is outside of that is transparent.
func newPicture(img image.Image, canvas image.Rectangle, video bool) (*picture, error) {
	p := &picture{w: canvas.Dx(), h: canvas.Dy()}
	whole := img.Bounds() == canvas
	switch m := img.(type) {
	case *image.Gray:
		if whole {
			p.space, p.opaque = spaceGrey, true
			p.bands = []band{planeBand(m.Pix, m.Stride, p.w, p.h, 1, 1)}
			return p, nil
		}
	case *image.Gray16:
		if whole {
			p.space, p.opaque = spaceGrey, true
			p.bands = []band{deepBand(m)}
			return p, nil
		}
	case *image.YCbCr:
		p.space = yccSpace(video)
		if whole {
			p.opaque = true
			p.bands = yccBands(m)
			return p, nil
		}
	case *image.CMYK:
		if whole {
			p.space, p.opaque = spaceCMYK, true
			for c := range 4 {
				p.bands = append(p.bands, inkBand(m, c))
			}
			return p, nil
		}
	case *image.NYCbCrA:
		p.space = yccSpace(video)
	}
	b, err := pixelBand(img, canvas)
	if err != nil {
		return nil, err
	}
	o, ok := img.(interface{ Opaque() bool })
	p.opaque = whole && ok && o.Opaque()
	p.bands = []band{b}
	return p, nil
}

func yccSpace(video bool) space {
	if video {
		return spaceVideo
	}
	return spaceYCC
}

func yccBands(m *image.YCbCr) []band {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	fx, fy := chromaFactors(m.SubsampleRatio)
	cw, ch := ceilDiv(w, fx), ceilDiv(h, fy)
	return []band{
		planeBand(m.Y, m.YStride, w, h, 1, 1),
		planeBand(m.Cb, m.CStride, cw, ch, float64(fx), float64(fy)),
		planeBand(m.Cr, m.CStride, cw, ch, float64(fx), float64(fy)),
	}
}

// deepBand is a band of 16-bit grey.
func deepBand(m *image.Gray16) band {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	return band{channels: 1, w: w, h: h, fx: 1, fy: 1, row: func(y int, dst []int16) {
		src := m.Pix[y*m.Stride:][:2*w]
		for i := range dst {
			dst[i] = int16((wide(src[2*i:])*full + 32767) / 65535)
		}
	}}
}

// inkBand is one of the four bands of CMYK.
func inkBand(m *image.CMYK, c int) band {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	line := make([]byte, w)
	return band{channels: 1, w: w, h: h, fx: 1, fy: 1, row: func(y int, dst []int16) {
		src := m.Pix[y*m.Stride:][:4*w]
		for i := range line {
			line[i] = src[4*i+c]
		}
		resample.Widen(dst, line)
	}}
}

// full is the sample that stands for 255.
const full = 255 << resample.Frac

// pixelBand is a band of colours and alpha.
func pixelBand(img image.Image, canvas image.Rectangle) (band, error) {
	rows, err := newRows(img)
	if err != nil {
		return band{}, err
	}
	bounds := img.Bounds()
	left, right := 4*(bounds.Min.X-canvas.Min.X), 4*(bounds.Max.X-canvas.Min.X)
	line := make([]byte, right-left)
	return band{channels: 4, w: canvas.Dx(), h: canvas.Dy(), fx: 1, fy: 1, row: func(y int, dst []int16) {
		y += canvas.Min.Y
		if y < bounds.Min.Y || y >= bounds.Max.Y {
			clear(dst)
			return
		}
		rows(y, line)
		clear(dst[:left])
		multiply(dst[left:right], line)
		clear(dst[right:])
	}}, nil
}

// multiply makes samples of pixels, colours multiplied by alpha.
func multiply(dst []int16, line []byte) {
	resample.Widen(dst, line)
	for i := 0; i < len(line); i += 4 {
		s := line[i : i+4 : i+4]
		a := uint32(s[3])
		if a == 255 {
			continue
		}
		d := dst[i : i+3 : i+3]
		const scale = full << 16 / (255 * 255)
		d[0] = int16((uint32(s[0])*a*scale + 1<<15) >> 16)
		d[1] = int16((uint32(s[1])*a*scale + 1<<15) >> 16)
		d[2] = int16((uint32(s[2])*a*scale + 1<<15) >> 16)
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

// region is all of the picture.
func (p *picture) region() image.Rectangle { return image.Rect(0, 0, p.w, p.h) }

// resized makes a part of the picture, as stored, w x h pixels large and upright
// by its EXIF orientation. A chroma sample of the result stands for chroma x
// chroma pixels, 1 or 2. The result shares nothing with the picture.
func (p *picture) resized(part image.Rectangle, w, h, orientation, chroma int) *raster {
	t := turns[orientation]
	if t.transpose {
		w, h = h, w
	}
	r := &raster{w: w, h: h, space: p.space, opaque: p.opaque}
	var xs, ys *resample.Axis
	last := 0 // what by was for them
	for i, b := range p.bands {
		by := 1
		if i > 0 && (p.space == spaceYCC || p.space == spaceVideo) {
			by = chroma
		}
		if i == 0 || by != last || b.fx != p.bands[i-1].fx || b.fy != p.bands[i-1].fy {
			xs = resample.Across(side(b.w, part.Min.X, part.Max.X, b.fx), resample.Shared(w, by), t.flipX, b.channels)
			ys = resample.Down(side(b.h, part.Min.Y, part.Max.Y, b.fy), resample.Shared(h, by), t.flipY)
			last = by
		}
		if b.channels == 4 {
			r.pix = b.pixels(xs, ys, w, h)
			r.taken = append(r.taken, r.pix.Pix)
		} else {
			plane := b.plane(xs, ys, ceilDiv(w, by), ceilDiv(h, by))
			r.planes, r.taken = append(r.planes, plane), append(r.taken, plane.pix)
		}
	}
	if t.transpose {
		r.transpose()
	}
	switch {
	case p.ycck:
		r.inks()
	case p.space == spaceRGB:
		r.rgb() // planes would be taken for luma and chroma
	}
	return r
}

// shown is resized with the colours of a target.
func (p *picture) shown(part image.Rectangle, w, h, orientation, chroma int, to icc.Target) *raster {
	r := p.resized(part, w, h, orientation, chroma)
	p.colours.convert(r, to)
	return r
}

// side is the part of a side, given in pixels, in samples that stand for by each.
func side(samples, from, to int, by float64) resample.Side {
	return resample.Side{Samples: samples, From: float64(from) / by, To: float64(to) / by}
}

func (b *band) plane(xs, ys *resample.Axis, w, h int) plane {
	out := plane{pix: recycle.Bytes.Take(w * h), w: w, h: h}
	resample.New(xs, ys, 1).Run(b.row, func(y int, line []int16) { resample.Narrow(out.pix[y*w:][:w], line) })
	if b.negative {
		for i, v := range out.pix {
			out.pix[i] = 255 - v
		}
	}
	return out
}

func (b *band) pixels(xs, ys *resample.Axis, w, h int) *image.NRGBA {
	out := &image.NRGBA{Pix: recycle.Bytes.Take(4 * w * h), Stride: 4 * w, Rect: image.Rect(0, 0, w, h)}
	resample.New(xs, ys, 4).Run(b.row, func(y int, line []int16) { divide(out.Pix[y*out.Stride:][:4*w], line) })
	return out
}

// divide makes pixels of samples, alpha divided out of the colours.
func divide(dst []byte, line []int16) {
	resample.Narrow(dst, line)
	for i := 0; i < len(dst); i += 4 {
		d := dst[i : i+4 : i+4]
		if d[3] == 255 {
			continue
		}
		s := line[i : i+4 : i+4]
		a := int32(s[3])
		if d[3] == 0 {
			d[0], d[1], d[2] = 0, 0, 0
			continue
		}
		for c := range 3 {
			d[c] = byte(min(max((int32(s[c])*255+a/2)/a, 0), 255))
		}
	}
}
