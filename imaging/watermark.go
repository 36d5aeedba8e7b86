package imaging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"slices"

	"revela/imaging/internal/icc"
)

// Watermark is a picture that is put over variants.
type Watermark struct {
	File     string // where Image is from; for people
	Image    *image.NRGBA
	Position Gravity // one of Places; "" is Centre
	Opacity  float64 // above 0, up to 1, which is as the image is
	Scale    float64 // above 0, up to 1: its width as a share of the variant's
}

// maxMark bounds a watermark's image, in pixels: all of it stays in memory.
const maxMark = 4_000_000

// margin is what a watermark keeps from the edges, as a share of a variant's
// shorter side.
const margin = 0.02

// DecodeMark decodes the image of a watermark, of a format that Revela reads,
// upright and in sRGB. An error is for the person who configured it.
func DecodeMark(data []byte) (*image.NRGBA, error) {
	cfg := DefaultConfig()
	cfg.MaxPixels, cfg.Turbo = maxMark, false
	e, err := New(cfg)
	if err != nil {
		return nil, err
	}
	src := bytes.NewReader(data)
	h, err := probe(src, cfg)
	if err != nil {
		return nil, fault(err)
	}
	pic, err := e.load(context.Background(), src, h, 1)
	if err != nil {
		return nil, fault(err)
	}
	w, ht := h.shown()
	return pic.shown(pic.region(), w, ht, h.orientation, 1, icc.SRGB).rgb(), nil
}

func (m *Watermark) validate() error {
	var errs []error
	if m.Image == nil || m.Image.Rect.Empty() || m.Image.Rect.Min != (image.Point{}) {
		errs = append(errs, errors.New("want an image with its corner at 0, 0"))
	}
	if m.Position != "" && !slices.Contains(Places(), m.Position) {
		errs = append(errs, fmt.Errorf("position %q: want one of %v", m.Position, Places()))
	}
	if !within(m.Opacity, 0, 1) || m.Opacity == 0 {
		errs = append(errs, fmt.Errorf("opacity %v: want above 0, up to 1", m.Opacity))
	}
	if !within(m.Scale, 0, 1) || m.Scale == 0 {
		errs = append(errs, fmt.Errorf("scale %v: want above 0, up to 1", m.Scale))
	}
	return errors.Join(errs...)
}

// size is how large the mark is on w x h pixels: Scale of its width, and less if
// it would not fit in height.
func (m *Watermark) size(w, h int) image.Point {
	gap := 2 * inset(w, h)
	width := min(max(int(m.Scale*float64(w)+0.5), 1), max(w-gap, 1))
	height := max(h-gap, 1)
	mw, mh := m.Image.Rect.Dx(), m.Image.Rect.Dy()
	tall := int64(width) * int64(mh) / int64(mw)
	if tall > int64(height) {
		return image.Pt(max(height*mw/mh, 1), height)
	}
	return image.Pt(width, max(int(tall), 1))
}

func inset(w, h int) int { return int(margin * float64(min(w, h))) }

// mark puts m over the raster, unless it has no image.
func (r *raster) mark(m *Watermark) error {
	if m.Image == nil {
		return nil
	}
	size := m.size(r.w, r.h)
	pic, err := newPicture(m.Image, m.Image.Rect, false)
	if err != nil {
		return err
	}
	over := pic.resized(pic.region(), size.X, size.Y, 1, 1).rgb()

	gap := inset(r.w, r.h)
	at := m.Position.place(size, image.Pt(max(r.w-2*gap, size.X), max(r.h-2*gap, size.Y)))
	at = image.Pt(min(at.X+gap, r.w-size.X), min(at.Y+gap, r.h-size.Y))
	under := r.rgb()
	opacity := uint32(m.Opacity*256 + 0.5)
	for y := range size.Y {
		src := over.Pix[y*over.Stride:][:4*size.X]
		dst := under.Pix[under.PixOffset(at.X, at.Y+y):][:4*size.X]
		for i := 0; i < len(src); i += 4 {
			blend(dst[i:i+4:i+4], src[i:i+4:i+4], opacity)
		}
	}
	return nil
}

// blend puts a colour over another, neither multiplied by its alpha. opacity is
// of 256ths.
func blend(dst, src []byte, opacity uint32) {
	top := (uint32(src[3])*opacity + 128) >> 8 // its alpha, of 255ths
	if top == 0 {
		return
	}
	rest := uint32(dst[3]) * (255 - top) // what is seen through it, of 255 x 255
	sum := 255*top + rest
	for c := range 3 {
		dst[c] = byte((uint32(src[c])*255*top + uint32(dst[c])*rest + sum/2) / sum)
	}
	dst[3] = byte((sum + 127) / 255)
}

// over puts a colour behind a raster that is not opaque.
func (r *raster) over(back [3]byte) {
	if r.opaque {
		return
	}
	pix := r.rgb().Pix
	for i := 0; i < len(pix); i += 4 {
		p := pix[i : i+4 : i+4]
		a := uint32(p[3])
		if a == 255 {
			continue
		}
		for c := range 3 {
			p[c] = byte((uint32(p[c])*a + uint32(back[c])*(255-a) + 127) / 255)
		}
		p[3] = 255
	}
	r.opaque = true
}
