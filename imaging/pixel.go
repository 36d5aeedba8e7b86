package imaging

import (
	"image"
	"image/color"
)

func setGrey(d []byte, v byte) { d[0], d[1], d[2], d[3] = v, v, v, 255 }

func wide(s []byte) uint32 { return uint32(s[0])<<8 | uint32(s[1]) }

// narrow rounds a 16-bit sample to 8 bits.
func narrow(hi, lo byte) byte {
	return byte((wide([]byte{hi, lo})*255 + 32767) / 65535)
}

// unmultiply takes alpha out of samples of 0 to full, and makes them 8 bits.
// Colours brighter than their alpha, which no valid picture has, become white.
func unmultiply(d []byte, r, g, b, a, full uint32) {
	if a == 0 {
		d[0], d[1], d[2], d[3] = 0, 0, 0, 0
		return
	}
	d[0] = byte((min(r, a)*255 + a/2) / a)
	d[1] = byte((min(g, a)*255 + a/2) / a)
	d[2] = byte((min(b, a)*255 + a/2) / a)
	d[3] = byte((a*255 + full/2) / full)
}

// straight is a palette with alpha not multiplied in. Indexes that it does not
// have, which broken pictures use, are transparent.
func straight(p color.Palette) *[256][4]byte {
	var out [256][4]byte
	for i, c := range p[:min(len(p), 256)] {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		out[i] = [4]byte{n.R, n.G, n.B, n.A}
	}
	return &out
}

// planeRow writes luma and chroma of a row.
func planeRow(m *image.YCbCr, y int, dst []byte) {
	x0 := m.Rect.Min.X
	luma := m.Y[m.YOffset(x0, y):]
	if m.SubsampleRatio == image.YCbCrSubsampleRatio420 && x0%2 == 0 {
		c := m.COffset(x0, y)
		halvedRow(dst, luma, m.Cb[c:], m.Cr[c:])
		return
	}
	for i := 0; i < len(dst); i += 4 {
		c := m.COffset(x0+i/4, y)
		d := dst[i : i+4 : i+4]
		d[0], d[1], d[2], d[3] = luma[i/4], m.Cb[c], m.Cr[c], 255
	}
}

// halvedRow is planeRow where two pixels share a chroma sample.
func halvedRow(dst, luma, cb, cr []byte) {
	w := len(dst) / 4
	luma, cb, cr = luma[:w], cb[:(w+1)/2], cr[:(w+1)/2]
	for x, v := range luma {
		d := dst[4*x : 4*x+4 : 4*x+4]
		d[0], d[1], d[2], d[3] = v, cb[x/2], cr[x/2], 255
	}
}

// videoToRGB converts a pixel by BT.601 in 16.16 fixed point: luma is stretched by
// 255/219 and chroma by 255/224.
func videoToRGB(p []byte) {
	y := (int32(p[0])-16)*76309 + 1<<15
	cb, cr := int32(p[1])-128, int32(p[2])-128
	p[0] = clamp16(y + 104597*cr)
	p[1] = clamp16(y - 25674*cb - 53279*cr)
	p[2] = clamp16(y + 132201*cb)
}

func clamp16(v int32) byte { return byte(min(max(v>>16, 0), 255)) }
