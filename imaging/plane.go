package imaging

// plane yields the rows of one channel at another size: averages where it has
// more samples than are wanted, repetitions where it has fewer, as subsampled
// chroma may.
type plane struct {
	pix    []byte
	stride int
	w      int
	xs, ys []box
	halved bool // across, every box is two whole samples
	sums   []uint64
	out    []byte
	held   box // whose row is in out
}

func newPlane(pix []byte, stride, w, h, outW, outH int) *plane {
	return &plane{
		pix: pix, stride: stride, w: w,
		xs: newBoxes(w, outW), ys: newBoxes(h, outH), halved: w == 2*outW,
		sums: make([]uint64, outW), out: make([]byte, outW),
	}
}

// source is row y of the channel.
func (p *plane) source(y int) []byte { return p.pix[y*p.stride:][:p.w] }

// row returns row y of the result, valid until the next call.
func (p *plane) row(y int) []byte {
	b := p.ys[y]
	switch {
	case p.w == len(p.out) && b.exactly(1):
		return p.source(b.from)
	case b == p.held: // repeated
	case p.halved && b.exactly(2):
		p.halve(p.source(b.from), p.source(b.from+1))
	default:
		p.average(b)
	}
	p.held = b
	return p.out
}

// halve is average for the commonest box of 2 x 2.
func (p *plane) halve(upper, lower []byte) {
	upper, lower = upper[:2*len(p.out)], lower[:2*len(p.out)]
	for x := range p.out {
		u, l := upper[2*x:2*x+2:2*x+2], lower[2*x:2*x+2:2*x+2]
		p.out[x] = byte((uint32(u[0]) + uint32(u[1]) + uint32(l[0]) + uint32(l[1]) + 2) / 4)
	}
}

func (p *plane) average(ys box) {
	clear(p.sums)
	for y := ys.from; y < ys.to; y++ {
		src, weight := p.source(y), uint64(ys.weight(y))
		for x := range p.xs {
			b := &p.xs[x]
			sum := uint64(src[b.from]) * uint64(b.first)
			if last := b.to - 1; last > b.from {
				var inner uint64
				for _, v := range src[b.from+1 : last] {
					inner += uint64(v)
				}
				sum += inner*whole + uint64(src[last])*uint64(b.last)
			}
			p.sums[x] += sum * weight
		}
	}
	height := uint64(ys.total())
	for x, sum := range p.sums {
		n := height * uint64(p.xs[x].total())
		p.out[x] = byte((sum + n/2) / n)
	}
}
