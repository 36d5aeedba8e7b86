package jpeg

import (
	"encoding/binary"
	"fmt"

	"revela/imaging/internal/recycle"
)

// errOdd is why a file is left to another decoder.
type errOdd string

func (e errOdd) Error() string { return "jpeg: " + string(e) }

// component is one of the planes in a file.
type component struct {
	id           byte
	h, v         int // blocks in a unit of an interleaved scan
	quant        int
	across, down int // blocks, whole units
	shownX       int // blocks that have pixels
	shownY       int
	dc, ac       int // tables of the current scan
	last         int32
	scanned      bool
	coef         []int16 // of one row of units; of a progressive file what is kept of all blocks

	// For each block of a progressive file, a bit for each coefficient that is
	// not zero, in the order of the file: there are few, and looking for them
	// would take most of the time.
	nonzero []uint64
}

// decoder reads one file.
type decoder struct {
	bitReader
	m        *Image
	stop     func() bool
	comps    []component
	quant    [4]*[64]int16 // columns first, as coefficients
	dc, ac   [4]*huffman
	interval int // units between restarts, 0 for none

	progressive    bool
	kept           *kept // of a progressive file
	wide           []int16
	unitsX, unitsY int
	eobRun         int
	strip          []byte // rows of a component that are being made
}

// Decode decodes data into m, whose size, scale and sampling say what is expected
// of it. It asks stop now and then whether to give up. m's content is undefined
// after an error, which is that the file is odd or was stopped.
//
// Beside m it takes a little more than 2 bytes for each of m's samples if the file is
// progressive, and one bit for each of the picture's; else 2 bytes for each of those
// in some rows.
func Decode(data []byte, m *Image, stop func() bool) error {
	d := &decoder{bitReader: bitReader{data: data}, m: m, stop: stop}
	defer d.recycle()
	if len(data) < 2 || data[0] != 0xff || data[1] != 0xd8 {
		return errOdd("no start marker")
	}
	d.pos = 2
	for {
		marker, body, err := d.segment()
		if err != nil {
			return err
		}
		switch marker {
		case 0xd9:
			return d.finish()
		case 0xc0, 0xc1, 0xc2:
			if marker == 0xc2 {
				d.progressive, d.kept = true, keeping[d.m.Scale]
			}
			err = d.frame(body)
		case 0xc4:
			err = d.huffmanTables(body)
		case 0xdb:
			err = d.quantTables(body)
		case 0xdd:
			if len(body) != 2 {
				return errOdd("a restart interval of a wrong length")
			}
			d.interval = int(binary.BigEndian.Uint16(body))
		case 0xda:
			err = d.scan(body)
		default:
			if marker < 0xe0 || marker > 0xfe {
				return errOdd(fmt.Sprintf("marker %#x", marker))
			}
		}
		if err != nil {
			return err
		}
	}
}

// segment moves past the next one and returns it.
func (d *decoder) segment() (marker byte, body []byte, err error) {
	for d.pos+1 < len(d.data) && d.data[d.pos] == 0xff && d.data[d.pos+1] == 0xff {
		d.pos++ // fill bytes
	}
	if d.pos+2 > len(d.data) || d.data[d.pos] != 0xff {
		return 0, nil, errOdd("no marker where one should be")
	}
	marker = d.data[d.pos+1]
	d.pos += 2
	if marker == 0xd9 {
		return marker, nil, nil
	}
	if d.pos+2 > len(d.data) {
		return 0, nil, errOdd("an end within a marker")
	}
	n := int(binary.BigEndian.Uint16(d.data[d.pos:]))
	if n < 2 || d.pos+n > len(d.data) {
		return 0, nil, errOdd("an end within a segment")
	}
	body = d.data[d.pos+2 : d.pos+n]
	d.pos += n
	return marker, body, nil
}

func (d *decoder) quantTables(b []byte) error {
	for len(b) > 0 {
		wide, id := b[0]>>4, b[0]&15
		n := 64 * (1 + int(wide))
		if wide > 1 || id > 3 || len(b) < 1+n {
			return errOdd("a quantization table")
		}
		t := new([64]int16)
		for i := range 64 {
			if wide == 0 {
				t[columns[i]] = int16(b[1+i])
			} else {
				t[columns[i]] = int16(binary.BigEndian.Uint16(b[1+2*i:]))
			}
		}
		d.quant[id] = t
		b = b[1+n:]
	}
	return nil
}

