package imaging

import "encoding/binary"

const pngMagic = "\x89PNG\r\n\x1a\n"

// png walks over the chunks up to IEND. Nothing compressed is inflated.
func (p *prober) png() error {
	if err := p.skip(int64(len(pngMagic))); err != nil {
		return err
	}
	var (
		depth, color, interlace   byte
		sawData, sawExif, hasTRNS bool
	)
	for first := true; ; first = false {
		b, err := p.take(8)
		if err != nil {
			return err
		}
		body := span{p.off, int64(binary.BigEndian.Uint32(b))}
		kind := string(b[4:8])
		if first {
			if kind != "IHDR" || body.len != 13 {
				return invalid("it does not begin with a PNG header")
			}
			b, err := p.peek(13)
			if err != nil {
				return err
			}
			w, h := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
			depth, color, interlace = b[8], b[9], b[12]
			if err := p.size(int64(w), int64(h)); err != nil {
				return err
			}
		}
		switch kind {
		case "IDAT":
			sawData = true
		case "tRNS":
			hasTRNS = true
		case "eXIf":
			if !sawExif {
				sawExif = true
				p.h.orientation = exifOrientation(body.reader(p.src))
			}
		case "iCCP":
			if p.h.profile == nil {
				if err := p.pngProfile(body); err != nil {
					return err
				}
			}
		case "IEND":
			if !sawData {
				return invalid("it holds no picture")
			}
			p.h.decodeBytes = pngBytes(p.h.pixels(), depth, color, hasTRNS, interlace != 0)
			return nil
		}
		const crc = 4
		if err := p.skip(body.off + body.len + crc - p.off); err != nil {
			return err
		}
	}
}

// pngProfile notes where the compressed profile of an iCCP chunk is: after a
// name of up to 79 bytes, a zero and the method of compression.
func (p *prober) pngProfile(body span) error {
	b, err := p.peek(int(min(81, body.len)))
	if err != nil {
		return err
	}
	for i, c := range b {
		if c == 0 && i+1 < len(b) && b[i+1] == 0 {
			skip := int64(i) + 2
			p.h.profile = []span{{body.off + skip, body.len - skip}}
			p.h.profileDeflate = true
			return nil
		}
	}
	return nil
}

// pngBytes is what Go's decoder takes: the type that it chooses, and the largest
// pass beside it when interlaced.
func pngBytes(pixels int64, depth, color byte, trns, interlaced bool) int64 {
	const grey, palette = 0, 3
	per := int64(4)
	switch {
	case color == palette, color == grey && !trns && depth <= 8:
		per = 1
	case color == grey && !trns:
		per = 2
	case depth == 16:
		per = 8
	}
	total := per * pixels
	if interlaced {
		total += total / 2
	}
	return total
}
