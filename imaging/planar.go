package imaging

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"

	"revela/imaging/internal/jpeg"
	"revela/imaging/internal/recycle"
)

// maxTurboScans bounds what is given to libjpeg-turbo: it cannot be stopped, and
// each scan of a large picture takes a while. Encoders write ten or so.
const maxTurboScans = 20

// suitsTurbo reports whether libjpeg-turbo is to decode a JPEG that is reduced by
// scale. If that has several scans, it keeps all coefficients, where package jpeg
// keeps those that are needed, in a quarter of the memory and the same time.
func (f *jpegFacts) suitsTurbo(scale int) bool {
	return f.scans == 1 || f.scans <= maxTurboScans && scale == 1
}

// reduction is by how much a decoder may reduce the picture where it may be reduced
// by scale: less if a component that shows detail has fewer samples than pixels.
func (f *jpegFacts) reduction(scale int) int {
	m := jpeg.Image{Factors: f.factors}
	across, down := m.Finest()
	for i, c := range f.factors {
		if chroma := (i == 1 || i == 2) && (f.means == jpegYCC || f.means == jpegYCCK); chroma {
			continue
		}
		for scale > 1 && (c.Across() < across || c.Down() < down) {
			across, down, scale = ceilDiv(across, 2), ceilDiv(down, 2), scale/2
		}
	}
	return scale
}

// loadJPEG decodes a JPEG, reduced by up to scale.
//
// The best decoder goes first. If it finds anything odd the next one judges,
// and the last is Go's: what that takes is a picture, and what it refuses is
// broken in its words, whichever decoders there are. Only of the samplings that it
// does not know package jpeg is the judge.
func (e *Engine) loadJPEG(ctx context.Context, src Source, h *header, scale int) (*picture, error) {
	r := newSourceReader(ctx, src)
	data := recycle.Bytes.Take(int(src.Size()))
	defer recycle.Bytes.Give(data)
	if _, err := io.ReadFull(r.src, data); err != nil {
		if r.fail != nil {
			return nil, r.fail
		}
		return nil, blame(err)
	}
	scale = h.jpeg.reduction(scale)
	m := jpeg.New(h.width, h.height, scale, h.jpeg.factors...)
	if e.turbo != nil && h.jpeg.suitsTurbo(scale) && e.turbo.Decode(data, m) == nil {
		return h.jpeg.picture(m), nil
	}
	odd := jpeg.Decode(data, m, func() bool { return ctx.Err() != nil })
	if odd == nil {
		return h.jpeg.picture(m), nil
	}
	m.Recycle()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	img, err := decode(ctx, bytes.NewReader(data), h)
	if errors.Is(err, ErrUnsupported) { // Probe has refused what nobody can read
		err = blame(odd)
	}
	if err != nil {
		return nil, err
	}
	return newPicture(img, image.Rect(0, 0, h.width, h.height), false)
}

// picture is a decoded JPEG as a picture.
func (f *jpegFacts) picture(m *jpeg.Image) *picture {
	p := &picture{w: m.W, h: m.H, space: f.means.space(), ycck: f.means == jpegYCCK, opaque: true}
	across, down := m.Finest()
	for i, c := range m.Planes {
		fx := float64(m.Scale*across) / float64(m.Factors[i].Across())
		fy := float64(m.Scale*down) / float64(m.Factors[i].Down())
		b := planeBand(c.Pix, c.Stride, c.W, c.H, fx, fy)
		b.negative = f.means == jpegCMYK || f.means == jpegYCCK && i == 3
		p.bands, p.pixels = append(p.bands, b), append(p.pixels, c.Pix)
	}
	return p
}

func (m jpegMeaning) space() space {
	switch m {
	case jpegGrey:
		return spaceGrey
	case jpegRGB:
		return spaceRGB
	case jpegCMYK, jpegYCCK:
		return spaceCMYK
	}
	return spaceYCC
}

// encodeJPEG returns the raster, which must be opaque, as a JPEG.
func (e *Engine) encodeJPEG(r *raster, quality int) ([]byte, error) {
	m := jpegImage(r)
	if e.turbo != nil {
		if data, err := e.turbo.Encode(m, quality, e.cfg.Progressive); err == nil {
			return data, nil
		}
	}
	return jpeg.Encode(m, quality, e.cfg.Progressive)
}

// jpegImage is a raster as JPEG holds it, with halved chroma.
func jpegImage(r *raster) *jpeg.Image {
	m := &jpeg.Image{W: r.w, H: r.h, Scale: 1}
	for i, p := range r.ycc() {
		m.Factors = append(m.Factors, [...]jpeg.Factors{0x22, 0x11, 0x11}[i])
		m.Planes = append(m.Planes, jpeg.Plane{Pix: p.pix, Stride: p.w, W: p.w, H: p.h})
	}
	return m
}
