package imaging

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"

	"revela/imaging/internal/libwebp"
)

// webpFacts are what decoding needs to know of a WebP.
type webpFacts struct {
	lossy    bool
	animated bool
	frame    span            // the first frame's chunks, of an animation
	rect     image.Rectangle // where on the canvas that frame belongs
	alpha    bool            // that frame has an alpha chunk
}

// webpChunk is one chunk's name and body.
type webpChunk struct {
	id   string
	body span
}

// webp walks over the chunks. In an animation it looks into the first frame,
// which is all that is decoded.
func (p *prober) webp() error {
	b, err := p.take(12)
	if err != nil {
		return err
	}
	end := 8 + int64(binary.LittleEndian.Uint32(b[4:]))
	if end > p.cursor.size {
		return io.ErrUnexpectedEOF
	}
	var canvas, sawImage, sawExif bool
	frames := 0
	for p.off+8 <= end && !(sawImage && !canvas) {
		c, err := p.webpChunk(end)
		if err != nil {
			return err
		}
		switch c.id {
		case "VP8X":
			if canvas || sawImage {
				return invalid("its extended header is out of place")
			}
			canvas = true
			err = p.webpCanvas(c.body)
		case "VP8 ", "VP8L":
			if sawImage {
				break // the decoder takes the first
			}
			sawImage = true
			err = p.webpImage(c, !canvas)
		case "ANMF":
			frames++
			p.h.frames = frames
			if sawImage {
				break
			}
			sawImage = true
			err = p.webpFrame(c.body)
		case "ICCP":
			if p.h.profile == nil {
				p.h.profile = []span{c.body}
			}
		case "EXIF":
			if !sawExif {
				sawExif = true
				body := c.body
				if rest, ok := p.after(body, "Exif\x00\x00"); ok {
					body = rest
				}
				p.h.orientation = exifOrientation(body.reader(p.src))
			}
		}
		if err != nil {
			return err
		}
		// Chunks are padded to even lengths; some writers forget the last.
		next := c.body.off + c.body.len + c.body.len&1
		if err := p.skip(min(next, end) - p.off); err != nil {
			return err
		}
	}
	if !sawImage {
		return invalid("it holds no picture")
	}
	return nil
}

// webpChunk reads the head of a chunk that must lie before end.
func (p *prober) webpChunk(end int64) (webpChunk, error) {
	b, err := p.take(8)
	if err != nil {
		return webpChunk{}, err
	}
	c := webpChunk{string(b[:4]), span{p.off, int64(binary.LittleEndian.Uint32(b[4:]))}}
	if c.body.off+c.body.len > end {
		return webpChunk{}, io.ErrUnexpectedEOF
	}
	return c, nil
}

func uint24(b []byte) int64 { return int64(b[0]) | int64(b[1])<<8 | int64(b[2])<<16 }

// webpCanvas reads the extended header.
func (p *prober) webpCanvas(body span) error {
	if body.len < 10 {
		return invalid("its extended header is too short")
	}
	b, err := p.peek(10)
	if err != nil {
		return err
	}
	p.h.webp.animated = b[0]&0x02 != 0
	return p.size(uint24(b[4:])+1, uint24(b[7:])+1)
}

// webpFrame reads the head of an animation's frame and finds its picture.
func (p *prober) webpFrame(body span) error {
	const headLen = 16
	if !p.h.webp.animated || body.len < headLen {
		return invalid("its frame is out of place")
	}
	b, err := p.take(headLen)
	if err != nil {
		return err
	}
	x, y := 2*int(uint24(b)), 2*int(uint24(b[3:]))
	w, h := int(uint24(b[6:]))+1, int(uint24(b[9:]))+1
	p.h.webp.rect = image.Rect(x, y, x+w, y+h)
	if !p.h.webp.rect.In(image.Rect(0, 0, p.h.width, p.h.height)) {
		return invalid("its first frame is larger than the picture")
	}
	end := body.off + body.len
	p.h.webp.frame = span{p.off, end - p.off}
	for p.off+8 <= end {
		c, err := p.webpChunk(end)
		if err != nil {
			return err
		}
		switch c.id {
		case "ALPH":
			p.h.webp.alpha = true
		case "VP8 ", "VP8L":
			return p.webpImage(c, false)
		}
		if err := p.skip(min(c.body.off+c.body.len+c.body.len&1, end) - p.off); err != nil {
			return err
		}
	}
	return invalid("its first frame holds no picture")
}

