package icc

import (
	"errors"
	"math"
)

// FromCICP is RGB by two of the numbers of ISO/IEC 23091-2: those of primaries
// and of the transfer. What is not said (2) is sRGB's.
func FromCICP(primaries, transfer int) (*Source, error) {
	s, ok := map[int]space{
		1: srgb, 2: srgb,
		4:  {{0.67, 0.33}, {0.21, 0.71}, {0.14, 0.08}, {0.310, 0.316}},
		5:  {{0.64, 0.33}, {0.29, 0.60}, {0.15, 0.06}, d65},
		6:  {{0.630, 0.340}, {0.310, 0.595}, {0.155, 0.070}, d65},
		7:  {{0.630, 0.340}, {0.310, 0.595}, {0.155, 0.070}, d65},
		9:  bt2020,
		11: {displayP3[0], displayP3[1], displayP3[2], {0.314, 0.351}},
		12: displayP3,
		22: {{0.630, 0.340}, {0.295, 0.605}, {0.155, 0.077}, d65},
	}[primaries]
	if !ok {
		return nil, errors.New("icc: unknown primaries")
	}
	m := s.toXYZ()
	switch transfer {
	// What cameras write as BT.709's curve is made for a display that shows
	// it about as sRGB's, and everyone shows it so.
	case 1, 2, 6, 13, 14, 15:
		return fromShaper([3]curve{fromSRGB, fromSRGB, fromSRGB}, m), nil
	case 4:
		return gamma(m, 2.2), nil
	case 5:
		return gamma(m, 2.8), nil
	case 8:
		return gamma(m, 1), nil
	case 16:
		return hdr(m, fromPQ), nil
	case 18:
		return hdr(m, fromHLG), nil
	}
	return nil, errors.New("icc: unknown transfer")
}

// FromGamma is RGB by the chromaticities of red, green, blue and white, x and y
// of each, and a power, 0 for the curve of sRGB. Without chromaticities they are
// those of sRGB.
func FromGamma(chroma *[8]float64, g float64) (*Source, error) {
	s := srgb
	if chroma != nil {
		for i := range s {
			s[i] = xy{chroma[2*i], chroma[2*i+1]}
			if s[i].y <= 0 || s[i].x < 0 {
				return nil, errors.New("icc: impossible chromaticities")
			}
		}
	}
	m := s.toXYZ()
	for _, row := range m {
		for _, v := range row {
			if math.IsNaN(v) || math.Abs(v) > 4 {
				return nil, errors.New("icc: impossible chromaticities")
			}
		}
	}
	if g == 0 {
		return fromShaper([3]curve{fromSRGB, fromSRGB, fromSRGB}, m), nil
	}
	if g < 0.2 || g > 10 {
		return nil, errors.New("icc: impossible gamma")
	}
	return gamma(m, g), nil
}

// AdobeRGB is the space that cameras mean by the Exif interoperability index R03.
func AdobeRGB() *Source { return gamma(adobeRGB.toXYZ(), 563.0/256) }

func gamma(m mat, g float64) *Source { return fromShaper([3]curve{power(g), power(g), power(g)}, m) }

// white is the luminance of paper white in pictures of high dynamic range, in
// candela a square metre, by BT.2408.
const white = 203

// hdr is RGB of high dynamic range: light, of which 1 is paper white, is
// compressed above a knee so that highlights keep some of their detail.
func hdr(m mat, toLight func(vec) vec) *Source {
	const knee = 0.7
	return &Source{channels: 3, toXYZ: func(d [4]float64) vec {
		v := toLight(vec{d[0], d[1], d[2]})
		if top := max(v[0], v[1], v[2]); top > knee {
			// The same factor for all three, so hues stay.
			f := (knee + (1-knee)*(1-math.Exp((knee-top)/(1-knee)))) / top
			for i := range v {
				v[i] *= f
			}
		}
		return m.mul(v)
	}}
}

// fromPQ is the curve of SMPTE ST 2084.
func fromPQ(v vec) vec {
	const m1, m2, c1, c2, c3 = 2610.0 / 16384, 2523.0 / 32, 3424.0 / 4096, 2413.0 / 128, 2392.0 / 128
	for i := range v {
		p := math.Pow(clamp(v[i]), 1/m2)
		v[i] = math.Pow(max(p-c1, 0)/(c2-c3*p), 1/m1) * 10_000 / white
	}
	return v
}

// fromHLG is the curve of ARIB STD-B67, on a display of 1,000 candela.
func fromHLG(v vec) vec {
	const a, b, c = 0.17883277, 0.28466892, 0.55991073
	for i := range v {
		if x := clamp(v[i]); x <= 0.5 {
			v[i] = x * x / 3
		} else {
			v[i] = (math.Exp((x-c)/a) + b) / 12
		}
	}
	y := 0.2627*v[0] + 0.6780*v[1] + 0.0593*v[2]
	if y > 0 {
		f := math.Pow(y, 0.2) * 1000 / white
		for i := range v {
			v[i] *= f
		}
	}
	return v
}
