package app

import "runtime"

// ballastSize is how many bytes of garbage may pile up before the collector starts,
// besides as many as are alive.
const ballastSize = 32 << 20

// ballast keeps the collector from running dozens of times a second: it starts when
// the heap has doubled, and what serving keeps alive is some 5 MB, which a thousand
// requests double. A block that is never touched counts as heap and takes no
// memory, if it is made at the start, while there is only fresh memory. (Go has no
// setting for a smallest heap; GOGC would let the garbage of pictures grow as well.)
// It lasts until the function returned is called.
func ballast() (release func()) {
	block := make([]byte, ballastSize)
	return func() { runtime.KeepAlive(block) }
}
