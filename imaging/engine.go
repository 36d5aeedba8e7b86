package imaging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"runtime/debug"

	"golang.org/x/sync/semaphore"

	"revela/imaging/internal/libwebp"
)

// Engine reads and renders pictures within limits. It is safe for concurrent
// use, and needs no closing.
type Engine struct {
	cfg    Config
	memory *semaphore.Weighted // bytes; first come, first served
}

// New returns an Engine. An error names every mistake in cfg.
func New(cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("imaging: %w", err)
	}
	return &Engine{cfg: cfg, memory: semaphore.NewWeighted(cfg.MemoryBudget)}, nil
}

// Probe reads what a picture is and checks what can be checked without decoding
// it: that it is of a known format, within the limits, and that its structure
// reaches its end. It reads the file at most once and takes little memory.
//
// A picture's own fault is an *Error; any other error is one of reading src.
func (e *Engine) Probe(src Source) (info Info, err error) {
	defer contain(&err)
	h, err := probe(src, e.cfg)
	if err != nil {
		return Info{}, fault(err)
	}
	w, ht := h.shown()
	return Info{Format: h.format, Width: w, Height: ht}, nil
}

// Render makes all variants of a picture, in their order, from one decoding. A
// variant that is wider than the picture has the picture's size. Names must
// differ.
//
// It waits until the Engine has memory for it. A picture's own fault is an
// *Error; otherwise the error is ctx's, one of reading src, or of a bad variant.
func (e *Engine) Render(ctx context.Context, src Source, variants []Variant) (outs []Output, err error) {
	defer contain(&err)
	if err := checkVariants(variants); err != nil {
		return nil, fmt.Errorf("imaging: %w", err)
	}
	h, err := probe(src, e.cfg)
	if err != nil {
		return nil, fault(err)
	}
	p := plan(h, variants)
	need := min(p.bytes, e.cfg.MemoryBudget)
	if err := e.memory.Acquire(ctx, need); err != nil {
		return nil, fmt.Errorf("wait for memory: %w", context.Cause(ctx))
	}
	defer e.memory.Release(need)

	r, err := p.load(ctx, src, h)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("decode: %w", context.Cause(ctx))
	}
	if err != nil {
		return nil, fault(err)
	}
	return p.render(ctx, src, h, r, variants)
}

func checkVariants(variants []Variant) error {
	var errs []error
	seen := make(map[string]bool)
	for i, v := range variants {
		if err := v.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("variant %d: %w", i, err))
		}
		if seen[v.Name] {
			errs = append(errs, fmt.Errorf("variant %d: name %q is taken", i, v.Name))
		}
		seen[v.Name] = true
	}
	if len(variants) == 0 {
		errs = append(errs, errors.New("no variants"))
	}
	return errors.Join(errs...)
}

// job is how a picture is going to be rendered.
type job struct {
	w, h  int   // to which it is averaged while it is converted
	bytes int64 // what it takes in all
}

func plan(h *header, variants []Variant) job {
	// The largest variant, turned back to how the picture is stored.
	var w, ht int
	sw, sh := h.shown()
	for _, v := range variants {
		fw, fh := fit(sw, sh, v.Width, maxSide(h.format))
		w, ht = max(w, fw), max(ht, fh)
	}
	if h.orientation >= 5 {
		w, ht = ht, w
	}
	p := job{w: averaged(h.width, w), h: averaged(h.height, ht)}
	encoder := int64(8)
	if h.format == WebP {
		encoder = libwebp.BytesPerPixel
	}
	out := int64(w) * int64(ht)
	p.bytes = h.decodeBytes +
		4*int64(p.w)*int64(p.h) + // the raster
		4*int64(w)*int64(p.h) + // between the resizer's two passes
		out*(4+4+encoder) + // resized, turned, encoding
		int64(len(variants))*out // results
	return p
}

// load decodes the picture and converts it.
func (p job) load(ctx context.Context, src Source, h *header) (*raster, error) {
	img, err := decode(ctx, src, h)
	if err != nil {
		return nil, err
	}
	canvas := image.Rect(0, 0, h.width, h.height).Sub(h.webp.rect.Min)
	r, err := newRaster(img, canvas, h.format == WebP, p.w, p.h)
	if err != nil {
		return nil, blame(err)
	}
	return r, nil
}

func (p job) render(ctx context.Context, src Source, h *header, r *raster, variants []Variant) ([]Output, error) {
	format := target(h.format, r.opaque)
	profile := h.readProfile(src, r.profileSpace(format))
	sw, sh := h.shown()
	outs := make([]Output, len(variants))
	done := make(map[[3]int]int)
	for i, v := range variants {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		o := &outs[i]
		*o = Output{Name: v.Name, Format: format}
		o.Width, o.Height = fit(sw, sh, v.Width, maxSide(format))
		// A picture that is smaller than two variants is encoded once.
		key := [3]int{o.Width, o.Height, v.Quality}
		if twin, ok := done[key]; ok {
			o.Data = bytes.Clone(outs[twin].Data)
			continue
		}
		done[key] = i
		stored := image.Pt(o.Width, o.Height)
		if h.orientation >= 5 {
			stored = image.Pt(o.Height, o.Width)
		}
		data, err := r.resized(stored.X, stored.Y).upright(h.orientation).encode(ctx, format, v.Quality)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", v.Name, err)
		}
		o.Data = putProfile(format, data, profile, o.Width, o.Height)
	}
	return outs, nil
}

// fault tells the source's fault from the picture's.
func fault(err error) error {
	var source *sourceError
	if errors.As(err, &source) {
		return source
	}
	return blame(err)
}

// contain makes a panic the picture's fault.
func contain(err *error) {
	if v := recover(); v != nil {
		*err = blame(&PanicError{Value: v, Stack: debug.Stack()})
	}
}
