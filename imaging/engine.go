package imaging

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"revela/imaging/internal/turbo"
)

// Engine reads and renders pictures within limits. It is safe for concurrent
// use, and needs no closing.
type Engine struct {
	cfg    Config
	memory *budget
	turbo  *turbo.Library // nil if it is not used

	decodeTime func(pixels int64) time.Duration // of a processor, that a picture may take
}

// New returns an Engine. An error names every mistake in cfg.
func New(cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("imaging: %w", err)
	}
	e := &Engine{cfg: cfg, memory: newBudget(cfg.MemoryBudget), decodeTime: decodeTime}
	if cfg.Turbo {
		// Without it pictures take longer, and that is all.
		e.turbo, _ = turbo.Load()
	}
	return e, nil
}

// Codec names what decodes and encodes JPEG: "go", or the file name of the
// libjpeg-turbo that is in use.
func (e *Engine) Codec() string {
	if e.turbo == nil {
		return "go"
	}
	return e.turbo.Name()
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
	return Info{Format: h.format, Width: w, Height: ht, Frames: h.frames}, nil
}

// Render makes all variants of a picture from one decoding. Variants that are
// alike are encoded once. Names must differ.
//
// It waits until the Engine has memory for it. A picture's own fault is an
// *Error; otherwise the error is ctx's, one of reading src, or of a bad variant.
func (e *Engine) Render(ctx context.Context, src Source, variants []Variant) (Result, error) {
	return e.RenderWithProgress(ctx, src, variants, func(int, int) {})
}

// RenderWithProgress is Render that calls progress when the picture is decoded
// and when each variant is made. done goes from 1 to total, which is one more
// than there are variants. The rest waits until progress returns, and holds its
// memory.
func (e *Engine) RenderWithProgress(ctx context.Context, src Source, variants []Variant, progress func(done, total int)) (out Result, err error) {
	defer contain(&err)
	if err := checkVariants(variants); err != nil {
		return Result{}, fmt.Errorf("imaging: %w", err)
	}
	h, err := probe(src, e.cfg)
	if err != nil {
		return Result{}, fault(err)
	}
	p := plan(h, variants)
	if p.bytes > e.cfg.MemoryBudget {
		return Result{}, tooLarge("its variants take %d MiB to make, at most %d MiB are allowed",
			p.bytes>>20, e.cfg.MemoryBudget>>20)
	}
	if err := e.memory.acquire(ctx, p.bytes); err != nil {
		return Result{}, fmt.Errorf("wait for memory: %w", err)
	}
	defer e.memory.release(p.bytes)

	pic, err := e.loadInTime(ctx, src, h, p.scale)
	if ctx.Err() != nil {
		return Result{}, fmt.Errorf("decode: %w", context.Cause(ctx))
	}
	if err != nil {
		return Result{}, fault(err)
	}
	defer pic.recycle()
	total := 1 + len(variants)
	progress(1, total)
	return e.render(ctx, src, h, pic, variants, func(made int) { progress(1+made, total) })
}

// loadInTime is load within the time that a picture may take.
func (e *Engine) loadInTime(ctx context.Context, src Source, h *header, scale int) (*picture, error) {
	patient, stop := newPatience(ctx, e.decodeTime(h.pixels()))
	defer stop() // after a panic too, which contain catches
	return e.load(patient, src, h, scale)
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
