package imagetest

import (
	"encoding/binary"
	"image"
	"image/color"
	"slices"
)

// BMPFile is a bitmap of a kind that Go's encoder cannot write.
type BMPFile struct {
	Image       image.Image
	Pixel       func(c color.NRGBA) uint32 // an index or a colour of Bits bits
	Bits        int
	Header      int // bytes: 12, 40, 52, 56, 64, 108 or 124
	Compression uint32
	TopDown     bool
	Palette     []color.NRGBA
	Masks       []uint32 // in the header, or after one that has no room for them
	Runs        []byte   // in place of the pixels
}

// BMP writes the file.
func (f BMPFile) BMP() []byte {
	le := binary.LittleEndian
	w, h := f.Image.Bounds().Dx(), f.Image.Bounds().Dy()
	dib := make([]byte, f.Header)
	le.PutUint32(dib, uint32(f.Header))
	if f.Header == 12 {
		for i, v := range []int{w, h, 1, f.Bits} {
			le.PutUint16(dib[4+2*i:], uint16(v))
		}
	} else {
		height := uint32(h)
		if f.TopDown {
			height = -height
		}
		le.PutUint32(dib[4:], uint32(w))
		le.PutUint32(dib[8:], height)
		le.PutUint16(dib[12:], 1)
		le.PutUint16(dib[14:], uint16(f.Bits))
		if f.Header > 16 {
			le.PutUint32(dib[16:], f.Compression)
			le.PutUint32(dib[32:], uint32(len(f.Palette)))
		}
	}
	for i, mask := range f.Masks {
		if f.Header >= 40+4*len(f.Masks) {
			le.PutUint32(dib[40+4*i:], mask)
		} else {
			dib = le.AppendUint32(dib, mask)
		}
	}
	for _, c := range f.Palette {
		dib = append(dib, c.B, c.G, c.R)
		if f.Header > 12 {
			dib = append(dib, 0)
		}
	}
	file := le.AppendUint32([]byte("BM\x00\x00\x00\x00\x00\x00\x00\x00"), uint32(14+len(dib)))
	file = append(file, dib...)
	if f.Runs != nil {
		return append(file, f.Runs...)
	}
	return append(file, f.pixels(w, h)...)
}

func (f BMPFile) pixels(w, h int) (all []byte) {
	var rows [][]byte
	for y := range h {
		row := make([]byte, (w*f.Bits+31)/32*4+4)
		for x := range w {
			v := f.Pixel(color.NRGBAModel.Convert(f.Image.At(x, y)).(color.NRGBA))
			if f.Bits < 8 {
				row[x*f.Bits/8] |= byte(v << (8 - f.Bits - x*f.Bits%8))
			} else {
				for i := range f.Bits / 8 {
					row[x*f.Bits/8+i] = byte(v >> (8 * i))
				}
			}
		}
		rows = append(rows, row[:len(row)-4])
	}
	if !f.TopDown {
		slices.Reverse(rows)
	}
	return slices.Concat(rows...)
}