// webpImage reads the size in the bitstream. alone says that it is the size of
// the picture; otherwise it must agree with what is known already.
func (p *prober) webpImage(c webpChunk, alone bool) error {
	var w, h int64
	if c.id == "VP8 " {
		if c.body.len < 10 {
			return invalid("its bitstream is too short")
		}
		b, err := p.peek(10)
		if err != nil {
			return err
		}
		if b[0]&1 != 0 || string(b[3:6]) != "\x9d\x01\x2a" {
			return invalid("its bitstream does not begin with a key frame")
		}
		w = int64(binary.LittleEndian.Uint16(b[6:]) & 0x3fff)
		h = int64(binary.LittleEndian.Uint16(b[8:]) & 0x3fff)
		p.h.webp.lossy = true
	} else {
		if c.body.len < 5 {
			return invalid("its bitstream is too short")
		}
		b, err := p.peek(5)
		if err != nil {
			return err
		}
		if b[0] != 0x2f {
			return invalid("its bitstream does not begin with a picture")
		}
		bits := int64(binary.LittleEndian.Uint32(b[1:]))
		w, h = bits&0x3fff+1, bits>>14&0x3fff+1
	}
	if alone {
		if err := p.size(w, h); err != nil {
			return err
		}
	}
	want := p.h.webp.rect
	if !p.h.webp.animated {
		want = image.Rect(0, 0, p.h.width, p.h.height)
	}
	if int(w) != want.Dx() || int(h) != want.Dy() {
		return invalid("its two headers disagree on its size")
	}
	// Lossless: a picture of four bytes a pixel and, while transforms are undone,
	// copies of it. Lossy: planes, and an alpha plane that is decompressed as a
	// lossless picture; in a sandbox, which has the file too and for a moment twice.
	p.h.decodeBytes = 12*w*h + 4*(w+h)*16 + prefixCodes(w, h, p.cursor.size)
	if p.h.webp.lossy && alone {
		p.h.opaque = true
		p.h.decodeBytes = 2*w*h + 4*(w+h)*16
	}
	if p.h.webp.lossy {
		p.h.decodeBytes += 2*p.cursor.size + libwebp.State
	}
	return nil
}

// prefixCodes is what the prefix codes of a lossless picture take: a set of five
// for each 4 x 4 pixels at most, and of no more than 2600 sets as the decoder
// has it. A set has tables of fixed sizes, and a tree of up to 16 bytes for each
// of some 3100 symbols, of which a bit of the file can describe two.
func prefixCodes(w, h, file int64) int64 {
	sets := min((w+3)/4*((h+3)/4), 2600)
	const tables, trees, perByte = 3 << 10, 16 * 3136, 16 * 2 * 8
	return sets*tables + min(sets*trees, file*perByte)
}

// firstFrame is a still WebP file made of an animation's first frame, and its size.
func (h *header) firstFrame(src io.ReaderAt) (file io.Reader, size int) {
	f := h.webp.frame
	var head bytes.Buffer
	ext := 0
	if h.webp.alpha {
		ext = 18
	}
	head.WriteString("RIFF")
	head.Write(binary.LittleEndian.AppendUint32(nil, uint32(4+int64(ext)+f.len+f.len&1)))
	head.WriteString("WEBP")
	if h.webp.alpha {
		head.Write(webpExtended(webpAlpha, h.webp.rect.Dx(), h.webp.rect.Dy()))
	}
	// The pad byte is there even where the file ends without it.
	pad := f.len & 1
	size = head.Len() + int(f.len+pad)
	return io.MultiReader(&head, f.reader(src), bytes.NewReader(make([]byte, pad))), size
}

// Flags of the extended header.
const (
	webpAlpha   = 0x10
	webpProfile = 0x20
)

// webpExtended is an extended header chunk.
func webpExtended(flags byte, w, h int) []byte {
	b := append([]byte("VP8X\x0a\x00\x00\x00"), flags, 0, 0, 0)
	put24 := func(v int) { b = append(b, byte(v), byte(v>>8), byte(v>>16)) }
	put24(w - 1)
	put24(h - 1)
	return b
}
