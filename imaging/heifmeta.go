package imaging

import (
	"io"
	"slices"
)

// maxMeta bounds the box that describes a HEIC or AVIF file's items, in bytes.
// That of a phone's picture has 10 KB; a large colour profile may be in it.
const maxMeta = 2 << 20

// heifMeta is the items of a HEIC or AVIF file: pictures, tiles of pictures and
// metadata, and how they belong together.
type heifMeta struct {
	src     io.ReaderAt
	size    int64 // of the file
	primary int64
	items   map[int64]*heifItem
	refs    []heifRef
	props   []heifProp
}

type heifItem struct {
	kind    string // "hvc1", "av01", "grid", "Exif", …
	inIdat  bool
	base    int64
	extents []span // relative to base
	props   []int  // indexes of heifMeta.props
}

type heifRef struct {
	kind string
	from int64
	to   []int64
}

type heifProp struct {
	kind string
	body []byte
	at   span
}

// readHeifMeta reads the body of a meta box.
func readHeifMeta(src io.ReaderAt, size int64, at span) (*heifMeta, error) {
	if at.len > maxMeta {
		return nil, tooLarge("its description has %d bytes, at most %d are read", at.len, maxMeta)
	}
	body := make([]byte, at.len)
	if err := readFullAt(src, body, at.off); err != nil {
		return nil, err
	}
	const version = 4
	if at.len < version {
		return nil, invalid("a part of its description is too short")
	}
	m := &heifMeta{src: src, size: size, items: make(map[int64]*heifItem)}
	whole := shifted{body, at.off}
	boxes, err := boxesOf(body[version:], at.off+version)
	if err != nil {
		return nil, err
	}
	var idat span
	for _, b := range boxes {
		f := &fields{b: whole.of(b.body)}
		switch b.kind {
		case "pitm":
			v, _ := f.full()
			m.primary = f.uint(wide16(v))
		case "iinf":
			err = m.iinf(f, b.body)
		case "iloc":
			err = m.iloc(f)
		case "iref":
			err = m.iref(f, b.body)
		case "iprp":
			err = m.iprp(whole, b.body)
		case "idat":
			idat = b.body
		}
		if err == nil {
			err = f.check()
		}
		if err != nil {
			return nil, err
		}
	}
	for _, it := range m.items {
		if it.inIdat {
			it.base += idat.off
		}
	}
	return m, nil
}

// wide16 is the bytes of an item's number: two, in later versions four.
func wide16(version int64) int {
	if version == 0 {
		return 2
	}
	return 4
}

func (m *heifMeta) item(id int64) *heifItem {
	it := m.items[id]
	if it == nil {
		it = &heifItem{}
		m.items[id] = it
	}
	return it
}

// iinf reads the kinds of the items.
func (m *heifMeta) iinf(f *fields, at span) error {
	v, _ := f.full()
	n := 4 + wide16(v)
	f.take(wide16(v)) // how many
	boxes, err := boxesOf(f.b, at.off+int64(n))
	if err != nil {
		return err
	}
	for _, b := range boxes {
		if b.kind != "infe" {
			continue
		}
		e := &fields{b: shifted{f.b, at.off + int64(n)}.of(b.body)}
		v, _ := e.full()
		if v < 2 {
			continue // of no use in pictures
		}
		id := e.uint(wide16(v - 2))
		e.take(2) // protection
		kind := string(e.take(4))
		if err := e.check(); err != nil {
			return err
		}
		m.item(id).kind = kind
	}
	return nil
}

// iloc reads where the items are.
func (m *heifMeta) iloc(f *fields) error {
	v, _ := f.full()
	sizes := f.uint(2)
	width := func(shift int) int { return int(sizes >> shift & 15) }
	offset, length, base, index := width(12), width(8), width(4), width(0)
	if v == 0 {
		index = 0
	}
	if offset > 8 || length > 8 || base > 8 || index > 8 {
		return invalid("a part of its description has an impossible form")
	}
	idBytes := wide16(v / 2)
	for range f.uint(idBytes) {
		if f.short {
			break
		}
		it := m.item(f.uint(idBytes))
		var method int64
		if v > 0 {
			method = f.uint(2) & 15
		}
		f.take(2) // which file
		it.inIdat = method == 1
		it.base = f.uint(base)
		for range f.uint(2) {
			if f.short {
				break
			}
			f.take(index)
			it.extents = append(it.extents, span{f.uint(offset), f.uint(length)})
		}
		if method > 1 {
			it.extents = nil // made of other items: nothing that is read here is
		}
	}
	return nil
}

