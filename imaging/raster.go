package imaging

import (
	"bytes"
	"image"
	"image/color"

	resize "github.com/disintegration/imaging"
)

// raster is a picture of a variant's size, upright: what encoders take. It is
// made of planes, one for grey, and Y, Cb and Cr where they came from the decoder
// and all is opaque; anything else is in pix, three channels of the space and
// alpha that is not multiplied in. Whoever holds it may change it.
type raster struct {
	w, h   int
	space  space
	opaque bool
	planes []plane
	pix    *image.NRGBA // nil where there are planes
	taken  [][]byte     // from recycle.Bytes: what it was made in
}

// plane is one channel: rows of w bytes with no gap. Chroma planes have as many
// samples as there are pixels, or half as many each way, rounded up.
type plane struct {
	pix  []byte
	w, h int
}

// turn is what an EXIF orientation asks for: flips of the stored picture, then
// rows and columns exchanged.
type turn struct{ flipX, flipY, transpose bool }

var turns = [9]turn{
	2: {flipX: true},
	3: {flipX: true, flipY: true},
	4: {flipY: true},
	5: {transpose: true},
	6: {flipY: true, transpose: true},
	7: {flipX: true, flipY: true, transpose: true},
	8: {flipX: true, transpose: true},
}

// transpose exchanges rows and columns.
func (r *raster) transpose() {
	r.w, r.h = r.h, r.w
	for i, p := range r.planes {
		r.planes[i] = p.transposed()
	}
	if r.pix != nil {
		r.pix = resize.Transpose(r.pix)
	}
}

func (p plane) transposed() plane {
	out := plane{pix: make([]byte, len(p.pix)), w: p.h, h: p.w}
	// In blocks, so that neither side leaves the cache.
	const block = 32
	for y0 := 0; y0 < p.h; y0 += block {
		for x0 := 0; x0 < p.w; x0 += block {
			for x := x0; x < min(x0+block, p.w); x++ {
				row := out.pix[x*out.w:][:out.w]
				for y := y0; y < min(y0+block, p.h); y++ {
					row[y] = p.pix[y*p.w+x]
				}
			}
		}
	}
	return out
}

// rgb is the raster as pixels. It may be the raster's own.
func (r *raster) rgb() *image.NRGBA {
	if r.planes != nil {
		r.pix = r.interleaved()
		r.planes = nil
	}
	switch pix := r.pix.Pix; r.space {
	case spaceYCC:
		for i := 0; i < len(pix); i += 4 {
			p := pix[i : i+3 : i+3]
			p[0], p[1], p[2] = color.YCbCrToRGB(p[0], p[1], p[2])
		}
	case spaceVideo:
		for i := 0; i < len(pix); i += 4 {
			videoToRGB(pix[i : i+3 : i+3])
		}
	}
	r.space = spaceRGB
	return r.pix
}

// inks makes cyan, magenta and yellow of the luma and chroma in the first planes,
// which are of one size.
func (r *raster) inks() {
	c, m, y := r.planes[0].pix, r.planes[1].pix, r.planes[2].pix
	for i := range c {
		c[i], m[i], y[i] = color.YCbCrToRGB(c[i], m[i], y[i])
	}
}

// interleaved puts the planes into pixels, of the same space.
func (r *raster) interleaved() *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, r.w, r.h))
	for y := range r.h {
		row := out.Pix[y*out.Stride:][:4*r.w]
		luma := r.planes[0].pix[y*r.w:][:r.w]
		if r.space == spaceGrey {
			for x, v := range luma {
				setGrey(row[4*x:4*x+4:4*x+4], v)
			}
			continue
		}
		cb, cr := r.planes[1], r.planes[2]
		half := 0 // as a shift
		if cb.w < r.w || cb.h < r.h {
			half = 1
		}
		cbs, crs := cb.pix[y>>half*cb.w:][:cb.w], cr.pix[y>>half*cr.w:][:cr.w]
		for x, v := range luma {
			p := row[4*x : 4*x+4 : 4*x+4]
			p[0], p[1], p[2], p[3] = v, cbs[x>>half], crs[x>>half], 255
		}
	}
	return out
}

// ycc is an opaque raster as planes for JPEG: one of grey, or luma of full range
// and chroma of which each sample stands for up to two pixels each way.
func (r *raster) ycc() []plane {
	switch {
	case r.space == spaceVideo && r.planes != nil:
		r.stretch()
	case r.planes == nil:
		r.separate()
	}
	return r.planes
}

// stretch makes JPEG's ranges of WebP's.
func (r *raster) stretch() {
	r.remap(spaceYCC, func(v float64) float64 { return (v - 16) * 255 / 219 },
		func(v float64) float64 { return (v-128)*255/224 + 128 })
}

// squeeze makes planes for WebP, luma of 16 to 235 and halved chroma, of what is
// JPEG's or grey. Chroma must be halved already.
func (r *raster) squeeze() {
	if r.space == spaceVideo {
		return
	}
	if r.space == spaceGrey {
		cw, ch := ceilDiv(r.w, 2), ceilDiv(r.h, 2)
		none := plane{bytes.Repeat([]byte{128}, cw*ch), cw, ch}
		r.planes = []plane{r.planes[0], none, none}
	}
	r.remap(spaceVideo, func(v float64) float64 { return v*219/255 + 16 },
		func(v float64) float64 { return (v-128)*224/255 + 128 })
}

// remap gives samples of luma and chroma other values, and the raster another space.
func (r *raster) remap(to space, luma, chroma func(float64) float64) {
	for i, p := range r.planes {
		of := luma
		if i > 0 {
			of = chroma
		}
		var table [256]byte
		for v := range table {
			table[v] = clamp(of(float64(v)) + 0.5)
		}
		for j, v := range p.pix {
			p.pix[j] = table[v]
		}
	}
	r.space = to
}

func clamp(v float64) byte { return byte(min(max(v, 0), 255)) }

// separate makes planes of pixels, with halved chroma.
func (r *raster) separate() {
	pix := r.rgb()
	cw, ch := ceilDiv(r.w, 2), ceilDiv(r.h, 2)
	luma := plane{make([]byte, r.w*r.h), r.w, r.h}
	cb, cr := plane{make([]byte, cw*ch), cw, ch}, plane{make([]byte, cw*ch), cw, ch}
	for cy := range ch {
		for cx := range cw {
			var sum [3]int
			for i := range 4 {
				// The last column and row stand for those beyond them too.
				x, y := min(2*cx+i%2, r.w-1), min(2*cy+i/2, r.h-1)
				p := pix.Pix[y*pix.Stride+4*x:][:3:3]
				yy, u, v := color.RGBToYCbCr(p[0], p[1], p[2])
				luma.pix[y*r.w+x] = yy
				sum[1] += int(u)
				sum[2] += int(v)
			}
			cb.pix[cy*cw+cx], cr.pix[cy*cw+cx] = byte((sum[1]+2)/4), byte((sum[2]+2)/4)
		}
	}
	r.planes, r.pix, r.space = []plane{luma, cb, cr}, nil, spaceYCC
}

// grey is the raster as an image of one channel, nil if it has more.
func (r *raster) grey() *image.Gray {
	if r.space != spaceGrey || r.planes == nil {
		return nil
	}
	return &image.Gray{Pix: r.planes[0].pix, Stride: r.w, Rect: image.Rect(0, 0, r.w, r.h)}
}
