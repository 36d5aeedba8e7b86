package jpeg

import "revela/imaging/internal/recycle"

// Image is an opaque picture as JPEG holds it: planes of one component each, all of
// full range. What the components mean is not known here.
type Image struct {
	W, H    int       // pixels
	Scale   int       // by how much the picture is reduced each way: 1, 2, 4 or 8
	Factors []Factors // of each plane
	Planes  []Plane
}

// Factors say how often a component is sampled beside the others, across and down,
// each 1 to 4, as in a file: across<<4 | down.
type Factors byte

// Across is the factor along rows.
func (f Factors) Across() int { return int(f >> 4) }

// Down is the factor along columns.
func (f Factors) Down() int { return int(f & 15) }

// Plane is rows of W bytes, each beginning Stride bytes after the one before.
type Plane struct {
	Pix          []byte
	Stride, W, H int
}

// New returns an Image for a picture of w x h pixels with a plane for each of the
// factors, of any content. Its memory may be given back with Recycle. In memory its
// luma is as large as chroma is where that reaches further.
func New(w, h, scale int, factors ...Factors) *Image {
	m := &Image{W: w, H: h, Scale: scale, Factors: factors, Planes: make([]Plane, len(factors))}
	across, down := m.Finest()
	for i, f := range factors {
		m.Planes[i].W = ceilDiv(w*f.Across(), across*scale)
		m.Planes[i].H = ceilDiv(h*f.Down(), down*scale)
	}
	fx, fy := m.Chroma()
	for i := range m.Planes {
		p := &m.Planes[i]
		p.Stride = p.W
		rows := p.H
		if i == 0 && len(m.Planes) > 1 && fx > 0 {
			p.Stride, rows = m.Planes[1].W*fx, m.Planes[1].H*fy
		}
		p.Pix = recycle.Bytes.Take(p.Stride * rows)
	}
	return m
}

// Recycle gives the memory of the planes that New made to the next picture.
func (m *Image) Recycle() {
	for i := range m.Planes {
		recycle.Bytes.Give(m.Planes[i].Pix)
	}
	m.Planes = nil
}

// Finest is the largest factors of all planes: where a plane has less of them, its
// samples stand for more pixels.
func (m *Image) Finest() (across, down int) {
	for _, f := range m.Factors {
		across, down = max(across, f.Across()), max(down, f.Down())
	}
	return across, down
}

// Chroma is how many samples of luma, which is the first plane, a sample of the two
// others stands for across and down. It is zero if those are not alike, if it is no
// whole number, or if there are not three planes; one if there is only luma.
func (m *Image) Chroma() (fx, fy int) {
	if len(m.Factors) == 1 {
		return 1, 1
	}
	if len(m.Factors) != 3 || m.Factors[1] != m.Factors[2] {
		return 0, 0
	}
	y, c := m.Factors[0], m.Factors[1]
	if y.Across()%c.Across() != 0 || y.Down()%c.Down() != 0 {
		return 0, 0
	}
	return y.Across() / c.Across(), y.Down() / c.Down()
}

// Even returns m with luma that is as large in memory as chroma, of which a sample
// stands for several, reaches; what is added repeats the last samples. It is m
// itself if nothing is to add.
func (m *Image) Even() *Image {
	fx, fy := m.Chroma()
	if len(m.Planes) == 1 || fx == 0 {
		return m
	}
	w, h := ceilDiv(m.W, fx)*fx, ceilDiv(m.H, fy)*fy
	if w == m.W && h == m.H {
		return m
	}
	out := *m
	out.Planes = append([]Plane(nil), m.Planes...)
	from, to := &m.Planes[0], &out.Planes[0]
	to.Stride = w
	to.Pix = make([]byte, w*h)
	for y := range h {
		src := from.Pix[min(y, m.H-1)*from.Stride:][:m.W]
		row := to.Pix[y*w:][:w]
		for x := copy(row, src); x < w; x++ {
			row[x] = src[m.W-1]
		}
	}
	return &out
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
