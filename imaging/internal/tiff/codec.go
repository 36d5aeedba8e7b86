package tiff

import (
	"bufio"
	"errors"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zlib"
	"golang.org/x/image/ccitt"
	"golang.org/x/image/tiff/lzw"
)

// What decompressors take: bytes, and rows of a byte for each pixel.
const (
	codecState = 128 << 10
	faxRows    = 2
)

// codec decompresses one strip or tile after another.
type codec struct {
	*Layout
	in      *bufio.Reader
	inflate io.ReadCloser
}

// open returns the rows of a strip or tile, of which the given number are wanted.
func (c *codec) open(packed io.Reader, rows int) (io.Reader, error) {
	if c.Reversed {
		packed = reversed{packed}
	}
	if c.in == nil {
		c.in = bufio.NewReaderSize(packed, 16<<10)
	} else {
		c.in.Reset(packed)
	}
	switch c.Compression {
	case Fax3:
		return c.fax(ccitt.Group3, rows), nil
	case Fax4:
		return c.fax(ccitt.Group4, rows), nil
	case LZW:
		return lzw.NewReader(c.in, lzw.MSB, 8), nil
	case Deflate:
		return c.inflater()
	case PackBits:
		return &packBits{in: c.in}, nil
	}
	return c.in, nil
}

// fax makes zeros of what is white.
func (c *codec) fax(kind ccitt.SubFormat, rows int) io.Reader {
	return ccitt.NewReader(c.in, ccitt.MSB, kind, c.BlockW, rows, &ccitt.Options{Invert: true})
}

func (c *codec) inflater() (io.Reader, error) {
	if c.inflate != nil {
		return c.inflate, c.inflate.(zlib.Resetter).Reset(c.in, nil)
	}
	var err error
	c.inflate, err = zlib.NewReader(c.in)
	return c.inflate, err
}

// close checks, after the last row that is wanted of it, that a strip or tile was
// not damaged. What follows those rows does not matter, nor that an end is missing.
func (c *codec) close(r io.Reader) error {
	if c.Compression != Deflate {
		return nil
	}
	var b [1]byte
	if _, err := r.Read(b[:]); errors.Is(err, zlib.ErrChecksum) {
		return err
	}
	return nil
}

// reversed has the bits of each byte in the other order.
type reversed struct{ r io.Reader }

func (r reversed) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	for i, b := range p[:n] {
		p[i] = bits.Reverse8(b)
	}
	return n, err
}

// packBits are runs of bytes: some as they are, or one that is repeated.
type packBits struct {
	in     *bufio.Reader
	left   int  // bytes of the present run
	repeat bool // they are all value
	value  byte
}

func (p *packBits) Read(dst []byte) (int, error) {
	for p.left == 0 {
		head, err := p.in.ReadByte()
		if err != nil {
			return 0, err
		}
		switch n := int(int8(head)); {
		case n >= 0:
			p.left, p.repeat = n+1, false
		case n > -128: // which does nothing
			p.left, p.repeat = 1-n, true
			if p.value, err = p.in.ReadByte(); err != nil {
				return 0, err
			}
		}
	}
	dst = dst[:min(len(dst), p.left)]
	if !p.repeat {
		n, err := p.in.Read(dst)
		p.left -= n
		return n, err
	}
	for i := range dst {
		dst[i] = p.value
	}
	p.left -= len(dst)
	return len(dst), nil
}
