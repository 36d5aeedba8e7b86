package sandbox

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// pageSize is the unit of WebAssembly's memory, in bytes.
const pageSize = 64 << 10

// Module is a compiled codec. It is safe for concurrent use, and lives as long
// as the process.
type Module struct {
	load      func() (*machine, error)
	allocator experimental.MemoryAllocator // nil: wazero's own
}

type machine struct {
	runtime wazero.Runtime
	code    wazero.CompiledModule
}

// New describes a module: its code, compressed by gzip, and the most memory that
// one instance may take, in bytes.
//
// A module may import "env" "tick", and call it now and then: there an instance
// ends when its context has ended. wazero can check that in every loop as well,
// but that makes HEVC four times slower. It may import "env" "rows" too, to hand
// out what it makes piece by piece: see Handout.
func New(packed []byte, maxMemory int64) *Module {
	return &Module{load: sync.OnceValues(func() (*machine, error) {
		ctx := context.Background()
		zr, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, err
		}
		code, err := io.ReadAll(zr)
		if err != nil {
			return nil, err
		}
		rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2|experimental.CoreFeaturesThreads).
			WithMemoryLimitPages(uint32(maxMemory/pageSize)))
		// What the C library asks of a system. The default configuration grants
		// nothing: no files, no output, a clock that stands still.
		if _, err := wasi_snapshot_preview1.Instantiate(ctx, rt); err != nil {
			return nil, errors.Join(err, rt.Close(ctx))
		}
		params := slices.Repeat([]api.ValueType{api.ValueTypeI32}, handoutWords)
		if _, err := rt.NewHostModuleBuilder("env").
			NewFunctionBuilder().WithFunc(tick).Export("tick").
			NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(rows), params, nil).Export("rows").
			Instantiate(ctx); err != nil {
			return nil, errors.Join(err, rt.Close(ctx))
		}
		module, err := rt.CompileModule(ctx, code)
		if err != nil {
			return nil, errors.Join(err, rt.Close(ctx))
		}
		return &machine{runtime: rt, code: module}, nil
	})}
}

// tick is called by modules. The panic ends the call that is under way, and
// comes out of it as an error.
func tick(ctx context.Context) {
	if ctx.Err() != nil {
		panic(context.Cause(ctx))
	}
}

// handoutWords is how many numbers a module hands out at once.
const handoutWords = 8

// Handout is what a call of a module hands out in the midst of it: numbers, of
// which the module says what they mean. An error ends the call and is its error.
type Handout func(i *Instance, words [handoutWords]uint32) error

type handoutKey struct{}

// Receive makes the calls with the context that it returns hand out to f.
func Receive(ctx context.Context, f Handout) context.Context {
	return context.WithValue(ctx, handoutKey{}, f)
}

// rows is called by modules; it checks the context as tick does.
func rows(ctx context.Context, mod api.Module, stack []uint64) {
	tick(ctx)
	f, ok := ctx.Value(handoutKey{}).(Handout)
	if !ok {
		panic(errUnwanted)
	}
	var words [handoutWords]uint32
	for i := range words {
		words[i] = api.DecodeU32(stack[i])
	}
	if err := f(&Instance{mod}, words); err != nil {
		panic(err)
	}
}

var errUnwanted = errors.New("sandbox: nobody receives what the module hands out")

// Instance is one run of a module. It is for one goroutine.
type Instance struct {
	mod api.Module
}

// Start makes an instance, which needs closing.
func (m *Module) Start(ctx context.Context) (*Instance, error) { return m.start(ctx, m.allocator) }

// StartWithin makes an instance of a module that is not Recycled, which takes at most
// that many bytes of memory, 2 MiB or more. It needs closing.
func (m *Module) StartWithin(ctx context.Context, most int64) (*Instance, error) {
	return m.start(ctx, experimental.MemoryAllocatorFunc(func(_, _ uint64) experimental.LinearMemory {
		return &within{most: uint64(most)}
	}))
}

func (m *Module) start(ctx context.Context, allocator experimental.MemoryAllocator) (*Instance, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	mach, err := m.load()
	if err != nil {
		return nil, fmt.Errorf("sandbox: load: %w", err)
	}
	// No name, so that any number of instances can live side by side.
	mod, err := mach.runtime.InstantiateModule(experimental.WithMemoryAllocator(ctx, allocator), mach.code,
		wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
	if err != nil {
		return nil, cause(ctx, fmt.Errorf("sandbox: start: %w", err))
	}
	return &Instance{mod}, nil
}

// Close ends the instance and gives back its memory.
func (i *Instance) Close() { i.mod.Close(context.Background()) }

// Call calls an exported function that returns a 32-bit number. A trap, which is
// how memory that is out of bounds and memory that is used up end, is an error.
func (i *Instance) Call(ctx context.Context, name string, args ...uint64) (uint32, error) {
	f := i.mod.ExportedFunction(name)
	if f == nil {
		return 0, fmt.Errorf("sandbox: no function %q", name)
	}
	res, err := f.Call(ctx, args...)
	if err != nil {
		return 0, cause(ctx, fmt.Errorf("sandbox: %s: %w", name, err))
	}
	return api.DecodeU32(res[0]), nil
}

// cause is the reason why the context ended, if it did.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

var errOutside = errors.New("sandbox: address outside of the memory")

// Alloc reserves n bytes. They are zero or not, and never freed but by Close.
func (i *Instance) Alloc(ctx context.Context, n int) (uint32, error) {
	p, err := i.Call(ctx, "malloc", uint64(n))
	if err == nil && p == 0 {
		err = errors.New("sandbox: out of memory")
	}
	return p, err
}

// Put copies data into the sandbox and returns where it is.
func (i *Instance) Put(ctx context.Context, data []byte) (uint32, error) {
	p, err := i.Alloc(ctx, len(data))
	if err != nil {
		return 0, err
	}
	return p, i.Write(p, data)
}

// Write copies data to an address.
func (i *Instance) Write(at uint32, data []byte) error {
	if !i.mod.Memory().Write(at, data) {
		return errOutside
	}
	return nil
}

// View returns n bytes at an address, without copying: they are valid until the
// next call of a function.
func (i *Instance) View(at, n uint32) ([]byte, error) {
	b, ok := i.mod.Memory().Read(at, n)
	if !ok {
		return nil, errOutside
	}
	return b, nil
}
