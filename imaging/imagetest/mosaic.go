package imagetest

import (
	"encoding/binary"
	"math/bits"
)

// Mosaic describes a JPEG of a kind that Go's encoder cannot write. Every block
// of 8 x 8 pixels has one colour.
type Mosaic struct {
	Across, Down int                            // blocks; even if Half
	Components   int                            // 1, 3 or 4
	At           func(component, x, y int) byte // the value of a block of a component
	Half         bool                           // components 1 and 2 have half of the blocks each way
	Progressive  bool
	ExtraScans   int    // empty passes, of a progressive one
	Adobe        int    // the transform that an Adobe marker says, -1 for no marker
	IDs          string // component ids; "" is 1, 2, 3, …
}

// JPEG writes the file.
//
// Its tables are the simplest: nothing is quantized, a DC difference of n bits
// has the n-th 4-bit code, and the only AC symbol is "no more".
func (m Mosaic) JPEG() []byte {
	b := []byte{0xff, 0xd8}
	segment := func(marker byte, body ...byte) {
		b = append(b, 0xff, marker)
		b = binary.BigEndian.AppendUint16(b, uint16(len(body)+2))
		b = append(b, body...)
	}
	if m.Adobe >= 0 {
		segment(0xee, append([]byte("Adobe\x00\x64\x00\x00\x00\x00"), byte(m.Adobe))...)
	}
	quant := make([]byte, 65)
	for i := 1; i < len(quant); i++ {
		quant[i] = 1
	}
	segment(0xdb, quant...)

	frame := binary.BigEndian.AppendUint16([]byte{8}, uint16(8*m.Down))
	frame = binary.BigEndian.AppendUint16(frame, uint16(8*m.Across))
	frame = append(frame, byte(m.Components))
	for c := range m.Components {
		frame = append(frame, m.id(c), m.side(c)<<4|m.side(c), 0)
	}
	sof, last := byte(0xc0), byte(63)
	if m.Progressive {
		sof, last = 0xc2, 0
	}
	segment(sof, frame...)
	// Tables say how many codes there are of 1, 2, … 16 bits, then list them.
	segment(0xc4, 0x00, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	segment(0xc4, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

	scan := []byte{byte(m.Components)}
	for c := range m.Components {
		scan = append(scan, m.id(c), 0)
	}
	segment(0xda, append(scan, 0, last, 0)...)
	b = append(b, m.blocks()...)
	if m.Progressive {
		for i := range m.Components + m.ExtraScans {
			c := i % m.Components
			segment(0xda, 1, m.id(c), 0, 1, 63, 0)
			var w bitWriter
			for range m.Across * m.Down / (m.half(c) * m.half(c)) {
				w.put(0, 1)
			}
			b = append(b, w.flush()...)
		}
	}
	return append(b, 0xff, 0xd9)
}

func (m Mosaic) id(c int) byte {
	if m.IDs != "" {
		return m.IDs[c]
	}
	return byte(c + 1)
}

// side is a component's blocks each way in a minimum coded unit.
func (m Mosaic) side(c int) byte {
	if m.Half && (c == 0 || c == 3) {
		return 2
	}
	return 1
}

// half is by what a component's resolution is divided.
func (m Mosaic) half(c int) int {
	if m.Half && (c == 1 || c == 2) {
		return 2
	}
	return 1
}

// blocks is the entropy-coded data of the scan with all components.
func (m Mosaic) blocks() []byte {
	unit := 1
	if m.Half {
		unit = 2
	}
	var w bitWriter
	prev := make([]int, m.Components)
	for uy := range m.Down / unit {
		for ux := range m.Across / unit {
			for c := range m.Components {
				n := int(m.side(c))
				for i := range n * n {
					// The mean of a block is an eighth of its DC value.
					dc := 8 * (int(m.At(c, ux*n+i%n, uy*n+i/n)) - 128)
					w.dc(dc - prev[c])
					prev[c] = dc
					if !m.Progressive {
						w.put(0, 1)
					}
				}
			}
		}
	}
	return w.flush()
}

// bitWriter writes entropy-coded data.
type bitWriter struct {
	out []byte
	acc uint32
	n   uint
}

func (w *bitWriter) put(v uint32, n uint) {
	for i := int(n) - 1; i >= 0; i-- {
		w.acc = w.acc<<1 | v>>i&1
		if w.n++; w.n == 8 {
			w.out = append(w.out, byte(w.acc))
			if byte(w.acc) == 0xff {
				w.out = append(w.out, 0)
			}
			w.acc, w.n = 0, 0
		}
	}
}

// dc writes a difference: how many bits it has, then the bits.
func (w *bitWriter) dc(diff int) {
	size := uint(bits.Len(uint(max(diff, -diff))))
	w.put(uint32(size), 4)
	w.value(diff, size)
}

// value writes a number of size bits: those of a negative one are those of its
// predecessor.
func (w *bitWriter) value(v int, size uint) {
	if v < 0 {
		v--
	}
	w.put(uint32(v)&(1<<size-1), size)
}

// flush pads the last byte with ones.
func (w *bitWriter) flush() []byte {
	for w.n > 0 {
		w.put(1, 1)
	}
	return w.out
}
