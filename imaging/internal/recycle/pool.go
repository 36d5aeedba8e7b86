package recycle

import (
	"math/bits"
	"sync"
)

// Bytes holds what pixels are in.
var Bytes Pool[byte]

// stepBits says how finely sizes are told apart: there are 1<<stepBits to a doubling,
// and a buffer is longer than it has to be by one of them at the most.
const stepBits = 4

// Waste is by what part of its size a buffer may be larger than it has to be, at most.
const Waste = 1 << stepBits

// Pool holds buffers of elements without pointers. It is safe for concurrent use; its
// zero value is empty.
type Pool[T any] struct {
	classes [64 << stepBits]sync.Pool // of *[]T whose capacity is that of the class
}

// Take returns a buffer of n elements of any content.
func (p *Pool[T]) Take(n int) []T {
	class, size := classOf(n)
	if b, ok := p.classes[class].Get().(*[]T); ok {
		return (*b)[:n]
	}
	return make([]T, n, size)
}

// Give takes a buffer back that came from Take.
func (p *Pool[T]) Give(b []T) {
	if class, size := classOf(cap(b)); size == cap(b) && size > 0 {
		p.classes[class].Put(&b)
	}
}

// classOf is the smallest class whose buffers have room for n, and how large they are.
func classOf(n int) (class, size int) {
	if n <= 1<<stepBits {
		return n, n
	}
	shift := bits.Len(uint(n-1)) - stepBits - 1
	steps := (n-1)>>shift + 1 // 17 to 32 of 1<<shift
	return steps + shift<<stepBits, steps << shift
}
