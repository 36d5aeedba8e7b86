package imaging

import (
	"encoding/binary"
	"image"
	"io"

	"revela/imaging/internal/codec"
)

// maxTiles bounds the tiles of one picture. Phones write a few dozen of 512
// pixels each way.
const maxTiles = 1024

// heifFacts are what decoding needs to know of a HEIC or AVIF.
type heifFacts struct {
	codec   codec.Codec
	colour  heifPicture
	alpha   *heifPicture // of the same size; nil if all is opaque
	premult bool         // colours are multiplied by alpha already
	crop    image.Rectangle
	nclx    *codec.Colour // what the samples mean, unless their own stream says so
}

// heifPicture is a grid of frames, often of one.
type heifPicture struct {
	w, h  int
	cols  int
	frame image.Point // its size
	tiles []heifTile
}

// heif reads the boxes of a HEIC or AVIF file, which differ in their codec only.
func (p *prober) heif() error {
	var meta, movie *span
	whole := span{0, p.cursor.size}
	err := eachBox(p.src, whole, p.cursor.size, func(b bmffBox) (bool, error) {
		switch {
		case b.kind == "meta" && meta == nil:
			meta = &b.body
		case b.kind == "moov" && movie == nil:
			movie = &b.body
		}
		return true, nil
	})
	if err != nil && meta == nil {
		return err
	}
	if meta == nil && movie == nil {
		return invalid("it holds no picture")
	}
	if meta == nil {
		return unsupported("a sequence of pictures without a still one")
	}
	m, err := readHeifMeta(p.src, p.cursor.size, *meta)
	if err != nil {
		return err
	}
	if err := p.heifPrimary(m); err != nil {
		return err
	}
	p.h.frames = 1
	if movie != nil {
		n, err := frameCount(p.src, *movie, p.cursor.size, 0)
		if err != nil {
			return err
		}
		p.h.frames = max(1, n)
	}
	return nil
}

// heifPrimary reads the picture that the file is about.
func (p *prober) heifPrimary(m *heifMeta) error {
	id := m.primary
	it := m.items[id]
	if it == nil {
		return invalid("it holds no picture")
	}
	h := &p.h.heif
	var err error
	if h.colour, err = m.picture(id, &h.codec); err != nil {
		return err
	}
	if err := p.size(int64(h.colour.w), int64(h.colour.h)); err != nil {
		return err
	}
	if err := p.heifProps(m, it); err != nil {
		return err
	}
	if a := m.alphaOf(id); a != 0 {
		kind := h.codec
		alpha, err := m.picture(a, &kind)
		if err != nil {
			return err
		}
		if kind != h.codec || alpha.w != h.colour.w || alpha.h != h.colour.h {
			return unsupported("transparency that differs from the picture in size or kind")
		}
		h.alpha = &alpha
		h.premult = len(m.to("prem", id)) > 0
	}
	p.h.width, p.h.height = h.crop.Dx(), h.crop.Dy()
	p.h.decodeBytes = h.bytes()
	return nil
}

// bytes is what decoding takes: the frames as they are, the data of one as it is in the
// file and as the codec wants it, and the sandbox.
func (h *heifFacts) bytes() int64 {
	total := h.sandbox()
	for _, pic := range h.pictures() {
		total += pic.perPixel()*int64(pic.w)*int64(pic.h) + 3*pic.largest()
	}
	if h.alpha != nil {
		total += 4 * int64(h.colour.w) * int64(h.colour.h)
	}
	return total
}

// sandbox is what the decoder gets: it has one frame at a time, twice (before and
// after its filters), with its notes on it and its data.
func (h *heifFacts) sandbox() int64 {
	const fixed = 16 << 20 // the decoder itself; it may reach 12 MiB over a small frame
	total := int64(fixed)
	for _, pic := range h.pictures() {
		sample := int64(1)
		if pic.tiles[0].bits > 8 {
			sample = 2
		}
		total += (2*pic.perPixel()*sample+4)*pic.coded() + 4*pic.largest()
	}
	return total
}

func (h *heifFacts) pictures() []*heifPicture {
	if h.alpha == nil {
		return []*heifPicture{&h.colour}
	}
	return []*heifPicture{&h.colour, h.alpha}
}

// perPixel is how many samples there are for each pixel, rounded up.
func (p *heifPicture) perPixel() int64 {
	cw, ch := p.tiles[0].chroma.Size(16, 16)
	return 1 + (int64(2*cw*ch)+255)/256
}

// largest is the size of the largest frame's data.
func (p *heifPicture) largest() int64 {
	var n int64
	for _, t := range p.tiles {
		n = max(n, t.size())
	}
	return n
}

