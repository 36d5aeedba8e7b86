package imaging

import (
	"bytes"
	"context"
	"image"
	"io"

	"revela/imaging/internal/jpeg"
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

// planar reports whether a JPEG can be decoded to planes of luma and chroma of
// less than the picture's size.
func (f *jpegFacts) planar() bool {
	return f.components == 1 || f.components == 3 && !f.rgb && f.fx > 0
}

// loadJPEG decodes a planar JPEG, reduced by scale.
//
// The best decoder goes first. If it finds anything odd the next one judges,
// and the last is Go's: what that takes is a picture, and what it refuses is
// broken in its words, whichever decoders there are.
func (e *Engine) loadJPEG(ctx context.Context, src Source, h *header, scale int) (*picture, error) {
	r := newSourceReader(ctx, src)
	data := make([]byte, src.Size())
	if _, err := io.ReadFull(r.src, data); err != nil {
		if r.fail != nil {
			return nil, r.fail
		}
		return nil, blame(err)
	}
	planes := 3
	if h.jpeg.components == 1 {
		planes = 1
	}
	if e.turbo != nil && h.jpeg.suitsTurbo(scale) {
		m := jpeg.New(h.width, h.height, scale, planes, h.jpeg.fx, h.jpeg.fy)
		if e.turbo.Decode(data, m) == nil {
			return jpegPicture(m), nil
		}
	}
	m := jpeg.New(h.width, h.height, scale, planes, h.jpeg.fx, h.jpeg.fy)
	if jpeg.Decode(data, m, func() bool { return ctx.Err() != nil }) == nil {
		return jpegPicture(m), nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	img, err := decode(ctx, bytes.NewReader(data), h)
	if err != nil {
		return nil, err
	}
	return newPicture(img, image.Rect(0, 0, h.width, h.height), false)
}

// jpegPicture is a decoded JPEG as a picture.
func jpegPicture(m *jpeg.Image) *picture {
	p := &picture{w: m.W, h: m.H, space: spaceYCC, opaque: true}
	if len(m.Planes) == 1 {
		p.space = spaceGrey
	}
	for i, c := range m.Planes {
		fx, fy := m.Scale, m.Scale
		if i > 0 {
			fx, fy = fx*m.FX, fy*m.FY
		}
		p.bands = append(p.bands, planeBand(c.Pix, c.Stride, c.W, c.H, fx, fy))
	}
	return p
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
	m := &jpeg.Image{W: r.w, H: r.h, Scale: 1, FX: 2, FY: 2}
	for _, p := range r.ycc() {
		m.Planes = append(m.Planes, jpeg.Plane{Pix: p.pix, Stride: p.w, W: p.w, H: p.h})
	}
	return m
}
