package jpeg

import "math"

// forward makes quantized coefficients, columns first, of n blocks of 8 x 8 bytes
// that lie side by side. scale is what to multiply each by (reciprocals).
//
// src must have room for a multiple of blockBatch blocks, and coef too.
type forward func(coef []int16, src []byte, stride int, scale *[64]float32, n int)

// forwardBits leaves five bits more than a whole number between the passes.
const forwardBits = basisBits - 5

func fdct8(coef []int16, src []byte, stride int, scale *[64]float32, n int) {
	var mid [64]int32
	for b := range n {
		in := src[8*b:]
		out := (*[64]int16)(coef[64*b:])
		for c := range 8 {
			var x [8]int32
			for r := range x {
				x[r] = int32(in[r*stride+c]) - 128
			}
			for k := range 8 {
				mid[8*k+c] = int32(saturate((frequency(&x, k) + 1<<(forwardBits-1)) >> forwardBits))
			}
		}
		for r := range 8 {
			x := (*[8]int32)(mid[8*r:])
			for k := range 8 {
				v := float32(frequency(x, k)) * scale[8*k+r]
				out[8*k+r] = saturate(int32(math.RoundToEven(float64(v))))
			}
		}
	}
}

// frequency is the k-th of eight samples.
func frequency(x *[8]int32, k int) (sum int32) {
	for i := range 4 {
		v := x[i] + x[7-i]
		if k&1 == 1 {
			v = x[i] - x[7-i]
		}
		sum += basis8[i][k] * v
	}
	return sum
}

// reciprocals are the factors that quantize what the transform leaves.
func reciprocals(quant *[64]byte) *[64]float32 {
	out := new([64]float32)
	for i, q := range quant {
		out[columns[i]] = 1 / (float32(q) * (1 << (2*basisBits - forwardBits)))
	}
	return out
}

var fastestForward = accelerateForward()
