package bmp

import "math/bits"

// Layout says how the pixels of a bitmap lie in its file.
type Layout struct {
	W, H    int // pixels
	TopDown bool
	Bits    int // of a pixel: 1, 2, 4 or 8 of an index, or 16, 24 or 32 of a colour
	Runs    bool
	Palette *[256][3]byte // red, green, blue; of indexes
	Masks   [4]uint32     // the bits that are red, green, blue and alpha; of 16 and 32 bits
}

// Indexed reports whether pixels are indexes of colours.
func (l *Layout) Indexed() bool { return l.Bits <= 8 }

// RowBytes is how many bytes a row takes in the file, unless it is runs.
func (l *Layout) RowBytes() int64 { return (int64(l.W)*int64(l.Bits) + 31) / 32 * 4 }

// Bytes is how many bytes the pixels take in the file, unless they are runs. The
// last row need not be filled up.
func (l *Layout) Bytes() int64 {
	return l.RowBytes()*int64(l.H-1) + (int64(l.W)*int64(l.Bits)+7)/8
}

// Memory is what Decode takes at most, in bytes.
func (l *Layout) Memory() int64 {
	const buffers = 64 << 10
	per := int64(4)
	if l.Indexed() {
		per = 1
	}
	return per*int64(l.W)*int64(l.H) + l.RowBytes() + buffers
}

// field is where a channel is in a pixel.
type field struct {
	mask  uint32
	shift int
	most  uint32 // its largest value
}

func newField(mask uint32) field {
	shift := bits.TrailingZeros32(mask)
	return field{mask, shift, mask >> shift}
}

// of is the channel of a pixel, 0 to 255.
func (f field) of(pixel uint32) byte {
	return byte((uint64(pixel&f.mask>>f.shift)*255 + uint64(f.most)/2) / uint64(f.most))
}
