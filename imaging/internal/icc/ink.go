package icc

import (
	"math"
	"sync"
)

// Ink is CMYK of which nothing is known: offset printing on coated paper, as the
// better part of such pictures is made for. Its sixteen overprints are those of
// ISO 12647-2, and between them is what the eye sees of a screen of dots of the
// sixteen colours (Neugebauer), with light that spreads in the paper (Yule and
// Nielsen).
var Ink = sync.OnceValue(func() *Source {
	// L*, a* and b* by the bits cyan, magenta, yellow, black, on the paper.
	lab := [16]vec{
		{95, 0, -2}, {55, -37, -50}, {48, 74, -3}, {24, 22, -46},
		{89, -5, 93}, {50, -65, 27}, {47, 68, 48}, {23, 0, 0},
		{16, 0, 0}, {11, -4, -6}, {10, 6, -2}, {8, 2, -5},
		{14, -1, 5}, {10, -6, 2}, {9, 5, 3}, {7, 0, 0},
	}
	const spread = 1.9
	var colours [16]vec
	paper := labToXYZ(lab[0])
	for i, l := range lab {
		v := labToXYZ(l)
		for c := range v {
			colours[i][c] = math.Pow(max(v[c]/paper[c], 0), 1/spread)
		}
	}
	return &Source{channels: 4, toXYZ: func(d [4]float64) vec {
		for i, v := range d { // dots grow in print, most of all in the middle
			v = clamp(v)
			d[i] = v + 4*0.06*v*(1-v)
		}
		var sum vec
		for i, colour := range colours {
			w := 1.0
			for c, v := range d {
				if i>>c&1 == 0 {
					v = 1 - v
				}
				w *= v
			}
			for c := range sum {
				sum[c] += w * colour[c]
			}
		}
		for c := range sum {
			sum[c] = math.Pow(sum[c], spread) * d50[c]
		}
		return sum
	}}
})

// inkToSRGB is made once: it takes some dozen milliseconds.
var inkToSRGB = sync.OnceValue(func() *Transform { return newTransform(Ink(), SRGB) })
