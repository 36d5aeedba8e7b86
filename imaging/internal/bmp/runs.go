package bmp

import (
	"bufio"
	"io"
)

// runs reads runs of indexes of 8 or 4 bits. Pixels that none covers have the
// index 0, and what is outside of the picture is left out.
func (l *Layout) runs(in *bufio.Reader, pix []byte) error {
	x, y := 0, 0
	put := func(index byte) {
		if x < l.W && y < l.H {
			pix[l.row(y)*l.W+x] = index
		}
		x++
	}
	for {
		n, value, err := pair(in)
		if err == io.EOF && (y >= l.H || y == l.H-1 && x >= l.W) {
			return nil // without the mark of the end
		}
		if err != nil {
			return early(err)
		}
		if n > 0 {
			for i := range int(n) {
				put(l.part(value, i))
			}
			continue
		}
		switch value {
		case 0: // end of the row
			x, y = 0, y+1
		case 1: // end of the picture
			return nil
		case 2:
			dx, dy, err := pair(in)
			if err != nil {
				return early(err)
			}
			x, y = x+int(dx), y+int(dy)
		default: // indexes as they are, in an even number of bytes
			var bytes [256]byte
			used := bytes[:(int(value)*l.Bits+15)/16*2]
			if _, err := io.ReadFull(in, used); err != nil {
				return early(err)
			}
			for i := range int(value) {
				put(l.part(used[i*l.Bits/8], i))
			}
		}
	}
}

// part is the i-th index of those that alternate in a byte.
func (l *Layout) part(b byte, i int) byte {
	switch {
	case l.Bits == 8:
		return b
	case i%2 == 0:
		return b >> 4
	}
	return b & 15
}

func pair(in *bufio.Reader) (a, b byte, err error) {
	if a, err = in.ReadByte(); err != nil {
		return 0, 0, err
	}
	if b, err = in.ReadByte(); err != nil {
		return 0, 0, early(err)
	}
	return a, b, nil
}

// early says of an end that it comes too early.
func early(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