func (t *heifTile) size() int64 {
	n := int64(len(t.config))
	for _, s := range t.data {
		n += s.len
	}
	return n
}

// heifProps reads what is to be done with the picture once it is decoded, in the
// order in which it is to be done.
func (p *prober) heifProps(m *heifMeta, it *heifItem) error {
	h := &p.h.heif
	h.crop = image.Rect(0, 0, h.colour.w, h.colour.h)
	turned := matrix2{1, 0, 0, 1}
	props := m.propsOf(it)
	if it.kind == "grid" {
		// A grid may leave it to its tiles to say what their colours are.
		if ids := m.to("dimg", m.primary); len(ids) > 0 && m.items[ids[0]] != nil {
			for _, q := range m.propsOf(m.items[ids[0]]) {
				if q.kind == "colr" {
					props = append(props, q)
				}
			}
		}
	}
	for _, q := range props {
		f := &fields{b: q.body}
		switch q.kind {
		case "clap":
			crop, err := cleanAperture(f, h.colour.w, h.colour.h)
			if err != nil {
				return err
			}
			h.crop = crop
		case "irot": // anticlockwise
			for range f.uint(1) & 3 {
				turned = turned.then(matrix2{0, 1, -1, 0})
			}
		case "imir":
			if f.uint(1)&1 == 0 {
				turned = turned.then(matrix2{1, 0, 0, -1}) // top and bottom
			} else {
				turned = turned.then(matrix2{-1, 0, 0, 1}) // left and right
			}
		case "colr":
			p.heifColour(q, f)
		}
		if err := f.check(); err != nil {
			return err
		}
	}
	p.h.orientation = turned.orientation()
	return nil
}

// heifColour reads what the colours are: a profile, numbers, or both.
func (p *prober) heifColour(q heifProp, f *fields) {
	switch string(f.take(4)) {
	case "prof", "rICC":
		if p.h.profile == nil {
			p.h.profile = []span{{q.at.off + 4, q.at.len - 4}}
		}
	case "nclx":
		c := &codec.Colour{Primaries: int(f.uint(2)), Transfer: int(f.uint(2)), Matrix: int(f.uint(2))}
		c.FullRange = f.uint(1)&0x80 != 0
		if p.h.heif.nclx == nil && !f.short {
			p.h.heif.nclx = c
		}
	}
}

// cleanAperture reads the part of a picture that is to be shown.
func cleanAperture(f *fields, w, h int) (image.Rectangle, error) {
	var v [4]float64 // width, height, and how far its centre is off the picture's
	for i := range v {
		n, d := f.int32(), f.int32()
		if d == 0 {
			return image.Rectangle{}, invalid("its crop has no size")
		}
		v[i] = float64(n) / float64(d)
	}
	cw, ch := int(v[0]+0.5), int(v[1]+0.5)
	x, y := int(v[2]+float64(w-cw)/2+0.5), int(v[3]+float64(h-ch)/2+0.5)
	crop := image.Rectangle{Min: image.Pt(x, y), Max: image.Pt(x+cw, y+ch)}
	if crop.Empty() || !crop.In(image.Rect(0, 0, w, h)) {
		return crop, invalid("its crop is empty or outside of it")
	}
	return crop, nil
}

// frameCount is how many pictures the first track of a movie has.
func frameCount(src io.ReaderAt, at span, size int64, depth int) (int, error) {
	var n int
	err := eachBox(src, at, size, func(b bmffBox) (bool, error) {
		var err error
		switch b.kind {
		case "trak", "mdia", "minf", "stbl":
			if depth < 4 && n == 0 {
				n, err = frameCount(src, b.body, size, depth+1)
			}
		case "stsz":
			var raw [12]byte
			if err = readFullAt(src, raw[:], b.body.off); err == nil {
				n = int(binary.BigEndian.Uint32(raw[8:]))
			}
		}
		return err == nil && n == 0, err
	})
	return n, err
}

// matrix2 is a turn or a mirroring of the plane, y downwards, by rows.
type matrix2 [4]int

// then is m followed by n.
func (m matrix2) then(n matrix2) matrix2 {
	return matrix2{
		n[0]*m[0] + n[1]*m[2], n[0]*m[1] + n[1]*m[3],
		n[2]*m[0] + n[3]*m[2], n[2]*m[1] + n[3]*m[3],
	}
}

// orientation is what EXIF calls it.
func (m matrix2) orientation() int {
	return map[matrix2]int{
		{1, 0, 0, 1}: 1, {-1, 0, 0, 1}: 2, {-1, 0, 0, -1}: 3, {1, 0, 0, -1}: 4,
		{0, 1, 1, 0}: 5, {0, -1, 1, 0}: 6, {0, -1, -1, 0}: 7, {0, 1, -1, 0}: 8,
	}[m]
}
