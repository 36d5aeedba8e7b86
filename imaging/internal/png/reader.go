package png

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zlib"
)

const magic = "\x89PNG\r\n\x1a\n"

// errOdd is the answer to everything that is not plainly one of the kinds.
var errOdd = errors.New("png: of a rare kind, or broken")

// Kind is how the samples of a row lie, in bytes.
type Kind int

// The kinds. Deep ones have 16 bits a sample, the higher byte first.
const (
	Grey Kind = iota
	GreyAlpha
	RGB
	RGBA
	DeepRGB
	DeepRGBA
	Indexed // into the palette, a byte for each pixel whatever the file has
)

// kinds are the color types and depths that make a kind.
var kinds = map[[2]byte]Kind{
	{8, 0}: Grey, {8, 4}: GreyAlpha, {8, 2}: RGB, {8, 6}: RGBA, {16, 2}: DeepRGB, {16, 6}: DeepRGBA,
	{1, 3}: Indexed, {2, 3}: Indexed, {4, 3}: Indexed, {8, 3}: Indexed,
}

// Bytes is how many a pixel takes.
func (k Kind) Bytes() int { return [...]int{1, 2, 3, 4, 6, 8, 1}[k] }

// Palette is colours with alpha not multiplied in. Those that a file does not
// define are opaque black.
type Palette [256][4]byte

// Reader reads the rows of one picture. It is for one goroutine.
type Reader struct {
	W, H    int // pixels
	Kind    Kind
	Palette *Palette // nil but for Indexed

	depth     int
	chunks    *chunks
	packed    *bufio.Reader // the bodies of all IDAT
	data      io.ReadCloser // packed, inflated
	cur, prev []byte        // a row after its filter's byte, and the one before
	unpacked  []byte        // a row of Indexed with less than 8 bits a pixel
}

// NewReader reads what comes before the pixels. The caller has checked that a
// picture of w x h pixels, which it must be, is within bounds.
func NewReader(src *bufio.Reader, w, h int) (*Reader, error) {
	c := &chunks{src: src, crc: crc32.NewIEEE()}
	r := &Reader{W: w, H: h, chunks: c, packed: bufio.NewReaderSize(&idat{c}, 32<<10)}
	err := r.head()
	if err != nil {
		return nil, err
	}
	if r.data, err = zlib.NewReader(r.packed); err != nil {
		return nil, err
	}
	bits := r.Kind.Bytes() * 8
	if r.Kind == Indexed {
		bits = r.depth
		if bits < 8 {
			r.unpacked = make([]byte, w)
		}
	}
	size := 1 + (w*bits+7)/8
	r.cur, r.prev = make([]byte, size), make([]byte, size)
	return r, nil
}

// Row returns the next of H rows, valid until the next call.
func (r *Reader) Row() ([]byte, error) {
	r.cur, r.prev = r.prev, r.cur
	if _, err := io.ReadFull(r.data, r.cur); err != nil {
		return nil, err
	}
	if !unfilter(r.cur[0], r.cur[1:], r.prev[1:], r.Kind.Bytes()) {
		return nil, errOdd
	}
	if r.unpacked == nil {
		return r.cur[1:], nil
	}
	unpack(r.unpacked, r.cur[1:], r.depth)
	return r.unpacked, nil
}

// End reports, after the last row, whether there are as many pixels as there should
// be, and all sound. What follows them may be cut off.
func (r *Reader) End() error {
	if n, err := io.ReadFull(r.data, r.cur[:1]); n != 0 || err != io.EOF {
		return errOdd
	}
	if _, err := io.Copy(io.Discard, r.packed); err != nil {
		return err
	}
	for c := r.chunks; c.kind != "IEND"; {
		err := c.close()
		if err == nil {
			err = c.next()
		}
		if isEnd(err) {
			return nil
		}
		if err != nil || c.kind == "IDAT" {
			return errOdd
		}
	}
	return nil
}

// unpack makes bytes of indexes of 1, 2 or 4 bits.
func unpack(dst, src []byte, depth int) {
	per, mask := 8/depth, byte(1<<depth-1)
	for i := range dst {
		dst[i] = src[i/per] >> (8 - depth - i%per*depth) & mask
	}
}

