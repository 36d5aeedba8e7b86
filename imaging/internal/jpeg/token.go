package jpeg

import "math/bits"

// token is a symbol that is going to be written: its table in bits 28 and up (0
// and 1 for DC, 2 and 3 for AC, 4 for none), the symbol in bits 20 to 27, and the
// bits that follow it in bits 0 to 15, as many as bits 16 to 19 say.
//
// A scan's tokens are gathered first, since the codes are made for how often each
// symbol is used.
type token uint32

const (
	tables   = 4
	rawTable = 4
)

func newToken(table, symbol int, value uint32, size int) token {
	return token(uint32(table)<<28 | uint32(symbol)<<20 | uint32(size)<<16 | value)
}

// magnitude is a coefficient's size, and its bits: those of a negative one are
// those of its predecessor.
func magnitude(v int32) (value uint32, size int) {
	sign := v >> 31
	size = bits.Len32(uint32(v+sign) ^ uint32(sign))
	return uint32(v+sign) & (1<<size - 1), size
}

// raw adds bits that no symbol comes before: size of them, 0 to 15.
func (e *encoder) raw(value uint32, size int) {
	e.tokens = append(e.tokens, newToken(rawTable, 0, value, size))
}

// dc adds the tokens of a block's DC coefficient without its lowest bits, and
// returns that.
func (e *encoder) dc(c *planed, block *[64]int16, bit int, last int32) int32 {
	v := int32(block[0]) >> bit
	value, size := magnitude(v - last)
	e.tokens = append(e.tokens, newToken(c.table, size, value, size))
	return v
}

// ac adds the tokens of a block's other coefficients.
func (e *encoder) ac(c *planed, block *[64]int16) {
	tokens := e.tokens
	run := 0
	for _, at := range columns[1:64] {
		v := int32(block[at&63])
		if v == 0 {
			run++
			continue
		}
		for run > 15 {
			tokens = append(tokens, newToken(2+c.table, 0xf0, 0, 0))
			run -= 16
		}
		value, size := magnitude(v)
		tokens = append(tokens, newToken(2+c.table, run<<4|size, value, size))
		run = 0
	}
	if run > 0 {
		tokens = append(tokens, newToken(2+c.table, 0, 0, 0))
	}
	e.tokens = tokens
}

// band adds the tokens of some of a block's coefficients, without their lowest bits.
func (e *encoder) band(c *planed, block *[64]int16, p pass) {
	zeros := 0
	for _, at := range columns[p.from : p.to+1] {
		v := int32(block[at&63])
		// Towards zero, unlike DC.
		if v < 0 {
			v = -(-v >> p.bit)
		} else {
			v >>= p.bit
		}
		if v == 0 {
			zeros++
			continue
		}
		e.endRun(c)
		for zeros > 15 {
			e.tokens = append(e.tokens, newToken(2+c.table, 0xf0, 0, 0))
			zeros -= 16
		}
		value, size := magnitude(v)
		e.tokens = append(e.tokens, newToken(2+c.table, zeros<<4|size, value, size))
		zeros = 0
	}
	if zeros > 0 {
		e.ended(c)
	}
}

// refinement adds the tokens of the next bit of some of a block's coefficients.
// Those that were not zero before just get theirs, after the next symbol.
func (e *encoder) refinement(c *planed, block *[64]int16, p pass) {
	var size [64]int32
	end := 0 // after the last coefficient that this bit is the first of
	for k := p.from; k <= p.to; k++ {
		v := int32(block[columns[k]&63])
		size[k] = max(v, -v) >> p.bit
		if size[k] == 1 {
			end = k + 1
		}
	}
	zeros, kept := 0, len(e.late) // bits from kept on belong to this block
	flush := func(symbol int, value uint32, size int) {
		own := append([]byte(nil), e.late[kept:]...)
		e.late = e.late[:kept]
		e.endRun(c)
		e.tokens = append(e.tokens, newToken(2+c.table, symbol, value, size))
		for _, bit := range own {
			e.raw(uint32(bit), 1)
		}
		kept = 0
	}
	for k := p.from; k <= p.to; k++ {
		if size[k] == 0 {
			zeros++
			continue
		}
		for ; zeros > 15 && k < end; zeros -= 16 {
			flush(0xf0, 0, 0)
		}
		if size[k] > 1 {
			e.late = append(e.late, byte(size[k]&1))
			continue
		}
		positive := uint32(1)
		if block[columns[k]&63] < 0 {
			positive = 0
		}
		flush(zeros<<4|1, positive, 1)
		zeros = 0
	}
	if zeros > 0 || len(e.late) > kept {
		e.ended(c)
	}
}

// ended counts a block that has nothing more in this pass.
func (e *encoder) ended(c *planed) {
	const most, mostLate = 0x7fff, 1 << 10
	if e.run++; e.run == most || len(e.late) > mostLate {
		e.endRun(c)
	}
}

// endRun adds the token of the blocks that have ended, and the bits of those of
// their coefficients that were not zero before.
func (e *encoder) endRun(c *planed) {
	if e.run == 0 {
		return
	}
	size := bits.Len(uint(e.run)) - 1
	e.tokens = append(e.tokens, newToken(2+c.table, size<<4, uint32(e.run)&(1<<size-1), size))
	for _, bit := range e.late {
		e.raw(uint32(bit), 1)
	}
	e.run, e.late = 0, e.late[:0]
}