func (d *decoder) huffmanTables(b []byte) error {
	for len(b) > 0 {
		if len(b) < 17 || b[0]&15 > 3 || b[0]>>4 > 1 {
			return errOdd("a Huffman table")
		}
		counts, n := (*[16]byte)(b[1:]), 0
		for _, c := range counts {
			n += int(c)
		}
		if n > 256 || len(b) < 17+n {
			return errOdd("a Huffman table's length")
		}
		t := new(huffman)
		if err := t.set(counts, b[17:17+n]); err != nil {
			return err
		}
		if b[0]>>4 == 0 {
			d.dc[b[0]&3] = t
		} else {
			d.ac[b[0]&3] = t
		}
		b = b[17+n:]
	}
	return nil
}

// frame reads the frame header, which must be what m says.
func (d *decoder) frame(b []byte) error {
	n := len(d.m.Planes)
	if d.comps != nil || len(b) != 6+3*n || b[0] != 8 || int(b[5]) != n {
		return errOdd("a frame header")
	}
	h, w := int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	if w != d.m.W || h != d.m.H || w == 0 || h == 0 {
		return errOdd("another size, or none")
	}
	d.comps = make([]component, n)
	for i := range d.comps {
		c := &d.comps[i]
		c.id, c.h, c.v, c.quant = b[6+3*i], int(b[7+3*i]>>4), int(b[7+3*i]&15), int(b[8+3*i])
		if n == 1 {
			c.h, c.v = 1, 1 // blocks of a lone component are in plain order
		}
		f := d.m.Factors[i]
		if c.quant > 3 || c.h != f.Across() || c.v != f.Down() {
			return errOdd("another sampling")
		}
	}
	hmax, vmax := d.m.Finest()
	d.unitsX, d.unitsY = ceilDiv(w, 8*hmax), ceilDiv(h, 8*vmax)
	widest := 0
	for i := range d.comps {
		c := &d.comps[i]
		c.across, c.down = d.unitsX*c.h, d.unitsY*c.v
		c.shownX, c.shownY = ceilDiv(ceilDiv(w*c.h, hmax), 8), ceilDiv(ceilDiv(h*c.v, vmax), 8)
		widest = max(widest, c.across)
		// Kernels take blocks in batches: there are some to spare.
		if !d.progressive {
			c.coef = zeros(&coefficients, 64*(c.v*c.across+blockBatch))
			continue
		}
		c.nonzero = zeros(&masks, c.down*c.across)
		c.coef = zeros(&coefficients, d.kept.n*(c.down*c.across+blockBatch))
	}
	if d.progressive && d.kept.n < 64 {
		d.wide = zeros(&coefficients, 64*(widest+blockBatch))
	}
	return nil
}

// What a decoder takes for as long as it is at work.
var (
	coefficients recycle.Pool[int16]
	masks        recycle.Pool[uint64]
)

// zeros takes n of them. A file may leave out any coefficient, so that those of the
// picture before would show.
func zeros[T any](from *recycle.Pool[T], n int) []T {
	b := from.Take(n)
	clear(b)
	return b
}

// recycle gives back all that the decoder took.
func (d *decoder) recycle() {
	for i := range d.comps {
		coefficients.Give(d.comps[i].coef)
		masks.Give(d.comps[i].nonzero)
	}
	coefficients.Give(d.wide)
	recycle.Bytes.Give(d.strip)
}

// scan reads a scan's header and its data.
func (d *decoder) scan(b []byte) error {
	if len(b) < 1 || len(b) != 4+2*int(b[0]) || d.comps == nil {
		return errOdd("a scan header")
	}
	n := int(b[0])
	if n > len(d.comps) {
		return errOdd("a scan header")
	}
	var in []*component
	blocks := 0
	for i := range n {
		at := -1
		for j := range d.comps {
			if d.comps[j].id == b[1+2*i] && at < 0 {
				at = j
			}
		}
		if at < len(in) { // each once, and in the frame's order
			return errOdd("a scan of an unknown component")
		}
		c := &d.comps[at]
		c.dc, c.ac = int(b[2+2*i]>>4), int(b[2+2*i]&15)
		if c.dc > 3 || c.ac > 3 || d.quant[c.quant] == nil {
			return errOdd("a scan without its tables")
		}
		in = append(in, c)
		blocks += c.h * c.v
	}
	if n > 1 && blocks > 10 {
		return errOdd("a scan of too large units")
	}
	from, to, before, bit := int(b[1+2*n]), int(b[2+2*n]), int(b[3+2*n]>>4), int(b[3+2*n]&15)
	d.acc, d.n, d.made, d.eobRun = 0, 0, 0, 0
	for i := range d.comps {
		d.comps[i].last = 0
	}
	var err error
	switch {
	case d.progressive:
		err = d.progressiveScan(in, from, to, before, bit)
	case from != 0 || to != 63 || before != 0 || bit != 0:
		return errOdd("a sequential file with a progression")
	default:
		err = d.baselineScan(in)
	}
	if err != nil {
		return err
	}
	for _, c := range in {
		c.scanned = true
	}
	// What follows must be a marker; what of it begins a segment is read there.
	if _, err := d.restart(); err != nil {
		return err
	}
	d.pos -= 2
	return nil
}

