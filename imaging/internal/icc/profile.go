package icc

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var (
	errShort = errors.New("icc: the profile ends too early")
	errKind  = errors.New("icc: a part of the profile is of an unknown kind")
)

// profile is a parsed file.
type profile struct {
	data  []byte
	space string // "RGB ", "GRAY", "CMYK"
	lab   bool   // it connects through Lab, not XYZ
	tags  map[string][]byte
}

// maxTags bounds the table of contents; real ones have about 20.
const maxTags = 200

func parse(data []byte) (*profile, error) {
	const head = 128
	if len(data) < head+4 || int(binary.BigEndian.Uint32(data)) > len(data) {
		return nil, errShort
	}
	if string(data[36:40]) != "acsp" {
		return nil, errors.New("icc: not a profile")
	}
	p := &profile{data: data, space: string(data[16:20]), tags: make(map[string][]byte)}
	switch string(data[20:24]) {
	case "XYZ ":
	case "Lab ":
		p.lab = true
	default:
		return nil, errKind
	}
	n := int(binary.BigEndian.Uint32(data[head:]))
	if n > maxTags || head+4+12*n > len(data) {
		return nil, errShort
	}
	for i := range n {
		e := data[head+4+12*i:]
		off, size := int64(binary.BigEndian.Uint32(e[4:])), int64(binary.BigEndian.Uint32(e[8:]))
		if off+size > int64(len(data)) {
			return nil, errShort
		}
		p.tags[string(e[:4])] = data[off : off+size]
	}
	return p, nil
}

// Source is what device colours mean.
type Source struct {
	channels int // 1 for grey, 3 for RGB, 4 for CMYK

	// toXYZ converts channels of 0 to 1. All of CMYK's are ink.
	toXYZ func([4]float64) vec

	// What toXYZ does to RGB, where that is a curve a channel and a matrix.
	curves [3]curve
	matrix mat
}

// Channels is how many channels the device has: 1 for grey, 3 for RGB, 4 for
// CMYK.
func (s *Source) Channels() int { return s.channels }

// FromProfile reads a profile.
func FromProfile(data []byte) (*Source, error) {
	p, err := parse(data)
	if err != nil {
		return nil, err
	}
	channels := map[string]int{"GRAY": 1, "RGB ": 3, "CMYK": 4}[p.space]
	if channels == 0 {
		return nil, fmt.Errorf("icc: a profile for %q", p.space)
	}
	for _, tag := range []string{"A2B0", "A2B1"} { // perceptual, colorimetric
		if b, ok := p.tags[tag]; ok {
			return p.table(b, channels)
		}
	}
	switch channels {
	case 1:
		return p.grey()
	case 3:
		return p.shaper()
	}
	return nil, errors.New("icc: the profile has no table")
}

// grey is a profile with one curve.
func (p *profile) grey() (*Source, error) {
	c, _, err := readCurve(p.tags["kTRC"])
	if err != nil {
		return nil, err
	}
	if p.lab {
		return &Source{channels: 1, toXYZ: func(d [4]float64) vec { return labToXYZ(vec{100 * c(d[0]), 0, 0}) }}, nil
	}
	return &Source{channels: 1, toXYZ: func(d [4]float64) vec {
		y := c(d[0])
		return vec{y * d50[0], y * d50[1], y * d50[2]}
	}}, nil
}

// shaper is a profile with three curves and a matrix.
func (p *profile) shaper() (*Source, error) {
	var (
		curves [3]curve
		m      mat
	)
	for j, name := range []string{"r", "g", "b"} {
		c, _, err := readCurve(p.tags[name+"TRC"])
		if err != nil {
			return nil, err
		}
		curves[j] = c
		xyz := p.tags[name+"XYZ"]
		if len(xyz) < 20 || p.lab {
			return nil, errShort
		}
		for i := range 3 {
			m[i][j] = fixed(xyz[8+4*i:])
		}
	}
	return fromShaper(curves, m), nil
}

func fromShaper(curves [3]curve, m mat) *Source {
	return &Source{channels: 3, curves: curves, matrix: m, toXYZ: func(d [4]float64) vec {
		return m.mul(vec{curves[0](d[0]), curves[1](d[1]), curves[2](d[2])})
	}}
}

// labToXYZ converts L* of 0 to 100, a* and b*.
func labToXYZ(lab vec) vec {
	inverse := func(t float64) float64 {
		if t > 6.0/29 {
			return t * t * t
		}
		return 3 * (6.0 / 29) * (6.0 / 29) * (t - 4.0/29)
	}
	y := (lab[0] + 16) / 116
	return vec{d50[0] * inverse(y+lab[1]/500), d50[1] * inverse(y), d50[2] * inverse(y-lab[2]/200)}
}
