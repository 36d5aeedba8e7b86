package imaging

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"io"

	"revela/imaging/internal/codec"
)

// heifTile is one coded frame.
type heifTile struct {
	config []byte // HEVC's parameter sets, as codec.HEVC wants them
	prefix int    // bytes of the length before each of HEVC's NAL units
	data   []span
	bits   int
	chroma codec.Chroma
}

// picture reads an item as a grid of frames. All must be of the same codec, which
// it sets.
func (m *heifMeta) picture(id int64, kind *codec.Codec) (heifPicture, error) {
	var none heifPicture
	it := m.items[id]
	if it == nil {
		return none, invalid("a part of it is missing")
	}
	if it.kind == "iden" { // another item, to be shown in another way
		if ids := m.to("dimg", id); len(ids) == 1 && m.items[ids[0]] != nil && m.items[ids[0]].kind != "iden" {
			return m.picture(ids[0], kind)
		}
	}
	if it.kind == "grid" {
		return m.grid(id, it, kind)
	}
	t, err := m.tile(it, kind)
	if err != nil {
		return none, err
	}
	size, err := m.extent(it)
	if err != nil {
		return none, err
	}
	return heifPicture{size.X, size.Y, 1, size, []heifTile{t}}, nil
}

// maxExtent bounds a side, so that a few times the product of two fits an int64.
const maxExtent = 1 << 30

// extent is the size that an item says it has.
func (m *heifMeta) extent(it *heifItem) (image.Point, error) {
	f := &fields{b: m.prop(it, "ispe")}
	f.full()
	w, h := f.uint(4), f.uint(4)
	if f.short || w == 0 || h == 0 {
		return image.Point{}, invalid("its width or height is zero")
	}
	if w > maxExtent || h > maxExtent {
		return image.Point{}, tooLarge("%d x %d pixels", w, h)
	}
	return image.Pt(int(w), int(h)), nil
}

// grid reads a picture that is made of tiles.
func (m *heifMeta) grid(id int64, it *heifItem, kind *codec.Codec) (heifPicture, error) {
	var none heifPicture
	spans, err := m.data(it)
	if err != nil {
		return none, err
	}
	raw := make([]byte, min(12, spans[0].len))
	if err := readFullAt(m.src, raw, spans[0].off); err != nil {
		return none, err
	}
	f := &fields{b: raw}
	f.take(1) // version
	wide := 2 + 2*int(f.uint(1)&1)
	rows, cols := int(f.uint(1))+1, int(f.uint(1))+1
	w, h := f.uint(wide), f.uint(wide)
	if err := f.check(); err != nil {
		return none, err
	}
	ids := m.to("dimg", id)
	switch {
	case w == 0 || h == 0:
		return none, invalid("its width or height is zero")
	case w > maxExtent || h > maxExtent:
		return none, tooLarge("%d x %d pixels", w, h)
	case len(ids) != rows*cols:
		return none, invalid("it has %d tiles, %d are needed", len(ids), rows*cols)
	case len(ids) > maxTiles:
		return none, tooLarge("%d tiles, at most %d are read", len(ids), maxTiles)
	}
	pic := heifPicture{w: int(w), h: int(h), cols: cols}
	for i, id := range ids {
		tile := m.items[id]
		if tile == nil {
			return none, invalid("a tile is missing")
		}
		size, err := m.extent(tile)
		if err != nil {
			return none, err
		}
		t, err := m.tile(tile, kind)
		if err != nil {
			return none, err
		}
		if i == 0 {
			pic.frame = size
		}
		if size != pic.frame || t.chroma != pic.first(t).chroma {
			return none, invalid("its tiles differ in size or kind")
		}
		pic.tiles = append(pic.tiles, t)
	}
	if int64(pic.frame.X)*int64(cols) < w || int64(pic.frame.Y)*int64(rows) < h {
		return none, invalid("its tiles do not cover it")
	}
	return pic, pic.checkTiles()
}

