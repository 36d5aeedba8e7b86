package resample

import "math"

// What the kernels work in steps of; lengths are rounded up to it.
const (
	batch = 8  // results along a row
	wide  = 16 // samples of a row in the vertical kernel
)

// kernels are the inner loops.
type kernels struct {
	// widen makes samples of bytes.
	widen func(dst []int16, src []byte)
	// narrow rounds samples to bytes.
	narrow func(dst []byte, src []int16)
	// horizontal makes a row of the results that an axis weights, of pixels of
	// one or four channels.
	horizontal func(dst, src []int16, a *Axis, channels int)
	// vertical adds up rows of a ring, of which the samples begin at the
	// given places, by weights.
	vertical func(dst, ring []int16, rows []int32, weights []int16)
}

var portable = kernels{widen, narrow, horizontal, vertical}

func widen(dst []int16, src []byte) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = int16(v) << Frac
	}
}

func narrow(dst []byte, src []int16) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = byte(min(max((int32(v)+1<<(Frac-1))>>Frac, 0), 255))
	}
}

func horizontal(dst, src []int16, a *Axis, channels int) {
	for i := range a.dst {
		w := a.weights[i*a.taps:][:a.taps]
		if channels == 1 {
			dst[i] = dot(src[a.start[i]:], w)
			continue
		}
		in := src[4*int(a.start[i]):][:4*len(w)]
		var c0, c1, c2, c3 int32 = one / 2, one / 2, one / 2, one / 2
		for k, v := range w {
			p, v := in[4*k:4*k+4:4*k+4], int32(v)
			c0 += int32(p[0]) * v
			c1 += int32(p[1]) * v
			c2 += int32(p[2]) * v
			c3 += int32(p[3]) * v
		}
		out := dst[4*i : 4*i+4 : 4*i+4]
		out[0], out[1], out[2], out[3] = settle(c0), settle(c1), settle(c2), settle(c3)
	}
}

func dot(src, w []int16) int16 {
	src = src[:len(w)]
	var sum int32 = one / 2
	for k, v := range w {
		sum += int32(src[k]) * int32(v)
	}
	return settle(sum)
}

func vertical(dst, ring []int16, rows []int32, weights []int16) {
	// In pieces that stay in the first cache while all taps are added.
	const piece = 512
	var sums [piece]int32
	for from := 0; from < len(dst); from += piece {
		out := dst[from:min(from+piece, len(dst))]
		acc := sums[:len(out)]
		for x := range acc {
			acc[x] = one / 2
		}
		for k, w := range weights {
			if w == 0 {
				continue
			}
			row := ring[int(rows[k])+from:][:len(acc)]
			for x, v := range row {
				acc[x] += int32(v) * int32(w)
			}
		}
		for x, v := range acc {
			out[x] = settle(v)
		}
	}
}

// settle takes the weights' scale out of a sum.
func settle(sum int32) int16 {
	return int16(min(max(sum>>weightBits, math.MinInt16), math.MaxInt16))
}