// due handles what comes before unit i: a restart marker.
func (d *decoder) due(i int) error {
	if d.interval == 0 || i == 0 || i%d.interval != 0 {
		return nil
	}
	m, err := d.restart()
	if err != nil {
		return err
	}
	if want := byte(0xd0 + (i/d.interval-1)%8); m != want {
		return errOdd("a restart marker out of order")
	}
	d.eobRun = 0
	for j := range d.comps {
		d.comps[j].last = 0
	}
	return nil
}

// finish checks that there was a picture, and makes it if that has not been done.
func (d *decoder) finish() error {
	if d.comps == nil {
		return errOdd("no picture")
	}
	for i := range d.comps {
		if !d.comps[i].scanned {
			return errOdd("a component without a scan")
		}
	}
	if !d.progressive {
		return nil
	}
	for i := range d.comps {
		c := &d.comps[i]
		for row := range c.down {
			if d.stop() {
				return errOdd("stopped")
			}
			d.output(i, row, d.blocks(c, row))
		}
	}
	return nil
}

// blocks is a row of blocks as transforms take them, of what is kept of them.
func (d *decoder) blocks(c *component, row int) []int16 {
	coef := c.coef[d.kept.n*row*c.across:]
	if d.kept.n == 64 {
		return coef
	}
	side := 8 / d.m.Scale
	for b := range c.across {
		to := d.wide[64*b:][:64]
		for x := range side {
			copy(to[8*x:], coef[:side])
			coef = coef[side:]
		}
	}
	return d.wide
}

// output makes samples of a row of blocks of component i.
func (d *decoder) output(i, row int, coef []int16) {
	c, p := &d.comps[i], &d.m.Planes[i]
	side := 8 / d.m.Scale
	blocks := min(c.across, ceilDiv(p.W, side))
	stride := side * (c.across + blockBatch)
	if len(d.strip) < side*stride {
		recycle.Bytes.Give(d.strip)
		d.strip = recycle.Bytes.Take(side * stride)
	}
	fastest[d.m.Scale](d.strip, stride, coef, d.quant[c.quant], blocks)
	for y := row * side; y < min((row+1)*side, p.H); y++ {
		copy(p.Pix[y*p.Stride:][:p.W], d.strip[(y-row*side)*stride:])
	}
}

// columns is where the i-th coefficient of a file is in a block, columns first.
// Those beyond the last are where a broken file may point.
var columns = func() (t [128]uint8) {
	x, y, up := 0, 0, true
	for i := range 64 {
		t[i] = uint8(8*x + y)
		switch {
		case up && x == 7, !up && y == 7:
			if up {
				y++
			} else {
				x++
			}
			up = !up
		case up && y == 0:
			x, up = x+1, false
		case !up && x == 0:
			y, up = y+1, true
		case up:
			x, y = x+1, y-1
		default:
			x, y = x-1, y+1
		}
	}
	for i := 64; i < len(t); i++ {
		t[i] = 63
	}
	return t
}()

// kept is what is kept of the coefficients of a progressive file until all are
// there: those of the lowest frequencies, as many as a reduced picture has samples.
// Of the others it only matters to the parsing whether they are zero.
type kept struct {
	n     int       // 64, 16, 4 or 1
	place [64]uint8 // of the i-th in a file, columns first; beyond them if it is not kept
}

// keeping is what is kept, by the scale.
var keeping = func() map[int]*kept {
	t := make(map[int]*kept)
	for scale := 1; scale <= 8; scale *= 2 {
		side := 8 / scale
		k := &kept{n: side * side}
		for i := range k.place {
			x, y := int(columns[i])/8, int(columns[i])%8
			k.place[i] = 64
			if x < side && y < side {
				k.place[i] = uint8(x*side + y)
			}
		}
		t[scale] = k
	}
	return t
}()
