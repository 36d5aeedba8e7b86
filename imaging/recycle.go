package imaging

import "sync"

// recycled holds the pixels of pictures that are done with, for the next ones:
// tens of megabytes each, which would wait for the garbage collector while others
// are taken, and be cleared in vain.
var recycled sync.Pool // of *[]byte

// takePixels returns n bytes of any content. They may be given back to recycled by
// the only one who holds them.
func takePixels(n int) []byte {
	if b, ok := recycled.Get().(*[]byte); ok && cap(*b) >= n {
		return (*b)[:n]
	}
	return make([]byte, n)
}

// recycle gives the picture's pixels back. It is not to be used any more.
func (p *picture) recycle() {
	if b := p.pixels; b != nil {
		p.bands, p.pixels = nil, nil
		recycled.Put(&b)
	}
}
