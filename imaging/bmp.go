package imaging

import (
	"encoding/binary"
	"io"

	"golang.org/x/image/bmp"
)

// bmp reads the two headers of a Windows bitmap.
func (p *prober) bmp() error {
	b, err := p.peek(30)
	if err != nil {
		return err
	}
	dataAt := int64(binary.LittleEndian.Uint32(b[10:]))
	dib := binary.LittleEndian.Uint32(b[14:])
	w := int64(int32(binary.LittleEndian.Uint32(b[18:])))
	h := int64(int32(binary.LittleEndian.Uint32(b[22:])))
	bits := int64(binary.LittleEndian.Uint16(b[28:]))
	if dib < 40 {
		return unsupported("BMP of the OS/2 kind; save it as PNG")
	}
	if h < 0 {
		h = -h // rows from top to bottom
	}
	if err := p.size(w, h); err != nil {
		return err
	}
	if _, err := bmp.DecodeConfig(io.NewSectionReader(p.src, 0, p.cursor.size)); err != nil {
		return err
	}
	if row := (w*bits + 31) / 32 * 4; dataAt+row*h > p.cursor.size {
		return io.ErrUnexpectedEOF
	}
	p.h.opaque = bits < 32
	p.h.decodeBytes = 4 * p.h.pixels()
	if bits <= 8 {
		p.h.decodeBytes = p.h.pixels()
	}
	return nil
}
