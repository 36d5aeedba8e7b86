package imaging

import "encoding/binary"

// gif walks over the blocks. Up to the end of the first frame, which is all that
// is decoded, they must be sound; what follows it is only counted.
func (p *prober) gif() error {
	b, err := p.take(13)
	if err != nil {
		return err
	}
	if err := p.size(int64(binary.LittleEndian.Uint16(b[6:])), int64(binary.LittleEndian.Uint16(b[8:]))); err != nil {
		return err
	}
	// The decoder's frame, and a second one when its rows are interlaced.
	p.h.decodeBytes = 2 * p.h.pixels()
	if err := p.gifTable(b[10]); err != nil {
		return err
	}
	if err := p.gifFrame(); err != nil {
		return err
	}
	for p.gifFrame() == nil {
		p.h.frames++
	}
	return nil
}

// gifFrame walks to the end of the next frame.
func (p *prober) gifFrame() error {
	for {
		kind, err := p.byte()
		if err != nil {
			return err
		}
		switch kind {
		case 0x21: // extension: a label, then data
			if err := p.skip(1); err != nil {
				return err
			}
			if err := p.gifBlocks(); err != nil {
				return err
			}
		case 0x2c: // frame: place, size, flags, table, code size, data
			b, err := p.take(9)
			if err != nil {
				return err
			}
			if err := p.gifTable(b[8]); err != nil {
				return err
			}
			if err := p.skip(1); err != nil {
				return err
			}
			return p.gifBlocks()
		case 0x3b:
			return invalid("it holds no picture")
		default:
			return invalid("it has an unknown block")
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
