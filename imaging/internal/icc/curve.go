package icc

import (
	"encoding/binary"
	"math"
)

// curve maps one channel, 0 to 1, to 0 to 1.
type curve func(float64) float64

// readCurve reads a curv or para element and says how many bytes it has.
func readCurve(b []byte) (curve, int, error) {
	if len(b) < 12 {
		return nil, 0, errShort
	}
	switch string(b[:4]) {
	case "curv":
		n := int(binary.BigEndian.Uint32(b[8:]))
		if n > (len(b)-12)/2 {
			return nil, 0, errShort
		}
		size := 12 + 2*n
		switch n {
		case 0:
			return func(v float64) float64 { return v }, size, nil
		case 1:
			return power(float64(binary.BigEndian.Uint16(b[12:])) / 256), size, nil
		}
		return sampled(b[12:size], 2), size, nil
	case "para":
		return readPara(b)
	}
	return nil, 0, errKind
}

// sampled is a curve of samples of 1 or 2 bytes.
func sampled(b []byte, width int) curve {
	table := make([]float64, len(b)/width)
	for i := range table {
		if width == 1 {
			table[i] = float64(b[i]) / 255
		} else {
			table[i] = float64(binary.BigEndian.Uint16(b[2*i:])) / 65535
		}
	}
	last := len(table) - 1
	return func(v float64) float64 {
		at := clamp(v) * float64(last)
		i := min(int(at), max(last-1, 0))
		f := at - float64(i)
		return table[i]*(1-f) + table[min(i+1, last)]*f
	}
}

// clamp keeps a number within 0 and 1. One that is no number is 0.
func clamp(v float64) float64 {
	if !(v > 0) {
		return 0
	}
	return min(v, 1)
}

func power(g float64) curve {
	return func(v float64) float64 { return math.Pow(max(v, 0), g) }
}

// readPara reads a parametric curve: (ax+b)^g+e from d upwards, and cx+f below.
func readPara(b []byte) (curve, int, error) {
	kind := int(binary.BigEndian.Uint16(b[8:]))
	if kind > 4 {
		return nil, 0, errKind
	}
	n := [...]int{1, 3, 4, 5, 7}[kind]
	size := 12 + 4*n
	if len(b) < size {
		return nil, 0, errShort
	}
	var p [7]float64
	for i := range n {
		p[i] = fixed(b[12+4*i:])
	}
	g, a, bb, c, d, e, f := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	switch kind {
	case 0:
		return power(g), size, nil
	case 1, 2: // from where ax+b is 0; what is added is the fourth number
		if a == 0 {
			return nil, 0, errKind
		}
		c, d, e, f = 0, -bb/a, p[3], p[3]
		if kind == 1 {
			e, f = 0, 0
		}
	}
	return func(v float64) float64 {
		if v < d {
			return c*v + f
		}
		return math.Pow(max(a*v+bb, 0), g) + e
	}, size, nil
}

// fixed reads a number of 16 bits before and 16 bits after the point.
func fixed(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / 65536 }

// The curve of sRGB and Display P3.
func fromSRGB(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func toSRGB(v float64) float64 {
	if v = clamp(v); v <= 0.0031308 {
		return 12.92 * v
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}
