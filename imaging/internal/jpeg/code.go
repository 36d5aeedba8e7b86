package jpeg

import "encoding/binary"

// code is a symbol's bits, length in the low 5 bits and the code above them; 0 for
// a symbol that is not used.
type code uint32

// tables makes the codes of all tables that the scan's tokens use, and writes the
// tables. Codes are indexed as tokens are: table, then symbol.
func (e *encoder) tables() *[2048]code {
	var freq [2048]int32
	for _, t := range e.tokens {
		freq[t>>20&2047]++
	}
	codes := new([2048]code)
	for table := range tables {
		used := (*[256]int32)(freq[256*table:])
		if *used == ([256]int32{}) {
			continue
		}
		counts, symbols := lengths(used)
		n := code(0)
		at := 0
		for i, count := range counts {
			for range count {
				codes[256*table+int(symbols[at])] = n<<5 | code(i+1)
				n++
				at++
			}
			n <<= 1
		}
		// Of the tables' numbers the file wants the kind in the high half.
		body := append([]byte{byte(table>>1<<4 | table&1)}, counts[:]...)
		e.segment(0xc4, append(body, symbols...)...)
	}
	return codes
}

// lengths gives each used symbol a code length of at most 16 bits, the shorter the
// more often it is used, and leaves the code of all ones unused: how many codes
// there are of each length, and the symbols in the order of their codes.
func lengths(used *[256]int32) (counts [16]byte, symbols []byte) {
	// A symbol of its own that is rarest of all takes the code of all ones.
	const reserved = 256
	type node struct{ weight, left, right, symbol int }
	var nodes []node
	var heap []int // of nodes, the lightest first; few enough to be kept sorted
	add := func(n node) {
		nodes = append(nodes, n)
		at := len(heap)
		heap = append(heap, 0)
		for ; at > 0 && nodes[heap[at-1]].weight < n.weight; at-- {
			heap[at] = heap[at-1]
		}
		heap[at] = len(nodes) - 1
	}
	add(node{symbol: reserved})
	for s, n := range used {
		if n > 0 {
			add(node{weight: int(n), symbol: s})
		}
	}
	for len(heap) > 1 {
		a, b := heap[len(heap)-1], heap[len(heap)-2]
		heap = heap[:len(heap)-2]
		add(node{weight: nodes[a].weight + nodes[b].weight, left: a, right: b, symbol: -1})
	}
	var depth [257]int
	var deep [300]int // how many symbols there are at each depth
	var walk func(i, d int)
	walk = func(i, d int) {
		if n := nodes[i]; n.symbol < 0 {
			walk(n.left, d+1)
			walk(n.right, d+1)
		} else {
			depth[n.symbol] = max(d, 1)
			deep[max(d, 1)]++
		}
	}
	walk(heap[0], 0)
	shorten(deep[:])

	// Hand the lengths out again, in the order of the depths that they come from.
	deepest := 0
	for l := 16; l > 0 && deepest == 0; l-- {
		if deep[l] > 0 {
			deepest = l
		}
	}
	deep[deepest]-- // the reserved one
	for d := 1; d < len(deep); d++ {
		for s, have := range depth[:reserved] {
			if have == d {
				symbols = append(symbols, byte(s))
			}
		}
	}
	for l := range counts {
		counts[l] = byte(deep[l+1])
	}
	return counts, symbols
}

// shorten makes that no code is longer than 16 bits: two of the longest make room
// for each other beside one that is shorter, which then is longer by one.
func shorten(deep []int) {
	for l := len(deep) - 1; l > 16; l-- {
		for deep[l] > 0 {
			j := l - 2
			for deep[j] == 0 {
				j--
			}
			deep[l] -= 2
			deep[l-1]++
			deep[j+1] += 2
			deep[j]--
		}
	}
}

// emit writes the scan's tokens.
func (e *encoder) emit(codes *[2048]code) {
	out := e.out
	var acc uint64 // bits to be written, from the top
	n := 0
	for _, t := range e.tokens {
		c := codes[t>>20&2047]
		size, length := int(t>>16&15), int(c&31)
		// At most 16 bits of code and 15 of value come to at most 32 pending.
		acc |= (uint64(c>>5)<<(size&15) | uint64(t&0xffff)) << ((64 - n - length - size) & 63)
		n += length + size
		if n < 32 {
			continue
		}
		w := uint32(acc >> 32)
		// No byte is 0xff exactly if none of the complement is zero.
		if z := ^w; (z-0x01010101)&w&0x80808080 == 0 {
			out = binary.BigEndian.AppendUint32(out, w)
		} else {
			for s := 24; s >= 0; s -= 8 {
				out = stuffed(out, byte(w>>s))
			}
		}
		acc <<= 32
		n -= 32
	}
	if n > 0 {
		acc |= 1<<(64-n) - 1 // the last byte is filled up with ones
	}
	for ; n > 0; n -= 8 {
		out = stuffed(out, byte(acc>>56))
		acc <<= 8
	}
	e.out = out
}

func stuffed(out []byte, b byte) []byte {
	if out = append(out, b); b == 0xff {
		out = append(out, 0)
	}
	return out
}