// iref reads which items refer to which.
func (m *heifMeta) iref(f *fields, at span) error {
	v, _ := f.full()
	boxes, err := boxesOf(f.b, at.off+4)
	if err != nil {
		return err
	}
	for _, b := range boxes {
		e := &fields{b: shifted{f.b, at.off + 4}.of(b.body)}
		r := heifRef{kind: b.kind, from: e.uint(wide16(v))}
		for range e.uint(2) {
			if e.short {
				break
			}
			r.to = append(r.to, e.uint(wide16(v)))
		}
		if err := e.check(); err != nil {
			return err
		}
		m.refs = append(m.refs, r)
	}
	return nil
}

// iprp reads the properties, and which items have which.
func (m *heifMeta) iprp(whole shifted, at span) error {
	boxes, err := boxesOf(whole.of(at), at.off)
	if err != nil {
		return err
	}
	for _, b := range boxes {
		switch b.kind {
		case "ipco":
			props, err := boxesOf(whole.of(b.body), b.body.off)
			if err != nil {
				return err
			}
			for _, p := range props {
				m.props = append(m.props, heifProp{p.kind, whole.of(p.body), p.body})
			}
		case "ipma":
			f := &fields{b: whole.of(b.body)}
			v, flags := f.full()
			for range f.uint(4) {
				if f.short {
					break
				}
				it := m.item(f.uint(wide16(v)))
				for range f.uint(1) {
					// The highest bit says that the property matters.
					if flags&1 != 0 {
						it.props = append(it.props, int(f.uint(2)&0x7fff)-1)
					} else {
						it.props = append(it.props, int(f.uint(1)&0x7f)-1)
					}
				}
			}
			if err := f.check(); err != nil {
				return err
			}
		}
	}
	return nil
}

// propsOf is the properties of an item in their order.
func (m *heifMeta) propsOf(it *heifItem) []heifProp {
	var all []heifProp
	for _, i := range it.props {
		if 0 <= i && i < len(m.props) {
			all = append(all, m.props[i])
		}
	}
	return all
}

// prop is the first property of a kind, nil if there is none.
func (m *heifMeta) prop(it *heifItem, kind string) []byte {
	for _, p := range m.propsOf(it) {
		if p.kind == kind {
			return p.body
		}
	}
	return nil
}

// to is what an item refers to.
func (m *heifMeta) to(kind string, from int64) []int64 {
	for _, r := range m.refs {
		if r.kind == kind && r.from == from {
			return r.to
		}
	}
	return nil
}

// alphaOf is the item that holds the transparency of another one, 0 if there is
// none.
func (m *heifMeta) alphaOf(id int64) int64 {
	for _, r := range m.refs {
		if r.kind != "auxl" || !slices.Contains(r.to, id) || m.items[r.from] == nil {
			continue
		}
		f := &fields{b: m.prop(m.items[r.from], "auxC")}
		f.full()
		name := string(f.b[:max(0, slices.Index(f.b, 0))])
		if name == "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha" || name == "urn:mpeg:hevc:2015:auxid:1" {
			return r.from
		}
	}
	return 0
}

// data is where the bytes of an item are, all of them within the file.
func (m *heifMeta) data(it *heifItem) ([]span, error) {
	var all []span
	for _, e := range it.extents {
		if it.base < 0 || e.off < 0 || e.len < 0 || it.base > m.size || e.off > m.size || e.len > m.size ||
			it.base+e.off+e.len > m.size {
			return nil, io.ErrUnexpectedEOF
		}
		s := span{it.base + e.off, e.len}
		if s.len == 0 { // up to the end
			s.len = m.size - s.off
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, invalid("a part of it has no data")
	}
	return all, nil
}
