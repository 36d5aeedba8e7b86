package imagetest

import (
	"encoding/binary"
	"math"
)

// RGBProfile is an ICC profile of RGB by the XYZ of red, green and blue, adapted to
// D50, and a gamma.
func RGBProfile(red, green, blue [3]float64, gamma float64) []byte {
	return profile("RGB ", "XYZ ", map[string][]byte{
		"rXYZ": xyz(red), "gXYZ": xyz(green), "bXYZ": xyz(blue),
		"rTRC": power(gamma), "gTRC": power(gamma), "bTRC": power(gamma),
	})
}

// AdobeRGBProfile is RGBProfile by the figures that Adobe publishes.
func AdobeRGBProfile() []byte {
	return RGBProfile([3]float64{0.60974, 0.31111, 0.01947}, [3]float64{0.20528, 0.62567, 0.06087},
		[3]float64{0.14919, 0.06322, 0.74457}, 2.19921875)
}

// DisplayP3Profile is an ICC profile of Display P3 as Apple's: by the XYZ of its
// primaries, adapted to D50, and the curve of sRGB as a formula.
func DisplayP3Profile() []byte {
	curve := []byte("para\x00\x00\x00\x00\x00\x03\x00\x00")
	for _, v := range []float64{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045} {
		curve = binary.BigEndian.AppendUint32(curve, uint32(math.Round(v*65536)))
	}
	return profile("RGB ", "XYZ ", map[string][]byte{
		"rXYZ": xyz([3]float64{0.51512, 0.24120, -0.00105}), "gXYZ": xyz([3]float64{0.29198, 0.69225, 0.04189}),
		"bXYZ": xyz([3]float64{0.15710, 0.06657, 0.78407}), "rTRC": curve, "gTRC": curve, "bTRC": curve,
	})
}

// GreyProfile is an ICC profile of grey with a gamma.
func GreyProfile(gamma float64) []byte {
	return profile("GRAY", "XYZ ", map[string][]byte{"kTRC": power(gamma)})
}

// InkProfile is an ICC profile of CMYK with a table of 5 steps a channel, each of
// whose colours is what lab says of ink of 0 to 1.
func InkProfile(lab func(c, m, y, k float64) [3]float64) []byte {
	const steps = 5
	be := binary.BigEndian
	b := []byte("mft2\x00\x00\x00\x00\x04\x03\x05\x00")
	for i := range 9 {
		v := uint32(0)
		if i%4 == 0 {
			v = 1 << 16
		}
		b = be.AppendUint32(b, v)
	}
	b = append(b, 0, 2, 0, 2)
	line := []byte{0, 0, 0xff, 0xff}
	for range 4 {
		b = append(b, line...)
	}
	for i := range steps * steps * steps * steps {
		at := func(div int) float64 { return float64(i/div%steps) / (steps - 1) }
		l := lab(at(125), at(25), at(5), at(1))
		for _, v := range []float64{l[0] / 100 * 65280, (l[1] + 128) / 255 * 65280, (l[2] + 128) / 255 * 65280} {
			b = be.AppendUint16(b, uint16(math.Round(v)))
		}
	}
	for range 3 {
		b = append(b, line...)
	}
	return profile("CMYK", "Lab ", map[string][]byte{"A2B0": b})
}

func profile(space, pcs string, tags map[string][]byte) []byte {
	be := binary.BigEndian
	b := make([]byte, 128)
	b[8] = 2
	copy(b[12:], "mntr"+space+pcs)
	copy(b[36:], "acsp")
	b = be.AppendUint32(b, uint32(len(tags)))
	var body []byte
	for name, t := range tags {
		b = append(b, name...)
		b = be.AppendUint32(b, uint32(132+12*len(tags)+len(body)))
		b = be.AppendUint32(b, uint32(len(t)))
		body = append(body, t...)
		body = append(body, make([]byte, -len(body)&3)...)
	}
	b = append(b, body...)
	be.PutUint32(b, uint32(len(b)))
	return b
}

func xyz(v [3]float64) []byte {
	b := []byte("XYZ \x00\x00\x00\x00")
	for _, x := range v {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(x*65536))))
	}
	return b
}

func power(g float64) []byte {
	b := []byte("curv\x00\x00\x00\x00\x00\x00\x00\x01")
	return binary.BigEndian.AppendUint16(b, uint16(math.Round(g*256)))
}
