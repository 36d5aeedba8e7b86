package jpeg

// Image is an opaque picture as JPEG holds it: one plane of grey, or luma and two
// of chroma, all of full range.
type Image struct {
	W, H   int // pixels
	Scale  int // pixels each way that a luma sample stands for: 1, 2, 4 or 8
	FX, FY int // luma samples across and down that a chroma sample stands for: 1, 2 or 4
	Planes []Plane
}

// Plane is rows of W bytes, each beginning Stride bytes after the one before.
type Plane struct {
	Pix          []byte
	Stride, W, H int
}

// New returns an Image for a picture of w x h pixels with 1 or 3 planes. In memory
// its luma is as large as chroma is where that reaches further.
func New(w, h, scale, planes, fx, fy int) *Image {
	m := &Image{W: w, H: h, Scale: scale, FX: fx, FY: fy, Planes: make([]Plane, planes)}
	for i := range m.Planes {
		p := &m.Planes[i]
		p.W, p.H = ceilDiv(w, scale), ceilDiv(h, scale)
		across, down := ceilDiv(p.W, fx), ceilDiv(p.H, fy)
		if i > 0 {
			p.W, p.H = across, down
		} else {
			across, down = across*fx, down*fy
		}
		p.Stride = across
		p.Pix = make([]byte, across*down)
	}
	return m
}

// Even returns m with luma that is as large in memory as chroma, of which a sample
// stands for fx x fy, reaches; what is added repeats the last samples. It is m
// itself if nothing is to add.
func (m *Image) Even() *Image {
	w, h := ceilDiv(m.W, m.FX)*m.FX, ceilDiv(m.H, m.FY)*m.FY
	if len(m.Planes) == 1 || w == m.W && h == m.H {
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
