package libwebp

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"image"
	"io"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

const (
	// MaxSide is the largest width and height, in pixels, that lossy WebP holds.
	MaxSide = 16383

	// Upper bounds of what encoding takes for each pixel, in the sandbox and out
	// of it, for admission control: alpha is written without loss, which takes
	// the most. A sandbox that grows is copied, so for a moment there are two.
	BytesPerPixel      = 32 // opaque
	AlphaBytesPerPixel = 96

	// method is libwebp's trade of speed for size, 0 to 6; 4 is its own default.
	method = 4

	// memoryPages bounds one sandbox, in pages of 64 KiB: 512 MiB. A picture
	// that needs more fails to encode; the process does not notice.
	memoryPages = 8192
)

//go:embed libwebp.wasm.gz
var packed []byte

// machine is the compiled module and the runtime that it belongs to. Both live
// as long as the process and are safe for concurrent use.
type machine struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
}

var load = sync.OnceValues(func() (*machine, error) {
	ctx := context.Background()
	zr, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	code, err := io.ReadAll(zr)
	if err != nil {
		return nil, err
	}
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().
		WithMemoryLimitPages(memoryPages))
	module, err := rt.CompileModule(ctx, code)
	if err != nil {
		return nil, errors.Join(err, rt.Close(ctx))
	}
	return &machine{runtime: rt, module: module}, nil
})

// Encode returns img as a lossy WebP file of the given quality, 0 to 100, with
// an alpha channel if one of its pixels is not opaque. It is safe for concurrent
// use.
//
// A context that has ended stops it before it starts, not half-way: the checks
// that wazero can compile into every loop make libwebp three times slower. What
// it takes is bounded by the pixels, at roughly 0.3 s a megapixel.
func Encode(ctx context.Context, img *image.NRGBA, quality int) ([]byte, error) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if w < 1 || h < 1 || w > MaxSide || h > MaxSide {
		return nil, fmt.Errorf("libwebp: %dx%d pixels: each side must be 1 to %d", w, h, MaxSide)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	m, err := load()
	if err != nil {
		return nil, fmt.Errorf("libwebp: load: %w", err)
	}
	// No name, so that any number of instances can live side by side.
	inst, err := m.runtime.InstantiateModule(ctx, m.module,
		wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
	if err != nil {
		return nil, fmt.Errorf("libwebp: start: %w", err)
	}
	// Closing gives back all of its memory, so nothing in it needs freeing.
	defer inst.Close(context.WithoutCancel(ctx))

	data, err := encode(ctx, inst, img, quality)
	if err != nil {
		return nil, fmt.Errorf("libwebp: encode %dx%d: %w", w, h, err)
	}
	return data, nil
}

func encode(ctx context.Context, inst api.Module, img *image.NRGBA, quality int) ([]byte, error) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	row := 4 * w
	pixels, err := malloc(ctx, inst, row*h)
	if err != nil {
		return nil, err
	}
	mem := inst.Memory()
	for y := range h {
		at := img.PixOffset(img.Rect.Min.X, img.Rect.Min.Y+y)
		if !mem.Write(pixels+uint32(y*row), img.Pix[at:at+row]) {
			return nil, errOutside
		}
	}
	size, err := malloc(ctx, inst, 4)
	if err != nil {
		return nil, err
	}
	const rgba, lossy, inexact = 0, 0, 0
	out, err := call(ctx, inst, "encode", uint64(pixels), uint64(w), uint64(h), uint64(size),
		rgba, uint64(quality), method, lossy, inexact)
	if err != nil {
		return nil, err
	}
	if out == 0 {
		return nil, errors.New("refused")
	}
	n, ok := mem.ReadUint32Le(size)
	if !ok {
		return nil, errOutside
	}
	view, ok := mem.Read(out, n)
	if !ok {
		return nil, errOutside
	}
	return bytes.Clone(view), nil
}

var errOutside = errors.New("address outside the sandbox")

func malloc(ctx context.Context, inst api.Module, n int) (uint32, error) {
	p, err := call(ctx, inst, "malloc", uint64(n))
	if err == nil && p == 0 {
		err = errors.New("out of memory")
	}
	return p, err
}

// call calls an exported function that returns an address.
func call(ctx context.Context, inst api.Module, name string, args ...uint64) (uint32, error) {
	res, err := inst.ExportedFunction(name).Call(ctx, args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return api.DecodeU32(res[0]), nil
}
