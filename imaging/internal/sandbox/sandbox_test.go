package sandbox

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// spin imports tick and exports spin, which calls it for ever; grow, which asks
// for a page until there is none and returns how many there are; and malloc,
// which returns nothing.
var spin = []byte("\x00asm\x01\x00\x00\x00" +
	"\x01\x0d\x03\x60\x00\x00\x60\x00\x01\x7f\x60\x01\x7f\x01\x7f" + // types: (), () i32, (i32) i32
	"\x02\x0c\x01\x03env\x04tick\x00\x00" + // import
	"\x03\x05\x04\x01\x01\x02\x00" + // functions
	"\x05\x03\x01\x00\x01" + // one page
	"\x07\x26\x04\x04spin\x00\x01\x04grow\x00\x02\x06malloc\x00\x03\x0b_initialize\x00\x04" +
	"\x0a\x26\x04" +
	"\x0a\x00\x03\x40\x10\x00\x0c\x00\x0b\x00\x0b" + // loop: call tick, again
	"\x11\x00\x03\x40\x41\x01\x40\x00\x41\x00\x4e\x0d\x00\x0b\x3f\x00\x0f\x0b" + // loop: memory.grow 1 >= 0, again
	"\x04\x00\x41\x00\x0b" +
	"\x02\x00\x0b")

func module(t *testing.T, code []byte, memory int64) *Module {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	zw.Write(code)
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return New(b.Bytes(), memory)
}

func start(t *testing.T, memory int64) *Instance {
	t.Helper()
	i, err := module(t, spin, memory).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return i
}

func TestTheContextStopsALoop(t *testing.T) {
	t.Parallel()
	i := start(t, 1<<20)
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	go cancel(reason)
	if _, err := i.Call(ctx, "spin"); !errors.Is(err, reason) {
		t.Errorf("got %v, want the context's cause", err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	i := start(t, 1<<20)
	if pages, err := i.Call(t.Context(), "grow"); err != nil || pages != 16 {
		t.Errorf("grew to %d pages of 64 KiB, %v; want 16", pages, err)
	}
}

func TestAddressesAreChecked(t *testing.T) {
	t.Parallel()
	i := start(t, 1<<20)
	if _, err := i.View(60_000, 10_000); err == nil {
		t.Error("a view beyond the memory was given")
	}
	if err := i.Write(65_535, []byte("ab")); err == nil {
		t.Error("bytes beyond the memory were written")
	}
	if _, err := i.Alloc(t.Context(), 10); err == nil {
		t.Error("memory at address zero was given")
	}
	if _, err := i.Call(t.Context(), "no such"); err == nil {
		t.Error("a missing function was called")
	}
}

func TestNoCode(t *testing.T) {
	t.Parallel()
	if _, err := module(t, []byte("not code"), 1<<20).Start(t.Context()); err == nil {
		t.Error("nonsense was started")
	}
}

// give imports rows and exports give, which hands out 1 to 8 and returns 9.
var give = []byte("\x00asm\x01\x00\x00\x00" +
	"\x01\x13\x03\x60\x08\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x00\x60\x00\x01\x7f\x60\x00\x00" + // types: (i32 x 8), () i32, ()
	"\x02\x0c\x01\x03env\x04rows\x00\x00" + // import
	"\x03\x03\x02\x01\x02" + // functions
	"\x05\x03\x01\x00\x01" + // one page
	"\x07\x16\x02\x04give\x00\x01\x0b_initialize\x00\x02" +
	"\x0a\x1b\x02" +
	"\x16\x00\x41\x01\x41\x02\x41\x03\x41\x04\x41\x05\x41\x06\x41\x07\x41\x08\x10\x00\x41\x09\x0b" +
	"\x02\x00\x0b")

func TestHandout(t *testing.T) {
	t.Parallel()
	m := module(t, give, 1<<20)
	call := func(ctx context.Context) (uint32, error) {
		i, err := m.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer i.Close()
		return i.Call(ctx, "give")
	}
	var got [8]uint32
	result, err := call(Receive(t.Context(), func(_ *Instance, words [8]uint32) error {
		got = words
		return nil
	}))
	if err != nil || result != 9 || got != [8]uint32{1, 2, 3, 4, 5, 6, 7, 8} {
		t.Errorf("got %v, then %d, %v", got, result, err)
	}
	reason := errors.New("no")
	if _, err := call(Receive(t.Context(), func(*Instance, [8]uint32) error { return reason })); !errors.Is(err, reason) {
		t.Errorf("got %v, want the receiver's error", err)
	}
	if _, err := call(t.Context()); !errors.Is(err, errUnwanted) {
		t.Errorf("got %v where nobody receives", err)
	}
}

// Memory that was used before is zero again, and what grows keeps its content.
func TestRecycledMemoryIsZero(t *testing.T) {
	m := new(Module).Recycle()
	first := m.allocator.Allocate(0, 0)
	b := first.Reallocate(100)
	for i := range b {
		b[i] = 1
	}
	if b = first.Reallocate(1000); b[99] != 1 || b[100] != 0 {
		t.Error("memory that grows does not keep its content, or is not zero beyond")
	}
	b[999] = 1
	first.Free()

	second := m.allocator.Allocate(0, 0)
	for _, n := range []uint64{50, 400, 1100, 5000} {
		for i, v := range second.Reallocate(n) {
			if v != 0 {
				t.Fatalf("byte %d of %d is %d", i, n, v)
			}
		}
	}
}

// An instance that is to stay within a limit does, and does not lose what it has.
func TestMemoryWithin(t *testing.T) {
	t.Parallel()
	m := within{most: 1000}
	m.Reallocate(600)[599] = 7
	if b := m.Reallocate(1000); len(b) != 1000 || b[599] != 7 || cap(b) != 1000 {
		t.Errorf("got %d bytes of %d", len(b), cap(b))
	}
	if b := m.Reallocate(1001); b != nil {
		t.Errorf("got %d bytes", len(b))
	}
}
