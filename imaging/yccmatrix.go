package imaging

import "revela/imaging/internal/codec"

// Some numbers of matrices in ISO/IEC 23091-2.
const (
	matrixIdentity = 0
	matrixNone     = 2 // not said
)

// yccMatrix is how luma and chroma, of which chroma is -0.5 to 0.5, become red,
// green and blue: by rows, without the first column, which is 1.
type yccMatrix [3][2]float64

// weights is the matrix whose luma weighs red by kr and blue by kb.
func weights(kr, kb float64) yccMatrix {
	kg := 1 - kr - kb
	return yccMatrix{
		{0, 2 * (1 - kr)},
		{-2 * kb * (1 - kb) / kg, -2 * kr * (1 - kr) / kg},
		{2 * (1 - kb), 0},
	}
}

var ycc601 = weights(0.299, 0.114)

// matrixOf is the matrix of a number.
func matrixOf(c codec.Colour) (yccMatrix, error) {
	switch c.Matrix {
	case 1:
		return weights(0.2126, 0.0722), nil
	case matrixNone, 3, 5, 6:
		return ycc601, nil
	case 4:
		return weights(0.30, 0.11), nil
	case 7:
		return weights(0.212, 0.087), nil
	case 8: // YCgCo
		return yccMatrix{{-1, 1}, {1, 0}, {-1, -1}}, nil
	case 9:
		return weights(0.2627, 0.0593), nil
	case 12: // follows from the primaries
		switch c.Primaries {
		case 1:
			return weights(0.2126, 0.0722), nil
		case 9:
			return weights(0.2627, 0.0593), nil
		case 12:
			return weights(0.2290, 0.0793), nil
		}
	}
	return ycc601, unsupported("colours by the matrix number %d", c.Matrix)
}

// toJPEG changes luma and chroma from another matrix to JPEG's. Both have grey
// where chroma is zero, so luma changes by the chroma only.
func (p *planes) toJPEG(m yccMatrix) {
	if m == ycc601 || p.chroma == codec.None {
		return
	}
	const kr, kg, kb = 0.299, 0.587, 0.114
	// Per column of chroma: what luma gains, and the new chroma.
	var gain [2]float64
	var to [2][2]float64
	for j := range 2 {
		gain[j] = kr*m[0][j] + kg*m[1][j] + kb*m[2][j]
		to[0][j] = (m[2][j] - gain[j]) / (2 * (1 - kb))
		to[1][j] = (m[0][j] - gain[j]) / (2 * (1 - kr))
	}
	const one = 1 << 16
	fixed := func(v float64) int32 {
		if v < 0 {
			return -int32(-v*one + 0.5)
		}
		return int32(v*one + 0.5)
	}
	g0, g1 := fixed(gain[0]), fixed(gain[1])
	cw, ch := p.size(1)
	for y := range p.h {
		cy := y * ch / p.h
		if p.chroma == codec.Chroma420 {
			cy = y / 2
		}
		luma := p.pix[0][y*p.w:][:p.w]
		cb, cr := p.pix[1][cy*cw:][:cw], p.pix[2][cy*cw:][:cw]
		shift := 1
		if p.chroma == codec.Chroma444 {
			shift = 0
		}
		for x := range luma {
			u, v := int32(cb[x>>shift])-128, int32(cr[x>>shift])-128
			luma[x] = clamp16(int32(luma[x])<<16 + one/2 + g0*u + g1*v)
		}
	}
	a, b, c, d := fixed(to[0][0]), fixed(to[0][1]), fixed(to[1][0]), fixed(to[1][1])
	for i := range p.pix[1] {
		u, v := int32(p.pix[1][i])-128, int32(p.pix[2][i])-128
		p.pix[1][i] = clamp16(128<<16 + one/2 + a*u + b*v)
		p.pix[2][i] = clamp16(128<<16 + one/2 + c*u + d*v)
	}
}
