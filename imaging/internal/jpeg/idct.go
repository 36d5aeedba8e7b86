package jpeg

import "math"

// A transform makes bytes of the coefficients of n blocks that lie side by side,
// at places of 8, 4, 2 or 1 bytes each way. The coefficients of a block are in
// columns, since the decoder can put them anywhere and the kernels want it so;
// quant is in the same order.
//
// Reduced ones take the lowest frequencies only, as those of a smaller block.
//
// dst must have room for a multiple of blockBatch blocks, and coef hold as many.
type transform func(dst []byte, stride int, coef []int16, quant *[64]int16, n int)

// blockBatch is how many blocks kernels take at once, at most.
const blockBatch = 4

const (
	basisBits = 14
	firstBits = basisBits - 2 // two bits more than a whole number between the passes
	lastBits  = basisBits + 2

	firstHalf = 1 << (firstBits - 1)
	lastHalf  = 128<<lastBits + 1<<(lastBits-1)
)

// basis8 is the cosines' samples 0 to 3; the others mirror them. basis4 is those of
// four points.
var basis8, basis4 = makeBasis(8), makeBasis(4)

func makeBasis(n int) (out [4][8]int32) {
	for i := range n / 2 {
		for k := range n {
			v := 0.5 * math.Cos(float64((2*i+1)*k)*math.Pi/float64(2*n))
			if k == 0 {
				v = math.Sqrt(1.0 / 8)
			}
			out[i][k] = int32(math.Round(v * (1 << basisBits)))
		}
	}
	return out
}

func idct8(dst []byte, stride int, coef []int16, quant *[64]int16, n int) {
	var mid [64]int16
	for b := range n {
		in := (*[64]int16)(coef[64*b:])
		out := dst[8*b:]
		for c := range 8 {
			var x [8]int32
			for r := range x {
				x[r] = int32(in[8*r+c] * quant[8*r+c])
			}
			for i := range 4 {
				e, o := butterfly8(&x, i)
				mid[8*c+i] = saturate((firstHalf + e + o) >> firstBits)
				mid[8*c+7-i] = saturate((firstHalf + e - o) >> firstBits)
			}
		}
		for c := range 8 {
			var x [8]int32
			for r := range x {
				x[r] = int32(mid[8*r+c])
			}
			for i := range 4 {
				e, o := butterfly8(&x, i)
				out[i*stride+c] = toByte((lastHalf + e + o) >> lastBits)
				out[(7-i)*stride+c] = toByte((lastHalf + e - o) >> lastBits)
			}
		}
	}
}

// butterfly8 is what the even and the odd cosines add to sample i.
func butterfly8(x *[8]int32, i int) (even, odd int32) {
	w := &basis8[i]
	return w[0]*x[0] + w[2]*x[2] + w[4]*x[4] + w[6]*x[6], w[1]*x[1] + w[3]*x[3] + w[5]*x[5] + w[7]*x[7]
}

func idct4(dst []byte, stride int, coef []int16, quant *[64]int16, n int) {
	var mid [16]int16
	for b := range n {
		in := (*[64]int16)(coef[64*b:])
		out := dst[4*b:]
		for c := range 4 {
			x0, x1 := int32(in[c]*quant[c]), int32(in[8+c]*quant[8+c])
			x2, x3 := int32(in[16+c]*quant[16+c]), int32(in[24+c]*quant[24+c])
			for i := range 2 {
				w := &basis4[i]
				e, o := w[0]*x0+w[2]*x2, w[1]*x1+w[3]*x3
				mid[4*c+i] = saturate((firstHalf + e + o) >> firstBits)
				mid[4*c+3-i] = saturate((firstHalf + e - o) >> firstBits)
			}
		}
		for c := range 4 {
			x0, x1, x2, x3 := int32(mid[c]), int32(mid[4+c]), int32(mid[8+c]), int32(mid[12+c])
			for i := range 2 {
				w := &basis4[i]
				e, o := w[0]*x0+w[2]*x2, w[1]*x1+w[3]*x3
				out[i*stride+c] = toByte((lastHalf + e + o) >> lastBits)
				out[(3-i)*stride+c] = toByte((lastHalf + e - o) >> lastBits)
			}
		}
	}
}

func idct2(dst []byte, stride int, coef []int16, quant *[64]int16, n int) {
	upper, lower := dst[:2*n], dst[stride:][:2*n]
	for b := range n {
		in := (*[64]int16)(coef[64*b:])
		x00, x10 := int32(in[0]*quant[0])+128*8+4, int32(in[1]*quant[1])
		x01, x11 := int32(in[8]*quant[8]), int32(in[9]*quant[9])
		upper[2*b], upper[2*b+1] = toByte((x00+x01+x10+x11)>>3), toByte((x00-x01+x10-x11)>>3)
		lower[2*b], lower[2*b+1] = toByte((x00+x01-x10-x11)>>3), toByte((x00-x01-x10+x11)>>3)
	}
}

func idct1(dst []byte, _ int, coef []int16, quant *[64]int16, n int) {
	for b := range dst[:n] {
		dst[b] = toByte((int32(coef[64*b]*quant[0]) + 128*8 + 4) >> 3)
	}
}

func saturate(v int32) int16 { return int16(min(max(v, math.MinInt16), math.MaxInt16)) }

func toByte(v int32) byte { return byte(min(max(v, 0), 255)) }

// transforms returns the fastest transforms to blocks of 8, 4, 2 and 1 samples a
// side, by the scale.
func transforms() map[int]transform {
	t := map[int]transform{1: idct8, 2: idct4, 4: idct2, 8: idct1}
	accelerate(t)
	return t
}

var fastest = transforms()
