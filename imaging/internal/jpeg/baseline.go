package jpeg

import "slices"

// baselineScan reads the scan of a sequential file that has some of the components,
// and makes samples of each row of units as soon as it is there.
func (d *decoder) baselineScan(in []*component) error {
	for _, c := range in {
		if c.scanned || d.dc[c.dc] == nil || d.ac[c.ac] == nil {
			return errOdd("a scan without its tables, or another one of the same")
		}
	}
	unitsX, unitsY := d.unitsX, d.unitsY
	if len(in) == 1 {
		unitsX, unitsY = in[0].shownX, in[0].shownY
	}
	for uy := range unitsY {
		if d.stop() {
			return errOdd("stopped")
		}
		for _, c := range in {
			clear(c.coef)
		}
		for ux := range unitsX {
			if err := d.due(uy*unitsX + ux); err != nil {
				return err
			}
			for _, c := range in {
				if !d.unit(c, ux, len(in) == 1) {
					return errOdd("a code that is in no table")
				}
			}
		}
		if d.short() {
			return errOdd("too little data")
		}
		for i := range d.comps {
			c := &d.comps[i]
			switch {
			case !slices.Contains(in, c):
			case len(in) == 1:
				d.output(i, uy, c.coef)
			default:
				for y := range c.v {
					d.output(i, uy*c.v+y, c.coef[64*y*c.across:])
				}
			}
		}
	}
	return nil
}

// unit reads a component's blocks in unit ux of a row, of which there is just one
// if the component is alone in its scan.
func (d *decoder) unit(c *component, ux int, alone bool) bool {
	h, v := c.h, c.v
	if alone {
		h, v = 1, 1
	}
	dc, ac := d.dc[c.dc], d.ac[c.ac]
	for y := range v {
		for x := range h {
			at := 64 * (y*c.across + ux*h + x)
			if !d.block(c, dc, ac, (*[64]int16)(c.coef[at:])) {
				return false
			}
		}
	}
	return true
}

// block reads a block of a sequential file, and reports whether that is sound.
//
// Nearly all of the time that decoding takes is spent here.
func (d *decoder) block(c *component, dc, ac *huffman, coef *[64]int16) bool {
	diff, ok := d.difference(dc)
	if !ok {
		return false
	}
	c.last += diff
	coef[0] = int16(c.last)

	acc, n := d.acc, d.n
	k := 1
	for k < 64 {
		if n < enough {
			d.acc, d.n = acc, n
			d.fill()
			acc, n = d.acc, d.n
		}
		e := ac.look[acc>>(64-lookBits)]
		length := int(e & 31)
		if e&withValue != 0 {
			k += int(e >> 8 & 15)
			acc <<= length & 63
			n -= length
			coef[columns[k&127]&63] = int16(e >> 16)
			k++
			continue
		}
		symbol := byte(e >> 8)
		if length == 0 {
			if symbol, length = ac.long(acc); length == 0 {
				return false
			}
		}
		acc <<= length & 63
		n -= length
		size := int(symbol & 15)
		k += int(symbol >> 4)
		if size == 0 {
			if symbol != 0xf0 {
				if symbol != 0 {
					return false
				}
				d.acc, d.n = acc, n
				return true
			}
			k++
			continue
		}
		coef[columns[k&127]&63] = int16(extend(int32(acc>>(64-size&63)), size))
		acc <<= size & 63
		n -= size
		k++
	}
	d.acc, d.n = acc, n
	return k == 64 // beyond that the block has too many
}

// difference reads by how much a DC coefficient differs from the one before.
func (d *decoder) difference(dc *huffman) (int32, bool) {
	if d.n < enough {
		d.fill()
	}
	e := dc.look[d.acc>>(64-lookBits)]
	length := int(e & 31)
	if e&withValue != 0 {
		d.acc <<= length & 63
		d.n -= length
		return int32(int16(e >> 16)), e>>8&15 == 0
	}
	symbol := byte(e >> 8)
	if length == 0 {
		if symbol, length = dc.long(d.acc); length == 0 {
			return 0, false
		}
	}
	d.acc <<= length & 63
	d.n -= length
	if symbol == 0 {
		return 0, true
	}
	if symbol > 11 {
		return 0, false
	}
	return extend(d.take(int(symbol)), int(symbol)), true
}