// head reads all chunks up to the first IDAT, and its head.
func (r *Reader) head() error {
	c := r.chunks
	var b [len(magic)]byte
	if _, err := io.ReadFull(c.src, b[:]); err != nil || string(b[:]) != magic {
		return errOdd
	}
	for first := true; ; first = false {
		err := c.next()
		if err != nil {
			return err
		}
		switch {
		case first != (c.kind == "IHDR"):
			return errOdd
		case c.kind == "IDAT":
			if r.Kind == Indexed && r.Palette == nil {
				return errOdd
			}
			return nil
		case c.kind == "IHDR":
			err = r.ihdr(c)
		case c.kind == "PLTE":
			err = r.plte(c)
		case c.kind == "tRNS":
			err = r.trns(c)
		}
		if err == nil {
			err = c.close()
		}
		if err != nil {
			return err
		}
	}
}

func (r *Reader) ihdr(c *chunks) error {
	b, err := c.body(13, 13)
	if err != nil {
		return err
	}
	kind, ok := kinds[[2]byte{b[8], b[9]}]
	const plain = "\x00\x00\x00" // methods of compression and filters, and no interlacing
	if !ok || string(b[10:]) != plain ||
		int64(binary.BigEndian.Uint32(b)) != int64(r.W) || int64(binary.BigEndian.Uint32(b[4:])) != int64(r.H) {
		return errOdd
	}
	r.Kind, r.depth = kind, int(b[8])
	return nil
}

// plte reads a palette. Pictures of other kinds may have one too, as a hint.
func (r *Reader) plte(c *chunks) error {
	b, err := c.body(3, 3*256)
	if err != nil {
		return err
	}
	if len(b)%3 != 0 || r.Palette != nil {
		return errOdd
	}
	if r.Kind != Indexed {
		return nil
	}
	if len(b)/3 > 1<<r.depth {
		return errOdd
	}
	r.Palette = new(Palette)
	for i := range r.Palette {
		r.Palette[i][3] = 255
		if 3*i < len(b) {
			copy(r.Palette[i][:], b[3*i:3*i+3])
		}
	}
	return nil
}

func (r *Reader) trns(c *chunks) error {
	if r.Palette == nil {
		return errOdd // one colour that is transparent
	}
	b, err := c.body(1, 256)
	if err != nil {
		return err
	}
	for i, a := range b {
		r.Palette[i][3] = a
	}
	return nil
}

// chunks walks over a file, checking each chunk's sum.
type chunks struct {
	src  *bufio.Reader
	kind string // of the present one
	left uint32 // bytes of its body not read yet
	crc  hash.Hash32
}

// next reads the head of a chunk.
func (c *chunks) next() error {
	var b [8]byte
	if _, err := io.ReadFull(c.src, b[:]); err != nil {
		return err
	}
	c.left, c.kind = binary.BigEndian.Uint32(b[:]), string(b[4:])
	c.crc.Reset()
	c.crc.Write(b[4:])
	return nil
}

// Read reads the body.
func (c *chunks) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n, err := c.src.Read(p[:min(uint64(len(p)), uint64(c.left))])
	c.crc.Write(p[:n])
	c.left -= uint32(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// body reads all of a body that must have from least to most bytes.
func (c *chunks) body(least, most uint32) ([]byte, error) {
	if c.left < least || c.left > most {
		return nil, errOdd
	}
	b := make([]byte, c.left)
	_, err := io.ReadFull(c, b)
	return b, err
}

// close reads what is left of the body, and the sum, which is not to be wrong where
// pixels depend on the chunk.
func (c *chunks) close() error {
	if _, err := io.Copy(io.Discard, c); err != nil {
		return err
	}
	var b [4]byte
	if _, err := io.ReadFull(c.src, b[:]); err != nil {
		return err
	}
	const ancillary = 0x20
	if binary.BigEndian.Uint32(b[:]) != c.crc.Sum32() && (c.kind[0]&ancillary == 0 || c.kind == "tRNS") {
		return errOdd
	}
	return nil
}

// idat is the bodies of all IDAT chunks from the one that begins.
type idat struct{ c *chunks }

func (i *idat) Read(p []byte) (int, error) {
	for i.c.kind == "IDAT" && i.c.left == 0 {
		err := i.c.close()
		if err == nil {
			err = i.c.next()
		}
		if isEnd(err) {
			i.c.kind = "" // of none
		} else if err != nil {
			return 0, err
		}
	}
	if i.c.kind != "IDAT" {
		return 0, io.EOF
	}
	return i.c.Read(p)
}
