package icc

import "sync"

// Target is a space that pictures are given to the world in.
type Target int

// The targets. Both have the curve of sRGB.
const (
	SRGB Target = iota
	DisplayP3
)

// linear is the matrix from XYZ to the target's linear light.
var linear = func() [2]mat {
	s, p := srgb.toXYZ(), displayP3.toXYZ()
	return [2]mat{s.inverse(), p.inverse()}
}()

// Target is the smaller space that holds the colours of s. Grey and CMYK are
// sRGB.
func (s *Source) Target() Target {
	if s.channels != 3 {
		return SRGB
	}
	// How far a pure colour may be outside of sRGB, in linear light: profiles
	// of sRGB itself are off by a little.
	const slack = 0.02
	for i := 1; i < 7; i++ {
		v := linear[SRGB].mul(s.toXYZ([4]float64{float64(i & 1), float64(i >> 1 & 1), float64(i >> 2)}))
		for _, x := range v {
			if x < -slack || x > 1+slack {
				return DisplayP3
			}
		}
	}
	return SRGB
}

// Transform converts pixels of 8 bits a channel. It is safe for concurrent use.
type Transform struct {
	grey *[256]byte // of one channel

	curves *[3][256]float32 // of RGB by a matrix
	matrix [3][3]float32

	cells *cells // of all else
}

// New makes the transform from s to a target. It is nil if what it would do
// cannot be seen: if no colour changes by more than one step of 255.
func New(s *Source, to Target) *Transform {
	if to == SRGB && s == Ink() {
		return inkToSRGB()
	}
	return newTransform(s, to)
}

func newTransform(s *Source, to Target) *Transform {
	encode := s.encoder(to)
	switch {
	case s.channels == 1:
		t := &Transform{grey: new([256]byte)}
		changes := false
		for i := range t.grey {
			t.grey[i] = level(encode([4]float64{float64(i) / 255})[1])
			changes = changes || differs(t.grey[i], i)
		}
		if !changes {
			return nil
		}
		return t
	case s.channels == 3 && s.unchanged(encode):
		return nil
	case s.curves[0] != nil:
		t := &Transform{curves: new([3][256]float32)}
		for c, f := range s.curves {
			for i := range t.curves[c] {
				t.curves[c][i] = float32(clamp(f(float64(i) / 255)))
			}
		}
		m := s.matrix.then(&linear[to])
		for i := range m {
			for j := range m[i] {
				t.matrix[i][j] = float32(m[i][j])
			}
		}
		return t
	}
	return &Transform{cells: newCells(s.channels, encode)}
}

// encoder converts to the target's 0 to 1, with black made black.
func (s *Source) encoder(to Target) func([4]float64) vec {
	black := 0.0
	if s.curves[0] == nil {
		dark := [4]float64{}
		if s.channels == 4 {
			dark = [4]float64{1, 1, 1, 1}
		}
		black = min(clamp(s.toXYZ(dark)[1]), 0.2)
	}
	return func(d [4]float64) vec {
		v := s.toXYZ(d)
		for i := range v {
			v[i] = (v[i] - black*d50[i]) / (1 - black)
		}
		v = linear[to].mul(v)
		return vec{toSRGB(v[0]), toSRGB(v[1]), toSRGB(v[2])}
	}
}

// unchanged reports whether RGB stays what it is.
func (s *Source) unchanged(encode func([4]float64) vec) bool {
	const n = 8
	for i := range (n + 1) * (n + 1) * (n + 1) {
		in := [3]int{i % (n + 1) * 255 / n, i / (n + 1) % (n + 1) * 255 / n, i / (n + 1) / (n + 1) * 255 / n}
		out := encode([4]float64{float64(in[0]) / 255, float64(in[1]) / 255, float64(in[2]) / 255})
		for c, v := range out {
			if differs(level(v), in[c]) {
				return false
			}
		}
	}
	return true
}

func differs(a byte, b int) bool { return int(a) > b+1 || int(a) < b-1 }

func level(v float64) byte { return byte(clamp(v)*255 + 0.5) }

// encoded is sRGB's curve, finely enough that the steep part near black is right
// to a quarter of a step.
var encoded = sync.OnceValue(func() *[1 << 14]byte {
	var t [1 << 14]byte
	for i := range t {
		t[i] = level(toSRGB(float64(i) / (1<<14 - 1)))
	}
	return &t
})

