package jpeg

import (
	"encoding/binary"
	"errors"
	"sync"
)

// Encode returns m, of scale 1, as a JPEG of the given quality, 1 to 100, baseline
// or progressive, with Huffman codes made for it. Quality means what it does in
// libjpeg. It is safe for concurrent use, and takes three bytes for each of the
// picture's samples, some of which it keeps for the next.
func Encode(m *Image, quality int, progressive bool) ([]byte, error) {
	if fx, _ := m.Chroma(); fx == 0 || m.Scale != 1 || m.W < 1 || m.H < 1 || m.W > 65535 || m.H > 65535 {
		return nil, errors.New("jpeg: not a picture that can be encoded")
	}
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.start(m, quality)
	e.frame(progressive)
	if progressive {
		e.progression()
	} else {
		e.scan(pass{to: 63}, e.comps...)
	}
	return append(append(make([]byte, 0, len(e.out)+2), e.out...), 0xff, 0xd9), nil
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

// encoder writes one file. Its buffers are kept for the next.
type encoder struct {
	m      *Image
	quant  [2][64]byte // of luma and chroma, in the order of the file
	comps  []*planed
	coef   []int16
	strip  []byte
	tokens []token
	run    int    // blocks that have ended without a token for it
	late   []byte // bits that come after that token
	out    []byte

	unitsX, unitsY int
}

// planed is a component's blocks.
type planed struct {
	id, table    int // table is 0 for luma and 1 for chroma
	h, v         int // blocks in a unit
	across, down int // blocks, whole units
	w, ht        int // blocks that have pixels
	coef         []int16
}

func (e *encoder) start(m *Image, quality int) {
	*e = encoder{m: m, coef: e.coef, strip: e.strip, tokens: e.tokens, late: e.late, out: e.out[:0]}
	for i := range e.quant {
		e.quant[i] = scaled(&standard[i], quality)
	}
	hmax, vmax := m.Chroma()
	e.unitsX, e.unitsY = ceilDiv(m.W, 8*hmax), ceilDiv(m.H, 8*vmax)
	total := 0
	for i, p := range m.Planes {
		c := &planed{id: i + 1, h: 1, v: 1, w: ceilDiv(p.W, 8), ht: ceilDiv(p.H, 8)}
		if i == 0 {
			c.h, c.v = hmax, vmax
		} else {
			c.table = 1
		}
		c.across, c.down = e.unitsX*c.h, e.unitsY*c.v
		total += 64*c.across*c.down + 64*blockBatch
		e.comps = append(e.comps, c)
	}
	if cap(e.coef) < total {
		e.coef = make([]int16, total)
	}
	free := e.coef[:total]
	for i, c := range e.comps {
		n := 64*c.across*c.down + 64*blockBatch
		c.coef, free = free[:n], free[n:]
		e.transform(c, &m.Planes[i])
	}
}

// transform makes a component's coefficients. Beyond the picture its last samples
// are repeated.
func (e *encoder) transform(c *planed, p *Plane) {
	stride := 8 * (c.across + blockBatch)
	if len(e.strip) < 8*stride {
		e.strip = make([]byte, 8*stride)
	}
	scale := reciprocals(&e.quant[c.table])
	for by := range c.down {
		for y := range 8 {
			row := e.strip[y*stride:][:stride]
			n := copy(row, p.Pix[min(8*by+y, p.H-1)*p.Stride:][:p.W])
			for x := n; x < 8*c.across; x++ {
				row[x] = row[n-1]
			}
		}
		fastestForward(c.coef[64*by*c.across:], e.strip, stride, scale, c.across)
	}
}

// segment writes a marker and what belongs to it.
func (e *encoder) segment(marker byte, body ...byte) {
	e.out = append(e.out, 0xff, marker)
	e.out = binary.BigEndian.AppendUint16(e.out, uint16(len(body)+2))
	e.out = append(e.out, body...)
}

// frame writes what comes before the scans.
func (e *encoder) frame(progressive bool) {
	e.out = append(e.out, 0xff, 0xd8)
	// JFIF 1.1, pixels of no stated size, no thumbnail.
	e.segment(0xe0, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0)
	for i := range min(len(e.comps), 2) {
		e.segment(0xdb, append([]byte{byte(i)}, e.quant[i][:]...)...)
	}
	sof := byte(0xc0)
	if progressive {
		sof = 0xc2
	}
	head := binary.BigEndian.AppendUint16([]byte{8}, uint16(e.m.H))
	head = binary.BigEndian.AppendUint16(head, uint16(e.m.W))
	head = append(head, byte(len(e.comps)))
	for _, c := range e.comps {
		head = append(head, byte(c.id), byte(c.h<<4|c.v), byte(c.table))
	}
	e.segment(sof, head...)
}

// standard are the tables of the standard's annex K for luma and chroma, in the
// order of a file.
var standard = [2][64]byte{
	{
		16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
		26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
		56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
		95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
	},
	{
		17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
	},
}

// scaled is a table for a quality, as libjpeg scales it.
func scaled(t *[64]byte, quality int) (out [64]byte) {
	percent := 200 - 2*quality
	if quality < 50 {
		percent = 5000 / max(quality, 1)
	}
	for i, v := range t {
		out[i] = byte(min(max((int(v)*percent+50)/100, 1), 255))
	}
	return out
}
