package jpeg

import "encoding/binary"

// bitReader reads entropy-coded data. At a marker it goes on with zeros, and remembers
// how many; whether any of them were used is looked at now and then (short), which
// is cheaper than at each bit.
type bitReader struct {
	data []byte
	pos  int
	acc  uint64 // the next bits, from the top
	n    int    // how many of them are there, made-up ones included
	made int    // how many bits were made up
}

// enough is how many bits fill leaves at least: a code and the bits of a
// coefficient take 32 together at most.
const enough = 32

// fill makes that there are enough bits, where there are fewer.
func (b *bitReader) fill() {
	if b.pos+8 <= len(b.data) {
		w := binary.BigEndian.Uint64(b.data[b.pos:])
		// No byte of w is 0xff exactly if none of its complement is zero.
		if z := ^w; (z-0x0101010101010101)&w&0x8080808080808080 == 0 {
			b.acc |= w >> (b.n & 63)
			b.pos += (63 - b.n) >> 3
			b.n |= 56
			return
		}
	}
	b.fillBytes()
}

// fillBytes is fill where a marker, a stuffed zero or the end is near.
func (b *bitReader) fillBytes() {
	for b.n <= 56 {
		var v byte
		switch {
		case b.pos >= len(b.data), b.data[b.pos] == 0xff && (b.pos+1 >= len(b.data) || b.data[b.pos+1] != 0):
			b.made += 8
		case b.data[b.pos] == 0xff:
			v = 0xff
			b.pos += 2
		default:
			v = b.data[b.pos]
			b.pos++
		}
		b.acc |= uint64(v) << (56 - b.n&63)
		b.n += 8
	}
}

// short reports whether bits were used that the data does not have.
func (b *bitReader) short() bool { return b.n < b.made }

// take returns the next n bits, 0 to 16.
func (b *bitReader) take(n int) int32 {
	if b.n < enough {
		b.fill()
	}
	v := int32(b.acc >> 1 >> (63 - n&63))
	b.acc <<= n & 63
	b.n -= n
	return v
}

// restart drops what is left of a byte, and moves to the next marker, which must
// follow at once. It returns the marker.
func (b *bitReader) restart() (byte, error) {
	// Whole bytes that were read ahead are none of the marker's: reading stops
	// before it.
	if b.short() || b.n-b.made >= 8 || b.pos+2 > len(b.data) || b.data[b.pos] != 0xff {
		return 0, errOdd("data of a wrong length")
	}
	m := b.data[b.pos+1]
	b.pos += 2
	b.acc, b.n, b.made = 0, 0, 0
	return m, nil
}

// extend makes a coefficient of its size bits, 1 to 15: those of a negative one are
// those of its predecessor.
func extend(v int32, size int) int32 {
	if v < 1<<(size-1&31) {
		v += -1<<(size&31) + 1
	}
	return v
}
