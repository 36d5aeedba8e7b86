package icc

import (
	"encoding/binary"
	"math"
	"sync"
)

// Profile is the ICC profile of a target, about 500 bytes; nil for sRGB, which is
// what everyone takes a picture without a profile for. It must not be changed.
func (t Target) Profile() []byte {
	if t == DisplayP3 {
		return displayP3Profile()
	}
	return nil
}

// ToSRGB converts what is in a target to sRGB. It is nil for sRGB.
func (t Target) ToSRGB() *Transform {
	if t == DisplayP3 {
		return displayP3ToSRGB()
	}
	return nil
}

var displayP3ToSRGB = sync.OnceValue(func() *Transform {
	return newTransform(fromShaper([3]curve{fromSRGB, fromSRGB, fromSRGB}, displayP3.toXYZ()), SRGB)
})

var displayP3Profile = sync.OnceValue(func() []byte {
	be := binary.BigEndian
	number := func(b []byte, v float64) []byte { return be.AppendUint32(b, uint32(int32(math.Round(v*65536)))) }
	xyz := func(v vec) []byte {
		b := []byte("XYZ \x00\x00\x00\x00")
		for _, x := range v {
			b = number(b, x)
		}
		return b
	}
	text := func(s string) []byte {
		b := []byte("mluc\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x0cenUS")
		b = be.AppendUint32(b, uint32(2*len(s)))
		b = be.AppendUint32(b, 28)
		for _, r := range []byte(s) {
			b = append(b, 0, r)
		}
		return b
	}
	curve := []byte("para\x00\x00\x00\x00\x00\x03\x00\x00")
	for _, v := range []float64{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045} {
		curve = number(curve, v)
	}
	adapt := []byte("sf32\x00\x00\x00\x00")
	chad := bradford(d65.xyz())
	for _, row := range chad {
		for _, v := range row {
			adapt = number(adapt, v)
		}
	}
	m := displayP3.toXYZ()
	column := func(j int) []byte { return xyz(vec{m[0][j], m[1][j], m[2][j]}) }
	tags := []struct {
		names string // of tags that share the element
		body  []byte
	}{
		{"desc", text("Display P3")}, {"cprt", text("CC0")}, {"wtpt", xyz(d50)}, {"chad", adapt},
		{"rXYZ", column(0)}, {"gXYZ", column(1)}, {"bXYZ", column(2)}, {"rTRCgTRCbTRC", curve},
	}
	const count = 10
	var table, body []byte
	for _, t := range tags {
		for name := t.names; name != ""; name = name[4:] {
			table = append(table, name[:4]...)
			table = be.AppendUint32(table, uint32(128+4+12*count+len(body)))
			table = be.AppendUint32(table, uint32(len(t.body)))
		}
		body = append(body, t.body...)
		body = append(body, make([]byte, -len(body)&3)...)
	}
	head := make([]byte, 128)
	be.PutUint32(head, uint32(128+4+len(table)+len(body)))
	be.PutUint32(head[8:], 0x04300000)
	copy(head[12:], "mntrRGB XYZ ")
	be.PutUint16(head[24:], 2024) // a date is needed; any will do
	head[27], head[29] = 1, 1
	copy(head[36:], "acsp")
	copy(head[68:], xyz(d50)[8:])
	out := be.AppendUint32(head, count)
	return append(append(out, table...), body...)
})
