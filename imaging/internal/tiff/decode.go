package tiff

import (
	"image"
	"image/color"
	"io"
)

// Decode returns the picture: as Gray, Paletted or CMYK where it is that, or else
// as NRGBA, or RGBA where alpha is multiplied in. next returns what is in one strip
// or tile after another, from left to right and from top to bottom.
func Decode(l *Layout, next func() (io.Reader, error)) (image.Image, error) {
	p := painter{Layout: l, codec: codec{Layout: l}}
	p.pix = make([]byte, p.depth()*l.W*l.H)
	p.raw = make([]byte, l.RowBytes())
	p.line = make([]byte, l.BlockW*l.perPixel())
	planes := 1
	if l.Separate {
		planes = l.Samples
	}
	for plane := range planes {
		for y := 0; y < l.H; y += l.BlockH {
			for x := 0; x < l.W; x += l.BlockW {
				block, err := next()
				if err == nil {
					err = p.block(block, plane, x, y)
				}
				if err != nil {
					return nil, err
				}
			}
		}
	}
	return p.image(), nil
}

// painter puts the samples of strips and tiles where they belong.
type painter struct {
	*Layout
	codec codec
	pix   []byte // of the image
	raw   []byte // a row, decompressed
	line  []byte // its samples, a byte each
}

// block decodes the strip or tile whose top left corner is at x, y.
func (p *painter) block(packed io.Reader, plane, x, y int) error {
	r, err := p.codec.open(packed, min(p.BlockH, p.H-y))
	if err != nil {
		return err
	}
	for bottom := min(y+p.BlockH, p.H); y < bottom; y++ {
		if _, err := io.ReadFull(r, p.raw); err != nil {
			return early(err)
		}
		if p.Differences {
			p.sum()
		}
		p.unpack()
		p.place(plane, x, y)
	}
	return p.codec.close(r)
}

// early says of an end that it comes too early.
func early(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// sum makes samples of the differences in a row.
func (p *painter) sum() {
	n := p.perPixel()
	if p.Bits == 8 {
		for i := n; i < len(p.raw); i++ {
			p.raw[i] += p.raw[i-n]
		}
		return
	}
	high, low := 0, 1
	if !p.BigEndian {
		high, low = 1, 0
	}
	for i := 2 * n; i+1 < len(p.raw); i += 2 {
		v, left := p.raw[i:i+2:i+2], p.raw[i-2*n:][:2:2]
		sum := uint16(v[high])<<8 + uint16(v[low]) + uint16(left[high])<<8 + uint16(left[low])
		v[high], v[low] = byte(sum>>8), byte(sum)
	}
}

// unpack makes a byte of each sample of a row: an index stays what it is, and
// others go from 0 to 255.
func (p *painter) unpack() {
	switch p.Bits {
	case 8:
		copy(p.line, p.raw)
	case 16:
		high, low := 0, 1
		if !p.BigEndian {
			high, low = 1, 0
		}
		for i := range p.line {
			v := p.raw[2*i : 2*i+2 : 2*i+2]
			p.line[i] = byte(((uint32(v[high])<<8|uint32(v[low]))*255 + 32767) / 65535)
		}
	default:
		per, most := 8/p.Bits, byte(1<<p.Bits-1)
		scale := 255 / most
		if p.Colour == Indexed {
			scale = 1
		}
		for i := range p.line {
			p.line[i] = p.raw[i/per] >> (8 - p.Bits - i%per*p.Bits) & most * scale
		}
	}
}

// place puts the samples of a row into the image.
func (p *painter) place(plane, x, y int) {
	depth, per := p.depth(), p.perPixel()
	n := min(p.BlockW, p.W-x)
	row := p.pix[depth*(y*p.W+x):][:depth*n]
	for s := range per {
		sample := plane + s // one of them is 0
		flip := byte(0)
		if p.Colour == WhiteIsZero && sample == 0 {
			flip = 255
		}
		for _, at := range p.places(sample) {
			for i, j := at, s; i < len(row); i, j = i+depth, j+per {
				row[i] = p.line[j] ^ flip
			}
		}
	}
}

// image is the picture as Go has it.
func (p *painter) image() image.Image {
	all := image.Rect(0, 0, p.W, p.H)
	stride := p.depth() * p.W
	switch {
	case p.Colour == Indexed:
		m := &image.Paletted{Pix: p.pix, Stride: stride, Rect: all}
		for _, c := range p.Palette {
			m.Palette = append(m.Palette, color.RGBA64{c[0], c[1], c[2], 65535})
		}
		return m
	case p.depth() == 1:
		return &image.Gray{Pix: p.pix, Stride: stride, Rect: all}
	case p.Colour == CMYK:
		return &image.CMYK{Pix: p.pix, Stride: stride, Rect: all}
	case p.Alpha == Multiplied:
		return &image.RGBA{Pix: p.pix, Stride: stride, Rect: all}
	case p.Alpha == NoAlpha:
		for i := 3; i < len(p.pix); i += 4 {
			p.pix[i] = 255
		}
	}
	return &image.NRGBA{Pix: p.pix, Stride: stride, Rect: all}
}