// checkTiles refuses tiles with many more pixels than the picture: they are decoded
// and thrown away, and nothing that is charged by the picture's size bounds that.
// Where the last column and row are hardly used there are up to four times as many,
// and a small picture may be a part of a single tile.
func (p *heifPicture) checkTiles() error {
	const spare = 1 << 20
	most := 4*int64(p.w)*int64(p.h) + spare
	if int64(p.frame.X)*int64(p.frame.Y) > most/int64(len(p.tiles)) {
		return tooLarge("%d tiles of %d x %d pixels for a picture of %d x %d",
			len(p.tiles), p.frame.X, p.frame.Y, p.w, p.h)
	}
	return nil
}

// coded is the most pixels that the stream of a frame may have: codecs count whole
// blocks, of up to 64 pixels each way.
func (p *heifPicture) coded() int64 {
	const block = 64
	blocks := func(n int) int64 { return (int64(n) + block - 1) / block }
	return blocks(p.frame.X) * blocks(p.frame.Y) * block * block
}

// first is the first tile, or t if that is it.
func (p *heifPicture) first(t heifTile) heifTile {
	if len(p.tiles) == 0 {
		return t
	}
	return p.tiles[0]
}

// tile reads an item as a coded frame.
func (m *heifMeta) tile(it *heifItem, kind *codec.Codec) (heifTile, error) {
	var (
		t   heifTile
		err error
	)
	switch it.kind {
	case "hvc1", "hev1":
		*kind = codec.HEVC
		err = t.hvcC(&fields{b: m.prop(it, "hvcC")})
	case "av01":
		*kind = codec.AV1
		err = t.av1C(&fields{b: m.prop(it, "av1C")})
	default:
		return t, unsupported("a picture that is coded as %q; HEVC and AV1 can be read", it.kind)
	}
	if err != nil {
		return t, err
	}
	t.data, err = m.data(it)
	return t, err
}

// hvcC reads how HEVC is configured: its parameter sets.
func (t *heifTile) hvcC(f *fields) error {
	head := f.take(23)
	if head == nil {
		return invalid("its codec's configuration is missing")
	}
	t.chroma = codec.Chroma(head[16] & 3)
	t.bits = 8 + int(head[17]&7)
	t.prefix = 1 + int(head[21]&3)
	for range head[22] {
		f.take(1) // the kind of all that follow
		for range f.uint(2) {
			if f.short {
				break
			}
			n := int(f.uint(2))
			nal := f.take(n)
			t.config = binary.BigEndian.AppendUint32(t.config, uint32(n))
			t.config = append(t.config, nal...)
		}
	}
	return f.check()
}

// av1C reads how AV1 is configured.
func (t *heifTile) av1C(f *fields) error {
	head := f.take(4)
	if head == nil {
		return invalid("its codec's configuration is missing")
	}
	flags := head[2]
	t.bits = 8
	if flags&0x40 != 0 {
		t.bits = 10
		if flags&0x20 != 0 {
			t.bits = 12
		}
	}
	switch {
	case flags&0x10 != 0:
		t.chroma = codec.None
	case flags&0x0c == 0x0c:
		t.chroma = codec.Chroma420
	case flags&0x08 != 0:
		t.chroma = codec.Chroma422
	default:
		t.chroma = codec.Chroma444
	}
	return nil
}

// bytes reads the frame's data in the form that its codec wants, which has at most
// twice as many bytes.
func (t *heifTile) bytes(ctx context.Context, src io.ReaderAt) ([]byte, error) {
	var raw bytes.Buffer
	raw.Grow(int(t.size()) + bytes.MinRead)
	for _, s := range t.data {
		if _, err := io.Copy(&raw, s.reader(src)); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	if t.prefix == 0 {
		return raw.Bytes(), nil
	}
	const header = 2 // of a NAL unit; what is shorter is none
	size := len(t.config) + raw.Len()
	if t.prefix < 4 {
		size += raw.Len()
	}
	out := append(make([]byte, 0, size), t.config...)
	for f := (fields{b: raw.Bytes()}); len(f.b) > 0; {
		nal := f.take(int(f.uint(t.prefix)))
		if f.short {
			return nil, io.ErrUnexpectedEOF
		}
		if len(nal) < header {
			continue
		}
		out = binary.BigEndian.AppendUint32(out, uint32(len(nal)))
		out = append(out, nal...)
	}
	return out, nil
}
