package icc

// vec is a colour: XYZ with white at Y = 1, or linear red, green and blue.
type vec [3]float64

// mat is a 3 x 3 matrix by rows.
type mat [3]vec

func (m *mat) mul(v vec) vec {
	return vec{
		m[0][0]*v[0] + m[0][1]*v[1] + m[0][2]*v[2],
		m[1][0]*v[0] + m[1][1]*v[1] + m[1][2]*v[2],
		m[2][0]*v[0] + m[2][1]*v[1] + m[2][2]*v[2],
	}
}

// then is m followed by n.
func (m *mat) then(n *mat) mat {
	var out mat
	for j := range 3 {
		col := n.mul(vec{m[0][j], m[1][j], m[2][j]})
		for i := range 3 {
			out[i][j] = col[i]
		}
	}
	return out
}

func (m *mat) inverse() mat {
	var out mat
	det := 0.0
	for i := range 3 {
		for j := range 3 {
			a, b, c, d := (i+1)%3, (i+2)%3, (j+1)%3, (j+2)%3
			out[j][i] = m[a][c]*m[b][d] - m[a][d]*m[b][c]
		}
		det += m[0][i] * out[i][0]
	}
	for i := range 3 {
		for j := range 3 {
			out[i][j] /= det
		}
	}
	return out
}

// d50 is the white of the space that profiles connect through.
var d50 = vec{0.9642, 1, 0.8249}

// xy is a chromaticity.
type xy struct{ x, y float64 }

func (c xy) xyz() vec { return vec{c.x / c.y, 1, (1 - c.x - c.y) / c.y} }

// space is the chromaticities of red, green, blue and white.
type space [4]xy

var d65 = xy{0.3127, 0.3290}

var (
	srgb      = space{{0.64, 0.33}, {0.30, 0.60}, {0.15, 0.06}, d65}
	displayP3 = space{{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}, d65}
	adobeRGB  = space{{0.64, 0.33}, {0.21, 0.71}, {0.15, 0.06}, d65}
	bt2020    = space{{0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}, d65}
)

// toXYZ is the matrix from linear light to XYZ, adapted to D50 as Bradford does.
func (s space) toXYZ() mat {
	var m mat
	for j := range 3 {
		v := s[j].xyz()
		for i := range 3 {
			m[i][j] = v[i]
		}
	}
	white := s[3].xyz()
	inv := m.inverse()
	scale := inv.mul(white)
	for i := range 3 {
		for j := range 3 {
			m[i][j] *= scale[j]
		}
	}
	adapt := bradford(white)
	return m.then(&adapt)
}

// bradford is the matrix that adapts from a white to D50.
func bradford(white vec) mat {
	cone := mat{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}
	from, to := cone.mul(white), cone.mul(d50)
	scale := mat{{to[0] / from[0], 0, 0}, {0, to[1] / from[1], 0}, {0, 0, to[2] / from[2]}}
	back := cone.inverse()
	m := cone.then(&scale)
	return m.then(&back)
}
