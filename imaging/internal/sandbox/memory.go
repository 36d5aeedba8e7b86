package sandbox

import (
	"sync"

	"github.com/tetratelabs/wazero/experimental"
)

// Recycle makes the module's instances use the memory of those that were closed,
// which otherwise waits for the garbage collector. It is not for modules whose
// memory is shared between threads: when it grows, it may move.
func (m *Module) Recycle() *Module {
	memories := new(sync.Pool) // of *memory
	m.allocator = experimental.MemoryAllocatorFunc(func(_, _ uint64) experimental.LinearMemory {
		if mem, ok := memories.Get().(*memory); ok {
			return mem
		}
		return &memory{pool: memories}
	})
	return m
}

// memory is the memory of an instance.
type memory struct {
	pool  *sync.Pool
	bytes []byte // as long as it is in use, and zero where it never was
	dirty int    // how much of its capacity was in use before
}

// Reallocate makes the memory size bytes long; what is new is zero.
func (m *memory) Reallocate(size uint64) []byte {
	old, n := len(m.bytes), int(size)
	if n > cap(m.bytes) {
		grown := make([]byte, n, n+n/4)
		copy(grown, m.bytes)
		m.bytes, m.dirty = grown, 0
		return m.bytes
	}
	m.bytes = m.bytes[:n]
	if old < m.dirty {
		clear(m.bytes[old:min(n, m.dirty)])
	}
	return m.bytes
}

// Free gives the memory to the next instance.
func (m *memory) Free() {
	m.dirty, m.bytes = max(m.dirty, len(m.bytes)), m.bytes[:0]
	m.pool.Put(m)
}

// within is the memory of an instance that may take no more than most bytes. To one
// that asks for more it is used up.
type within struct {
	most  uint64
	bytes []byte
}

// Reallocate makes the memory size bytes long; what is new is zero.
func (m *within) Reallocate(size uint64) []byte {
	if size > m.most {
		return nil
	}
	if n := int(size); n > cap(m.bytes) {
		grown := make([]byte, n, min(n+n/4, int(m.most)))
		copy(grown, m.bytes)
		m.bytes = grown
	}
	m.bytes = m.bytes[:size]
	return m.bytes
}

// Free leaves the memory to the garbage collector.
func (m *within) Free() { m.bytes = nil }
