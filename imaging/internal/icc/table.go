package icc

import "encoding/binary"

// table reads an A2B element: curves, a table of many dimensions, curves.
func (p *profile) table(b []byte, channels int) (*Source, error) {
	if len(b) < 32 {
		return nil, errShort
	}
	if int(b[8]) != channels || b[9] != 3 {
		return nil, errKind
	}
	var (
		s   stages
		err error
	)
	kind := string(b[:4])
	switch kind {
	case "mft1", "mft2":
		s, err = readMft(b, channels)
	case "mAB ":
		s, err = readMAB(b, channels)
	default:
		return nil, errKind
	}
	if err != nil {
		return nil, err
	}
	pcs := p.pcs(kind)
	return &Source{channels: channels, toXYZ: func(d [4]float64) vec { return pcs(s.run(d)) }}, nil
}

// pcs is how the numbers of 0 to 1 that come out of a table are meant.
func (p *profile) pcs(kind string) func(vec) vec {
	if !p.lab {
		const most = 1 + 32767.0/32768
		return func(v vec) vec { return vec{v[0] * most, v[1] * most, v[2] * most} }
	}
	// Version 2 has 100 at FF00 and 0 at 8000 in 16 bits.
	l, ab, zero := 100.0, 255.0, 128.0
	if kind == "mft2" {
		l, ab = 100*65535.0/65280, 255*65535.0/65280
	}
	return func(v vec) vec { return labToXYZ(vec{v[0] * l, v[1]*ab - zero, v[2]*ab - zero}) }
}

// stages is what a table does, in this order. Nil ones do nothing.
type stages struct {
	in     []curve
	grid   *grid
	mid    []curve
	matrix *mat
	offset vec
	out    []curve
}

func (s *stages) run(d [4]float64) vec {
	for i, c := range s.in {
		d[i] = c(d[i])
	}
	v := vec{d[0], d[1], d[2]}
	if s.grid != nil {
		v = s.grid.at(d)
	}
	for i, c := range s.mid {
		v[i] = c(v[i])
	}
	if s.matrix != nil {
		v = s.matrix.mul(v)
		for i := range v {
			v[i] += s.offset[i]
		}
	}
	for i, c := range s.out {
		v[i] = c(v[i])
	}
	return v
}

// readMft reads the tables of version 2.
func readMft(b []byte, channels int) (stages, error) {
	var s stages
	if len(b) < 52 {
		return s, errShort
	}
	width, at, in, out := 1, 48, 256, 256
	if string(b[:4]) == "mft2" {
		width, at = 2, 52
		in, out = int(binary.BigEndian.Uint16(b[48:])), int(binary.BigEndian.Uint16(b[50:]))
	}
	if in < 2 || out < 2 {
		return s, errKind
	}
	rest := b[at:]
	curves := func(n, samples int) ([]curve, bool) {
		if len(rest) < n*samples*width {
			return nil, false
		}
		var cs []curve
		for range n {
			cs = append(cs, sampled(rest[:samples*width], width))
			rest = rest[samples*width:]
		}
		return cs, true
	}
	var ok bool
	if s.in, ok = curves(channels, in); !ok {
		return s, errShort
	}
	var dims [4]int
	for i := range channels {
		dims[i] = int(b[10])
	}
	g, size, err := readGrid(rest, dims, channels, width)
	if err != nil {
		return s, err
	}
	s.grid = g
	rest = rest[size:]
	if s.out, ok = curves(3, out); !ok {
		return s, errShort
	}
	return s, nil
}

// readMAB reads the tables of version 4.
func readMAB(b []byte, channels int) (stages, error) {
	var s stages
	part := func(at int) ([]byte, bool, error) {
		off := int(binary.BigEndian.Uint32(b[at:]))
		if off == 0 {
			return nil, false, nil
		}
		if off > len(b) {
			return nil, false, errShort
		}
		return b[off:], true, nil
	}
	curves := func(at, n int) ([]curve, error) {
		rest, ok, err := part(at)
		if err != nil || !ok {
			return nil, err
		}
		var cs []curve
		for range n {
			c, size, err := readCurve(rest)
			if err != nil {
				return nil, err
			}
			cs = append(cs, c)
			rest = rest[min((size+3)&^3, len(rest)):]
		}
		return cs, nil
	}
	var err error
	if s.out, err = curves(12, 3); err != nil {
		return s, err
	}
	if s.mid, err = curves(20, 3); err != nil {
		return s, err
	}
	if s.in, err = curves(28, channels); err != nil {
		return s, err
	}
	if rest, ok, err := part(16); err != nil {
		return s, err
	} else if ok {
		if len(rest) < 48 {
			return s, errShort
		}
		s.matrix = new(mat)
		for i := range 9 {
			s.matrix[i/3][i%3] = fixed(rest[4*i:])
		}
		for i := range 3 {
			s.offset[i] = fixed(rest[36+4*i:])
		}
	}
	rest, ok, err := part(24)
	if err != nil {
		return s, err
	}
	if !ok {
		if channels != 3 {
			return s, errKind
		}
		return s, nil
	}
	if len(rest) < 20 {
		return s, errShort
	}
	var dims [4]int
	for i := range channels {
		dims[i] = int(rest[i])
	}
	s.grid, _, err = readGrid(rest[20:], dims, channels, int(rest[16]))
	return s, err
}

// grid is a table of colours over up to four dimensions, the last of which is
// the one that runs fastest.
type grid struct {
	n    int
	dims [4]int
	data []float32
}

// readGrid reads samples of 1 or 2 bytes and says how many bytes they have.
func readGrid(b []byte, dims [4]int, n, width int) (*grid, int, error) {
	if width != 1 && width != 2 {
		return nil, 0, errKind
	}
	total := 3
	for _, d := range dims[:n] {
		if d < 2 {
			return nil, 0, errKind
		}
		if total *= d; total*width > len(b) {
			return nil, 0, errShort
		}
	}
	g := &grid{n: n, dims: dims, data: make([]float32, total)}
	for i := range g.data {
		if width == 1 {
			g.data[i] = float32(b[i]) / 255
		} else {
			g.data[i] = float32(binary.BigEndian.Uint16(b[2*i:])) / 65535
		}
	}
	return g, total * width, nil
}

// at interpolates within the simplex that a colour is in: from the corner of its
// cell with the least of everything along the channels, the one that it has most
// of first. That keeps greys grey where the corners are.
func (g *grid) at(d [4]float64) vec {
	var (
		frac   [4]float64
		stride [4]int
		order  [4]int
	)
	base, step := 0, 3
	for i := g.n - 1; i >= 0; i-- {
		x := clamp(d[i]) * float64(g.dims[i]-1)
		cell := min(int(x), g.dims[i]-2)
		frac[i], stride[i] = x-float64(cell), step
		base += cell * step
		step *= g.dims[i]
	}
	for i := range g.n { // a few numbers: sorted by insertion
		j := i
		for ; j > 0 && frac[order[j-1]] < frac[i]; j-- {
			order[j] = order[j-1]
		}
		order[j] = i
	}
	var v vec
	weight := 1.0
	for i := 0; ; i++ {
		next := 0.0
		if i < g.n {
			next = frac[order[i]]
		}
		for c := range v {
			v[c] += (weight - next) * float64(g.data[base+c])
		}
		if i == g.n {
			return v
		}
		weight = next
		base += stride[order[i]]
	}
}
