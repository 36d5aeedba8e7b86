package jpeg

// pass is what a scan adds: bits from bit on of coefficients from to to, or, if
// refine is set, just that bit.
type pass struct {
	from, to int
	bit      int
	refine   bool
}

// progression writes a progressive file's scans: all of DC but its last bit, so that
// there is a picture at once, then luma's lowest frequencies, chroma, the rest, and
// at last, bit by bit, what makes it exact.
func (e *encoder) progression() {
	luma, chroma := e.comps[0], e.comps[1:]
	e.scan(pass{bit: 1}, e.comps...)
	e.scan(pass{from: 1, to: 5, bit: 2}, luma)
	for _, c := range chroma {
		e.scan(pass{from: 1, to: 63, bit: 1}, c)
	}
	e.scan(pass{from: 6, to: 63, bit: 2}, luma)
	e.scan(pass{from: 1, to: 63, bit: 1, refine: true}, luma)
	e.scan(pass{refine: true}, e.comps...)
	for _, c := range chroma {
		e.scan(pass{from: 1, to: 63, refine: true}, c)
	}
	e.scan(pass{from: 1, to: 63, refine: true}, luma)
}

// scan writes one scan of some components.
func (e *encoder) scan(p pass, comps ...*planed) {
	e.tokens, e.run, e.late = e.tokens[:0], 0, e.late[:0]
	if len(comps) == 1 {
		e.alone(comps[0], p)
	} else {
		e.interleaved(comps, p)
	}
	codes := e.tables()
	head := []byte{byte(len(comps))}
	for _, c := range comps {
		head = append(head, byte(c.id), byte(c.table<<4|c.table))
	}
	before := 0
	if p.refine {
		before = p.bit + 1
	}
	e.segment(0xda, append(head, byte(p.from), byte(p.to), byte(before<<4|p.bit))...)
	e.emit(codes)
}

// alone reads the blocks of one component that have pixels.
func (e *encoder) alone(c *planed, p pass) {
	last := int32(0)
	for y := range c.ht {
		for x := range c.w {
			last = e.block(c, (*[64]int16)(c.coef[64*(y*c.across+x):]), p, last)
		}
	}
	e.endRun(c)
}

// interleaved reads the blocks of several components, unit by unit.
func (e *encoder) interleaved(comps []*planed, p pass) {
	var last [3]int32
	for uy := range e.unitsY {
		for ux := range e.unitsX {
			for i, c := range comps {
				for b := range c.h * c.v {
					at := 64 * ((uy*c.v+b/c.h)*c.across + ux*c.h + b%c.h)
					last[i] = e.block(c, (*[64]int16)(c.coef[at:]), p, last[i])
				}
			}
		}
	}
}

// block adds the tokens of a block. last is the DC coefficient before it, as the
// pass has it; it returns this one's.
func (e *encoder) block(c *planed, block *[64]int16, p pass, last int32) int32 {
	switch {
	case p.from > 0 && p.refine:
		e.refinement(c, block, p)
	case p.from > 0:
		e.band(c, block, p)
	case p.refine:
		e.raw(uint32(block[0])>>p.bit&1, 1)
	default:
		last = e.dc(c, block, p.bit, last)
		if p.to > 0 {
			e.ac(c, block)
		}
	}
	return last
}
