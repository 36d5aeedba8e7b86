package imaging

import (
	"encoding/binary"
	"image"
	"io"

	"revela/imaging/internal/bmp"
)

// bmpFacts are what decoding needs to know of a bitmap.
type bmpFacts struct {
	bmp.Layout
	dataAt int64 // where its pixels begin
}

// The headers of bitmaps by their size in bytes, after the file's own of 14.
const (
	bmpCore  = 12 // of OS/2 1
	bmpInfo  = 40
	bmpMasks = 52 // and more: they contain the masks
	bmpAlpha = 56 // and more: that of alpha too
	bmpOS2   = 64 // of OS/2 2, or only its first 16 bytes
	bmpV5    = 124
)

// bmp reads the headers of a bitmap.
func (p *prober) bmp() error {
	const fileHeader = 14
	b, err := p.peek(fileHeader + bmpCore)
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	dataAt, size := int64(le.Uint32(b[10:])), int(le.Uint32(b[fileHeader:]))
	if size < bmpCore || size > bmpV5 || size > bmpCore && size < 16 {
		return unsupported("BMP with a header of %d bytes; save it as PNG", uint32(size))
	}
	if b, err = p.peek(fileHeader + size); err != nil {
		return err
	}
	// Fields that a short header does not have are zero.
	dib := make([]byte, bmpV5)
	copy(dib, b[fileHeader:])
	w, h, bits := int64(int32(le.Uint32(dib[4:]))), int64(int32(le.Uint32(dib[8:]))), int(le.Uint16(dib[14:]))
	if size == bmpCore {
		w, h, bits = int64(le.Uint16(dib[4:])), int64(le.Uint16(dib[6:])), int(le.Uint16(dib[10:]))
		clear(dib[4:])
	}
	f := &bmpFacts{dataAt: dataAt}
	p.h.bmp = f
	if h < 0 {
		f.TopDown, h = true, -h
	}
	if err := p.size(w, h); err != nil {
		return err
	}
	f.W, f.H, f.Bits = p.h.width, p.h.height, bits
	compression := le.Uint32(dib[16:])
	if err := f.readCompression(compression, size == bmpOS2 || size < bmpInfo); err != nil {
		return err
	}
	tableAt := int64(fileHeader + size)
	if dataAt < tableAt {
		return invalid("its pixels begin within its header")
	}
	if f.Indexed() {
		return p.bmpIndexed(tableAt, size == bmpCore, int64(le.Uint32(dib[32:])))
	}
	if masked := compression == bmpBitFields || compression == bmpAlphaBitFields; masked {
		n := 3
		if size >= bmpAlpha || compression == bmpAlphaBitFields {
			n = 4
		}
		masks := dib[bmpInfo:]
		if size < bmpMasks { // they follow the header
			if b, err = p.peek(int(tableAt) + 4*n); err != nil {
				return err
			}
			masks = b[tableAt:]
		}
		for c := range n {
			f.Masks[c] = le.Uint32(masks[4*c:])
		}
	}
	if f.Masks[0]|f.Masks[1]|f.Masks[2] == 0 && bits != 24 {
		return invalid("nothing of its pixels is a colour")
	}
	const embedded = "DEBM"
	if size == bmpV5 && string(dib[56:60]) == embedded {
		p.h.profile = []span{{fileHeader + int64(le.Uint32(dib[112:])), int64(le.Uint32(dib[116:]))}}
	}
	p.h.opaque = f.Masks[3] == 0
	return p.bmpData()
}

// The ways to store pixels, as bitmaps number them.
const (
	bmpPlain, bmpRuns8, bmpRuns4, bmpBitFields        = 0, 1, 2, 3
	bmpJPEG, bmpPNG, bmpAlphaBitFields                = 4, 5, 6
	bmpOS2Fax, bmpOS2Runs24                    uint32 = 3, 4
)

// readCompression finds out how pixels are stored, which OS/2 numbers in its own way.
func (f *bmpFacts) readCompression(kind uint32, os2 bool) error {
	known := map[int][]uint32{
		1: {bmpPlain}, 2: {bmpPlain}, 4: {bmpPlain, bmpRuns4}, 8: {bmpPlain, bmpRuns8}, 24: {bmpPlain},
		16: {bmpPlain, bmpBitFields, bmpAlphaBitFields}, 32: {bmpPlain, bmpBitFields, bmpAlphaBitFields},
	}
	switch {
	case os2 && kind == bmpOS2Fax:
		return unsupported("BMP with the compression of fax machines; save it as PNG")
	case os2 && kind == bmpOS2Runs24:
		return unsupported("BMP with compressed colours; save it as PNG")
	case kind == bmpJPEG, kind == bmpPNG:
		return unsupported("BMP that contains a JPEG or PNG; save it as that")
	}
	ways, ok := known[f.Bits]
	if !ok {
		return unsupported("BMP with %d bits a pixel; save it as PNG", f.Bits)
	}
	for _, way := range ways {
		if way != kind {
			continue
		}
		f.Runs = kind == bmpRuns8 || kind == bmpRuns4
		switch {
		case kind == bmpPlain && f.Bits == 16:
			f.Masks = [4]uint32{0x7c00, 0x3e0, 0x1f}
		case kind == bmpPlain && f.Bits == 32:
			f.Masks = [4]uint32{0xff0000, 0xff00, 0xff}
		}
		return nil
	}
	return unsupported("BMP with %d bits a pixel and compression %d; save it as PNG", f.Bits, kind)
}

// bmpIndexed reads a table of colours, which ends where the pixels begin at the
// latest. Those that it does not have are black.
func (p *prober) bmpIndexed(at int64, short bool, used int64) error {
	f := p.h.bmp
	each := int64(4)
	if short {
		each = 3
	}
	n := int64(1) << f.Bits
	if used > 0 {
		n = min(n, used)
	}
	n = min(n, (f.dataAt-at)/each)
	b, err := p.peek(int(at + n*each))
	if err != nil {
		return err
	}
	f.Palette = new([256][3]byte)
	for i := range n {
		c := b[at+i*each:]
		f.Palette[i] = [3]byte{c[2], c[1], c[0]}
	}
	p.h.opaque = true
	return p.bmpData()
}

// bmpData checks that the pixels are there, as far as can be told.
func (p *prober) bmpData() error {
	f := p.h.bmp
	if end := f.dataAt + f.Bytes(); !f.Runs && end > p.cursor.size || f.dataAt >= p.cursor.size {
		return io.ErrUnexpectedEOF
	}
	p.h.decodeBytes = f.Memory()
	return nil
}

func decodeBMP(r *sourceReader, h *header) (image.Image, error) {
	at := span{h.bmp.dataAt, r.src.Size() - h.bmp.dataAt}
	return bmp.Decode(at.reader(r), &h.bmp.Layout)
}