// Grey converts samples of grey in place. The transform may be one of RGB, whose
// greys are taken then.
func (t *Transform) Grey(pix []byte) {
	table := t.grey
	if table == nil {
		table = new([256]byte)
		for i := range table {
			p := [4]byte{byte(i), byte(i), byte(i)}
			t.RGB(p[:])
			table[i] = p[1]
		}
	}
	for i, v := range pix {
		pix[i] = table[v]
	}
}

// Greys is Grey for pixels of four bytes, whose fourth is left as it is. The transform
// must be one of grey.
func (t *Transform) Greys(pix []byte) {
	for i := 0; i < len(pix); i += 4 {
		p := pix[i : i+3 : i+3]
		p[0], p[1], p[2] = t.grey[p[0]], t.grey[p[1]], t.grey[p[2]]
	}
}

// RGB converts pixels of four bytes in place and leaves the fourth as it is.
func (t *Transform) RGB(pix []byte) {
	switch {
	case t.curves != nil:
		t.shape(pix)
	case t.cells != nil:
		for i := 0; i < len(pix); i += 4 {
			p := pix[i : i+4 : i+4]
			p[0], p[1], p[2] = t.cells.at([4]byte{p[0], p[1], p[2]})
		}
	}
}

// CMYK converts ink, of which 255 is most, in four planes to pixels of four
// bytes. The fourth becomes 255.
func (t *Transform) CMYK(pix []byte, c, m, y, k []byte) {
	for i := range c {
		p := pix[4*i : 4*i+4 : 4*i+4]
		p[0], p[1], p[2] = t.cells.at([4]byte{c[i], m[i], y[i], k[i]})
		p[3] = 255
	}
}

func (t *Transform) shape(pix []byte) {
	table := encoded()
	const top = float32(len(table) - 1)
	m := &t.matrix
	for i := 0; i < len(pix); i += 4 {
		p := pix[i : i+4 : i+4]
		r, g, b := t.curves[0][p[0]], t.curves[1][p[1]], t.curves[2][p[2]]
		for c := range 3 {
			v := (m[c][0]*r+m[c][1]*g+m[c][2]*b)*top + 0.5
			p[c] = table[int(min(max(v, 0), top))]
		}
	}
}

// cells is a transform worked out at the corners of a grid: an ICC table itself
// would be ten times slower.
type cells struct {
	n, side int
	data    []int32 // 255 is 255 << 16
}

func newCells(n int, encode func([4]float64) vec) *cells {
	side := 33
	if n == 4 {
		side = 17
	}
	total := 1
	for range n {
		total *= side
	}
	c := &cells{n: n, side: side, data: make([]int32, 3*total)}
	for i := range total {
		var d [4]float64
		for rest, j := i, n-1; j >= 0; j-- {
			d[j] = float64(rest%side) / float64(side-1)
			rest /= side
		}
		for k, v := range encode(d) {
			c.data[3*i+k] = int32(v * (255 << 16))
		}
	}
	return c
}

// at interpolates as grid.at does.
func (c *cells) at(d [4]byte) (byte, byte, byte) {
	var (
		frac   [4]int64
		stride [4]int
		order  [4]int
	)
	base, step := 0, 3
	for i := c.n - 1; i >= 0; i-- {
		x := int(d[i]) * (c.side - 1)
		cell := min(x/255, c.side-2)
		frac[i], stride[i] = int64(x-255*cell), step
		base += cell * step
		step *= c.side
	}
	for i := range c.n {
		j := i
		for ; j > 0 && frac[order[j-1]] < frac[i]; j-- {
			order[j] = order[j-1]
		}
		order[j] = i
	}
	var v [3]int64
	weight := int64(255)
	for i := 0; ; i++ {
		next := int64(0)
		if i < c.n {
			next = frac[order[i]]
		}
		for k := range v {
			v[k] += (weight - next) * int64(c.data[base+k])
		}
		if i == c.n {
			break
		}
		weight = next
		base += stride[order[i]]
	}
	const half = 255 << 15
	return byte((v[0] + half) / (255 << 16)), byte((v[1] + half) / (255 << 16)), byte((v[2] + half) / (255 << 16))
}
