package tiff

// Colour is what the samples of a pixel are. Those after the colours are alpha or
// left out.
type Colour int

// The colours.
const (
	BlackIsZero Colour = iota
	WhiteIsZero
	RGB
	Indexed
	CMYK
)

// Channels is how many samples are a colour.
func (c Colour) Channels() int { return [...]int{1, 1, 3, 1, 4}[c] }

// Alpha is what a sample beside the colours says of transparency.
type Alpha int

// The kinds of alpha.
const (
	NoAlpha Alpha = iota
	Straight
	Multiplied // into the colours
)

// Compression is how strips and tiles are compressed.
type Compression int

// The compressions, by their numbers in files.
const (
	None     Compression = 1
	Fax3     Compression = 3
	Fax4     Compression = 4
	LZW      Compression = 5
	Deflate  Compression = 8
	PackBits Compression = 32773
)

// Compressions are all that there are.
var Compressions = []Compression{None, Fax3, Fax4, LZW, Deflate, PackBits}

// Layout says how the pixels of a picture lie in a file.
type Layout struct {
	W, H           int // pixels
	BlockW, BlockH int // of a strip or tile; those of tiles may reach beyond the picture
	Tiled          bool

	Colour    Colour
	Samples   int             // of a pixel, at least those of its colour
	Bits      int             // of a sample: 1, 2, 4, 8 or 16
	BigEndian bool            // the higher byte of a sample comes first
	Separate  bool            // each sample has strips or tiles of its own, after those of the one before
	Alpha     Alpha           // of grey and RGB
	AlphaAt   int             // the sample that is alpha, unless there is none
	Palette   *[256][3]uint16 // of Indexed

	Compression Compression
	Differences bool // samples are differences to those on their left; of 8 or 16 bits
	Reversed    bool // the bits of each byte, before it is decompressed
}

// Padded is how many pixels all strips or tiles hold, with those beyond the picture.
func (l *Layout) Padded() int64 {
	w, h := ceilDiv(l.W, l.BlockW)*l.BlockW, ceilDiv(l.H, l.BlockH)*l.BlockH
	return int64(w) * int64(h)
}

// Blocks is how many strips or tiles there are.
func (l *Layout) Blocks() int64 {
	n := int64(ceilDiv(l.W, l.BlockW)) * int64(ceilDiv(l.H, l.BlockH))
	if l.Separate {
		n *= int64(l.Samples)
	}
	return n
}

// RowBytes is how many bytes a row of a strip or tile takes, decompressed.
func (l *Layout) RowBytes() int64 { return (int64(l.BlockW)*int64(l.perPixel()*l.Bits) + 7) / 8 }

// Rows is how many rows of strip or tile i, counted from 0, are in the picture.
func (l *Layout) Rows(i int64) int64 {
	across, down := int64(ceilDiv(l.W, l.BlockW)), int64(ceilDiv(l.H, l.BlockH))
	return min(int64(l.BlockH), int64(l.H)-i/across%down*int64(l.BlockH))
}

// Memory is what Decode takes at most, in bytes.
func (l *Layout) Memory() int64 {
	return int64(l.depth())*int64(l.W)*int64(l.H) + l.RowBytes() + int64(l.BlockW*(l.perPixel()+faxRows)) + codecState
}

// perPixel is how many samples of a pixel are together.
func (l *Layout) perPixel() int {
	if l.Separate {
		return 1
	}
	return l.Samples
}

// depth is how many bytes a pixel of the image has.
func (l *Layout) depth() int {
	if l.Colour.Channels() == 1 && l.Alpha == NoAlpha {
		return 1
	}
	return 4
}

// places are the bytes of a pixel of the image that a sample becomes.
func (l *Layout) places(sample int) []int {
	switch n := l.Colour.Channels(); {
	case l.Alpha != NoAlpha && sample == l.AlphaAt:
		return []int{3}
	case sample >= n:
		return nil
	case n == 1 && l.Alpha != NoAlpha:
		return []int{0, 1, 2}
	}
	return []int{sample}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
