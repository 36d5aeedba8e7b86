package jpeg

// lookBits is how many bits are looked up at once.
const lookBits = 10

// huffman decodes symbols of up to 16 bits.
type huffman struct {
	// look is, for each value of the next lookBits bits: zero if the code is
	// longer, else the number of bits to skip and the symbol from bit 8 on. Bit
	// 7 says that these bits include those of a coefficient, which is then from
	// bit 16 on, and the symbol's two halves are exchanged.
	look [1 << lookBits]uint32

	// For codes of each length: the first that is beyond them, aligned to 16
	// bits, and what to add to a code for its place among the symbols.
	limit  [17]uint32
	offset [17]int32
	symbol [256]byte
}

const withValue = 1 << 7

// set makes the table of the number of codes of each length and their symbols.
func (h *huffman) set(counts *[16]byte, symbols []byte) error {
	*h = huffman{}
	copy(h.symbol[:], symbols)
	code, place := uint32(0), 0
	for i, count := range counts {
		length := i + 1
		h.offset[length] = int32(place) - int32(code)
		for range count {
			if code >= 1<<length {
				return errOdd("a Huffman table with too many codes")
			}
			if length <= lookBits {
				h.fill(code<<(lookBits-length), length, h.symbol[place&255])
			}
			code++
			place++
		}
		h.limit[length] = code << (16 - length)
		code <<= 1
	}
	return nil
}

// fill sets the entries of all values that begin with a code.
func (h *huffman) fill(first uint32, length int, symbol byte) {
	size := int(symbol & 15)
	for i := range uint32(1) << (lookBits - length) {
		e := uint32(symbol)<<8 | uint32(length)
		if size > 0 && length+size <= lookBits {
			v := extend(int32((first+i)>>(lookBits-length-size)&(1<<size-1)), size)
			e = uint32(uint16(v))<<16 | uint32(size)<<12 | uint32(symbol>>4)<<8 | withValue | uint32(length+size)
		}
		h.look[first+i] = e
	}
}

// long returns the symbol at the top of acc, whose code is longer than lookBits,
// and the code's length, 0 if there is none.
func (h *huffman) long(acc uint64) (symbol byte, length int) {
	top := uint32(acc >> 48)
	for l := lookBits + 1; l <= 16; l++ {
		if top < h.limit[l] {
			return h.symbol[(int32(top>>(16-l))+h.offset[l])&255], l
		}
	}
	return 0, 0
}
