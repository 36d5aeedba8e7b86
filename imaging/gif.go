package imaging

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/gif"
	"io"
)

// gifFacts are what decoding needs to know of a GIF.
type gifFacts struct {
	frame image.Rectangle // the first one, on the picture or in part outside of it
	at    int64           // where that is said in the file
}

// gif walks over the blocks. Up to the end of the first frame, which is all that
// is decoded, they must be sound; what follows it is only counted.
func (p *prober) gif() error {
	b, err := p.take(13)
	if err != nil {
		return err
	}
	w, h, flags := int64(binary.LittleEndian.Uint16(b[6:])), int64(binary.LittleEndian.Uint16(b[8:])), b[10]
	if w > 0 && h > 0 {
		if err := p.size(w, h); err != nil {
			return err
		}
	}
	if err := p.gifTable(flags); err != nil {
		return err
	}
	g, err := p.gifFrame()
	if err != nil {
		return err
	}
	// As browsers have it: a frame of no size is as large as the picture, and one
	// that is larger than the picture is the picture.
	if g.frame.Dx() == 0 || g.frame.Dy() == 0 {
		g.frame.Max = g.frame.Min.Add(image.Pt(int(w), int(h)))
	}
	if fw, fh := int64(g.frame.Dx()), int64(g.frame.Dy()); fw > w || fh > h {
		w, h = fw, fh
		g.frame = g.frame.Sub(g.frame.Min)
	}
	if err := p.size(w, h); err != nil {
		return err
	}
	p.h.gif = g
	// The decoder's frame, and a second one when its rows are interlaced.
	p.h.decodeBytes = 2 * int64(g.frame.Dx()) * int64(g.frame.Dy())
	for {
		if _, err := p.gifFrame(); err != nil {
			return nil
		}
		p.h.frames++
	}
}

// decodeGIF decodes the first frame, as if it were all of the picture, and returns
// what of it is on the picture. Go's decoder wants frames to be within.
func decodeGIF(r *sourceReader, h *header) (image.Image, error) {
	g := h.gif
	var head [13]byte
	var frame [9]byte
	if err := readFullAt(r, head[:], 0); err != nil {
		return nil, err
	}
	if err := readFullAt(r, frame[:], g.at); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.AppendUint16(nil, uint16(g.frame.Dx()))
	size = binary.LittleEndian.AppendUint16(size, uint16(g.frame.Dy()))
	copy(head[6:], size)
	copy(frame[:], append([]byte{0, 0, 0, 0}, size...))
	img, err := gif.Decode(io.MultiReader(
		bytes.NewReader(head[:]), span{int64(len(head)), g.at - int64(len(head))}.reader(r),
		bytes.NewReader(frame[:]), span{g.at + int64(len(frame)), r.src.Size()}.reader(r)))
	m, ok := img.(*image.Paletted)
	if err != nil || !ok {
		return nil, err
	}
	m.Rect = m.Rect.Add(g.frame.Min)
	return m.SubImage(image.Rect(0, 0, h.width, h.height)), nil
}

// gifFrame walks to the end of the next frame.
func (p *prober) gifFrame() (gifFacts, error) {
	var g gifFacts
	for {
		kind, err := p.byte()
		if err != nil {
			return g, err
		}
		switch kind {
		case 0x21: // extension: a label, then data
			if err := p.skip(1); err != nil {
				return g, err
			}
			if err := p.gifBlocks(); err != nil {
				return g, err
			}
		case 0x2c: // frame: place, size, flags, table, code size, data
			g.at = p.off
			b, err := p.take(9)
			if err != nil {
				return g, err
			}
			x, y := int(binary.LittleEndian.Uint16(b)), int(binary.LittleEndian.Uint16(b[2:]))
			w, h := int(binary.LittleEndian.Uint16(b[4:])), int(binary.LittleEndian.Uint16(b[6:]))
			g.frame = image.Rectangle{Min: image.Pt(x, y), Max: image.Pt(x+w, y+h)}
			if err := p.gifTable(b[8]); err != nil {
				return g, err
			}
			if err := p.skip(1); err != nil {
				return g, err
			}
			return g, p.gifBlocks()
		case 0x3b:
			return g, invalid("it holds no picture")
		default:
			return g, invalid("it has an unknown block")
		}
	}
}

// gifTable skips the colour table that flags announce.
func (p *prober) gifTable(flags byte) error {
	if flags&0x80 == 0 {
		return nil
	}
	return p.skip(3 << (flags&7 + 1))
}

// gifBlocks skips data blocks up to the empty one that ends them.
func (p *prober) gifBlocks() error {
	for {
		n, err := p.byte()
		if err != nil || n == 0 {
			return err
		}
		if err := p.skip(int64(n)); err != nil {
			return err
		}
	}
}
