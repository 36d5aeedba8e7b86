package imaging

import (
	"encoding/binary"
	"io"
	"math"

	"revela/imaging/internal/codec"
)

const pngMagic = "\x89PNG\r\n\x1a\n"

// png walks over the chunks up to IEND. Nothing compressed is inflated. What follows
// the pixels may be cut off, as viewers bear it.
func (p *prober) png() error {
	if err := p.skip(int64(len(pngMagic))); err != nil {
		return err
	}
	var (
		depth, color, interlace   byte
		sawData, sawExif, hasTRNS bool
		hasCICP                   bool
	)
	end := func() error {
		if !sawData {
			return invalid("it holds no picture")
		}
		const alpha, palette = 4, 3
		p.h.opaque = color&alpha == 0 && color != palette && !hasTRNS
		p.h.decodeBytes = pngBytes(p.h.pixels(), depth, color, hasTRNS, interlace != 0)
		return nil
	}
	for first := true; ; first = false {
		b, err := p.take(8)
		if err == io.ErrUnexpectedEOF && sawData {
			return end()
		}
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
		case "acTL":
			b, err := p.peek(4)
			if err != nil {
				return err
			}
			p.h.frames = max(1, int(binary.BigEndian.Uint32(b)&math.MaxInt32))
		case "cICP", "gAMA", "cHRM", "sRGB":
			b, err := p.peek(int(min(body.len, 32)))
			if err != nil {
				return err
			}
			p.h.pngColour(kind, b)
			if kind == "cICP" && p.h.cicp != nil { // it counts more than a profile
				hasCICP, p.h.profile = true, nil
			}
		case "iCCP":
			if p.h.profile == nil && !hasCICP {
				if err := p.pngProfile(body); err != nil {
					return err
				}
			}
		case "IEND":
			return end()
		}
		const crc, ancillary = 4, 0x20
		switch err := p.skip(body.off + body.len + crc - p.off); {
		case err == nil:
		case sawData && (kind[0]&ancillary != 0 || body.off+body.len <= p.cursor.size):
			return end()
		default:
			return err
		}
	}
}

// pngColour reads a chunk that says what colours are. One of a wrong length is as
// good as none.
func (h *header) pngColour(kind string, b []byte) {
	switch {
	case kind == "cICP" && len(b) == 4 && b[2] == matrixIdentity:
		h.cicp = &codec.Colour{Primaries: int(b[0]), Transfer: int(b[1]), FullRange: b[3] == 1}
	case kind == "sRGB":
		h.png.srgb = true
	case kind == "gAMA" && len(b) == 4:
		h.png.gamma = float64(binary.BigEndian.Uint32(b)) / 100_000
	case kind == "cHRM" && len(b) == 32:
		h.png.chroma = new([8]float64)
		for i := range h.png.chroma {
			h.png.chroma[i] = float64(binary.BigEndian.Uint32(b[4*i:])) / 100_000
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
