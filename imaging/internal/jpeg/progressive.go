package jpeg

import "math/bits"

// progressiveScan reads a scan that adds coefficients from to to, or their bit bit
// where before says that the higher ones are known.
func (d *decoder) progressiveScan(in []*component, from, to, before, bit int) error {
	switch {
	case from > to || to > 63 || bit > 13 || before != 0 && before != bit+1:
		return errOdd("a progression")
	case from == 0 && to != 0 || from > 0 && len(in) != 1:
		return errOdd("a progression of DC and AC")
	}
	for _, c := range in {
		if from == 0 && before == 0 && d.dc[c.dc] == nil || from > 0 && d.ac[c.ac] == nil {
			return errOdd("a scan without its tables")
		}
	}
	n := d.kept.n
	one := func(c *component, block int) bool {
		coef := c.coef[n*block:][:n]
		switch {
		case from == 0 && before == 0:
			diff, ok := d.difference(d.dc[c.dc])
			c.last += diff
			coef[0] = int16(c.last << bit)
			return ok
		case from == 0:
			coef[0] |= int16(d.take(1) << bit)
			return true
		case before == 0:
			return d.first(d.ac[c.ac], coef, &c.nonzero[block], from, to, bit)
		}
		return d.refine(d.ac[c.ac], coef, &c.nonzero[block], from, to, bit)
	}
	if len(in) == 1 {
		return d.alone(in[0], one)
	}
	return d.interleaved(in, one)
}

// alone reads the blocks of one component, which are only those that it has
// pixels in.
func (d *decoder) alone(c *component, one func(c *component, block int) bool) error {
	for y := range c.shownY {
		if d.short() || d.stop() {
			return errOdd("too little data, or stopped")
		}
		for x := range c.shownX {
			if err := d.due(y*c.shownX + x); err != nil {
				return err
			}
			if !one(c, y*c.across+x) {
				return errOdd("a code that is in no table")
			}
		}
	}
	return nil
}

// interleaved reads the blocks of several components, unit by unit.
func (d *decoder) interleaved(in []*component, one func(c *component, block int) bool) error {
	for uy := range d.unitsY {
		if d.short() || d.stop() {
			return errOdd("too little data, or stopped")
		}
		for ux := range d.unitsX {
			if err := d.due(uy*d.unitsX + ux); err != nil {
				return err
			}
			for _, c := range in {
				for i := range c.h * c.v {
					if !one(c, (uy*c.v+i/c.h)*c.across+ux*c.h+i%c.h) {
						return errOdd("a code that is in no table")
					}
				}
			}
		}
	}
	return nil
}

// first reads the high bits of a block's AC coefficients.
func (d *decoder) first(ac *huffman, coef []int16, nonzero *uint64, from, to, bit int) bool {
	if d.eobRun > 0 {
		d.eobRun--
		return true
	}
	place := &d.kept.place
	for k := from; k <= to; k++ {
		symbol, ok := d.symbol(ac)
		if !ok {
			return false
		}
		run, size := int(symbol>>4), int(symbol&15)
		if size == 0 {
			if run < 15 {
				d.eobRun = 1<<run - 1
				if run > 0 {
					d.eobRun += int(d.take(run))
				}
				return true
			}
			k += 15
			continue
		}
		if k += run; k > to {
			return false
		}
		v := int16(extend(d.take(size), size) << bit)
		if at := int(place[k&63]); at < len(coef) {
			coef[at] = v
		}
		*nonzero |= 1 << (k & 63)
	}
	return true
}

// refine reads the next bit of the coefficients of a block, and those that it makes
// the first of.
func (d *decoder) refine(ac *huffman, coef []int16, nonzero *uint64, from, to, bit int) bool {
	delta := int16(1) << bit
	k := from
	if d.eobRun == 0 {
		for k <= to {
			symbol, ok := d.symbol(ac)
			if !ok {
				return false
			}
			run, size := int(symbol>>4), int(symbol&15)
			var value int16
			switch {
			case size > 1:
				return false
			case size == 1:
				value = -delta
				if d.take(1) == 1 {
					value = delta
				}
			case run < 15:
				d.eobRun = 1 << run
				if run > 0 {
					d.eobRun += int(d.take(run))
				}
			}
			if d.eobRun > 0 {
				break
			}
			if k = d.refineNonZero(coef, *nonzero, k, to, run, delta); k > to {
				if value != 0 {
					return false
				}
				break
			}
			if value != 0 {
				if at := int(d.kept.place[k&63]); at < len(coef) {
					coef[at] = value
				}
				*nonzero |= 1 << (k & 63)
			}
			k++
		}
	}
	if d.eobRun > 0 {
		d.eobRun--
		d.refineNonZero(coef, *nonzero, k, to, 64, delta)
	}
	return true
}

// refineNonZero adds a bit to each coefficient from k to to that is not zero, up to
// the zero after run zeros, of which it returns the place, to+1 if there are fewer.
func (d *decoder) refineNonZero(coef []int16, nonzero uint64, k, to, run int, delta int16) int {
	place := &d.kept.place
	acc, n := d.acc, d.n
	nonzero &= 2<<(to&63) - 1
	for nonzero >>= k & 63; nonzero != 0; nonzero >>= 1 {
		zeros := bits.TrailingZeros64(nonzero)
		if zeros > run {
			d.acc, d.n = acc, n
			return k + run
		}
		run -= zeros
		k += zeros
		nonzero >>= zeros & 63
		if n == 0 {
			d.acc, d.n = acc, n
			d.fill()
			acc, n = d.acc, d.n
		}
		if at := int(place[k&63]); acc>>63 != 0 && at < len(coef) {
			if coef[at] > 0 {
				coef[at] += delta
			} else {
				coef[at] -= delta
			}
		}
		acc <<= 1
		n--
		k++
	}
	d.acc, d.n = acc, n
	return min(k+run, to+1)
}

// symbol reads one.
func (d *decoder) symbol(h *huffman) (byte, bool) {
	if d.n < enough {
		d.fill()
	}
	e := h.look[d.acc>>(64-lookBits)]
	symbol, length := byte(e>>8), int(e&31)
	switch {
	case e&withValue != 0:
		length -= int(symbol >> 4)
		symbol = symbol<<4 | symbol>>4
	case length == 0:
		symbol, length = h.long(d.acc)
	}
	d.acc <<= length & 63
	d.n -= length
	return symbol, length > 0
}
