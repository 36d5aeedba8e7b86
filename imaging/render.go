package imaging

import (
	"bytes"
	"context"
	"fmt"
	"image"

	"revela/imaging/internal/icc"
	"revela/imaging/internal/libavif"
	"revela/imaging/internal/libwebp"
	"revela/imaging/internal/recycle"
	"revela/imaging/internal/resample"
)

// job is how a picture is going to be rendered.
type job struct {
	scale int   // by which the decoder may reduce it: 1, 2, 4 or 8
	bytes int64 // what it takes in all
}

func plan(h *header, variants []Variant) job {
	j := job{scale: 8}
	var work, results int64
	sw, sh := h.shown()
	for _, v := range variants {
		// Whether it is opaque is not known yet, and JPEG holds the larger ones.
		f := v.frame(sw, sh, maxSide(v.target(h.format, true)))
		j.scale = min(j.scale, reduction(f.part.X, f.out.X), reduction(f.part.Y, f.out.Y))
		out := int64(f.out.X) * int64(f.out.Y)
		w, ht := f.out.X, f.out.Y
		if h.orientation >= 5 {
			w, ht = ht, w
		}
		work = max(work, resample.Memory(h.width, h.height, w, ht)+v.bytesPerPixel(h)*out)
		results += out
	}
	j.bytes = codecState + h.decodeBytes + h.decodeBytes/recycle.Waste + work + results
	return j
}

// codecState is what a codec takes however small the picture is, in bytes: the
// state of a deflate encoder, tables of colours that are made once.
const codecState = 2 << 20

// bytesPerPixel is what a variant takes at most for each of its pixels while it
// is made: resized, turned, with a watermark, and by its encoder.
func (v Variant) bytesPerPixel(h *header) int64 {
	per := int64(4 + 4 + 8)
	switch v.target(h.format, true) {
	case WebP:
		per = 4 + 4 + libwebp.AlphaBytesPerPixel
		if h.opaque || v.Background != nil {
			per = 4 + 4 + libwebp.BytesPerPixel
		}
	case AVIF:
		per = 4 + 4 + libavif.BytesPerPixel
	}
	if v.Watermark != nil {
		per += 4 + 4
	}
	return per
}

// load decodes the picture, reduced by up to scale where that saves work.
func (e *Engine) load(ctx context.Context, src Source, h *header, scale int) (*picture, error) {
	pic, err := e.loadPixels(ctx, src, h, scale)
	if err == nil {
		pic.colours = h.readColours(src, pic.space)
	}
	return pic, err
}

func (e *Engine) loadPixels(ctx context.Context, src Source, h *header, scale int) (*picture, error) {
	switch h.format {
	case JPEG:
		return e.loadJPEG(ctx, src, h, scale)
	case PNG:
		return loadPNG(ctx, src, h)
	case WebP:
		return loadWebP(ctx, src, h)
	}
	return loadImage(ctx, src, h)
}

// loadImage decodes the picture with Go's decoder, or with one that does as Go's.
func loadImage(ctx context.Context, src Source, h *header) (*picture, error) {
	img, err := decode(ctx, src, h)
	if err != nil {
		return nil, err
	}
	pic, err := newPicture(img, h.webpCanvas(), h.format == WebP)
	if err != nil {
		return nil, blame(err)
	}
	return pic, nil
}

// recipe is everything that decides what an output is, apart from its name.
type recipe struct {
	frame
	gravity   Gravity
	format    Format
	quality   int
	back      [3]byte
	flat      bool
	sharpen   float64
	watermark Watermark // without an image: none
}

// recipe is what v comes to for a picture that is shown with w x h pixels.
// Settings that change nothing are left out of it, so that what is alike is equal.
func (v Variant) recipe(h *header, opaque bool) recipe {
	r := recipe{format: v.target(h.format, opaque), quality: v.Quality, sharpen: v.Sharpen}
	if v.Watermark != nil {
		r.watermark = *v.Watermark
	}
	w, ht := h.shown()
	r.frame = v.frame(w, ht, maxSide(r.format))
	if r.part != image.Pt(w, ht) {
		r.gravity = v.Gravity
	}
	if r.format == PNG {
		r.quality = 0
	}
	if !opaque && (v.Background != nil || r.format == JPEG) {
		r.flat, r.back = true, [3]byte{255, 255, 255}
		if b := v.Background; b != nil {
			r.back = [3]byte{b.R, b.G, b.B}
		}
	}
	return r
}

// kitchen is where the variants of one picture are made.
type kitchen struct {
	*Engine
	src Source
	h   *header
	pic *picture

	small *image.NRGBA // the thumb, as soon as there is one; in sRGB
}

func (e *Engine) render(ctx context.Context, src Source, h *header, pic *picture, variants []Variant, made func(variants int)) (Result, error) {
	k := &kitchen{Engine: e, src: src, h: h, pic: pic}
	outs := make([]Output, len(variants))
	done := make(map[recipe]int)
	for i, v := range variants {
		if ctx.Err() != nil {
			return Result{}, context.Cause(ctx)
		}
		r := v.recipe(h, pic.opaque)
		outs[i] = Output{Name: v.Name, Format: r.format, Width: r.out.X, Height: r.out.Y}
		if twin, ok := done[r]; ok {
			outs[i].Data = bytes.Clone(outs[twin].Data)
			made(i + 1)
			continue
		}
		done[r] = i
		var err error
		if outs[i].Data, err = k.cook(ctx, r); err != nil {
			return Result{}, fmt.Errorf("make %s: %w", v.Name, err)
		}
		made(i + 1)
	}
	return Result{Images: outs, ThumbHash: thumbHash(k.thumb())}, nil
}

// cook makes one output.
func (k *kitchen) cook(ctx context.Context, r recipe) ([]byte, error) {
	w, h := k.h.shown()
	part := r.gravity.part(r.part, image.Pt(w, h), k.thumb)
	chroma := chromaOf(r.format)
	if r.watermark.Image != nil {
		chroma = 1 // it becomes RGB, and again luma and chroma: from all there is
	}
	target := k.pic.colours.target
	if r.watermark.Image != nil || r.flat && r.back != [3]byte{255, 255, 255} {
		target = icc.SRGB // which what is put to it is in
	}
	m := k.pic.shown(stored(part, w, h, k.h.orientation), r.out.X, r.out.Y, k.h.orientation, chroma, target)
	defer m.recycle()
	if k.small == nil && r.part == image.Pt(w, h) {
		k.small = m.thumb()
		if t := target.ToSRGB(); t != nil {
			t.RGB(k.small.Pix)
		}
	}
	if r.flat {
		m.over(r.back)
	}
	m.sharpen(r.sharpen)
	if err := m.mark(&r.watermark); err != nil {
		return nil, err
	}
	if m.grey() != nil {
		target = icc.SRGB // greys are the same in all
	}
	data, err := k.encode(ctx, m, r.format, r.quality, target)
	if err != nil {
		return nil, err
	}
	return tagged(r.format, data, target, r.out.X, r.out.Y), nil
}

// thumb is a small upright copy of all of the picture, in sRGB: of a variant that shows
// all of it if there is one by now, which saves work.
func (k *kitchen) thumb() *image.NRGBA {
	if k.small == nil {
		w, h := k.h.shown()
		size := inside(w, h, thumbSide, thumbSide)
		k.small = k.pic.shown(k.pic.region(), size.X, size.Y, k.h.orientation, 1, icc.SRGB).rgb()
	}
	return k.small
}
