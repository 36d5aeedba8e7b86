package bmp

import (
	"bufio"
	"encoding/binary"
	"image"
	"image/color"
	"io"
)

// Decode returns the picture, as Paletted if pixels are indexes, else as NRGBA. r
// begins with the pixels.
func Decode(r io.Reader, l *Layout) (image.Image, error) {
	in := bufio.NewReaderSize(r, 32<<10)
	all := image.Rect(0, 0, l.W, l.H)
	if l.Indexed() {
		m := &image.Paletted{Pix: make([]byte, l.W*l.H), Stride: l.W, Rect: all}
		for _, c := range l.Palette {
			m.Palette = append(m.Palette, color.NRGBA{c[0], c[1], c[2], 255})
		}
		if l.Runs {
			return m, l.runs(in, m.Pix)
		}
		return m, l.rows(in, m.Pix, l.W, l.indexes)
	}
	m := &image.NRGBA{Pix: make([]byte, 4*l.W*l.H), Stride: 4 * l.W, Rect: all}
	convert := fromBGR
	if l.Bits != 24 {
		convert = l.colours()
	}
	if err := l.rows(in, m.Pix, m.Stride, convert); err != nil {
		return nil, err
	}
	fillAlpha(m.Pix, l.Masks[3] != 0)
	return m, nil
}

// row is where the i-th row of the file is in an image.
func (l *Layout) row(i int) int {
	if l.TopDown {
		return i
	}
	return l.H - 1 - i
}

// rows reads rows that are no runs.
func (l *Layout) rows(in io.Reader, pix []byte, stride int, convert func(dst, src []byte)) error {
	line := make([]byte, l.RowBytes())
	for i := range l.H {
		used := line
		if i == l.H-1 {
			used = line[:(l.W*l.Bits+7)/8]
		}
		switch _, err := io.ReadFull(in, used); {
		case err == io.EOF:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
		convert(pix[l.row(i)*stride:][:stride], line)
	}
	return nil
}

func (l *Layout) indexes(dst, src []byte) {
	per, mask := 8/l.Bits, byte(1<<l.Bits-1)
	for i := range dst {
		dst[i] = src[i/per] >> (8 - l.Bits - i%per*l.Bits) & mask
	}
}

func fromBGR(dst, src []byte) {
	for i, j := 0, 0; i < len(dst); i, j = i+4, j+3 {
		d, s := dst[i:i+4:i+4], src[j:j+3:j+3]
		d[0], d[1], d[2], d[3] = s[2], s[1], s[0], 255
	}
}

// colours returns what makes pixels of those of 16 or 32 bits.
func (l *Layout) colours() func(dst, src []byte) {
	var fields [4]field
	for c, mask := range l.Masks {
		fields[c] = newField(mask)
	}
	return func(dst, src []byte) {
		for i, x := 0, 0; i < len(dst); i, x = i+4, x+1 {
			var pixel uint32
			if l.Bits == 16 {
				pixel = uint32(binary.LittleEndian.Uint16(src[2*x:]))
			} else {
				pixel = binary.LittleEndian.Uint32(src[4*x:])
			}
			for c, f := range fields {
				if f.mask != 0 {
					dst[i+c] = f.of(pixel)
				}
			}
		}
	}
}

// fillAlpha makes a picture opaque that has no alpha, or nothing but transparent
// pixels: then its writer did not mean it.
func fillAlpha(pix []byte, has bool) {
	for i := 3; has && i < len(pix); i += 4 {
		if pix[i] != 0 {
			return
		}
	}
	for i := 3; i < len(pix); i += 4 {
		pix[i] = 255
	}
}
