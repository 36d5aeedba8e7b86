package imaging

import (
	"fmt"
	"image"
)

// rows writes row y of a picture, four bytes a pixel: colour or luma and chroma,
// and alpha that is not multiplied in.
type rows func(y int, dst []byte)

// newRows returns the rows of every kind of picture that the decoders make.
func newRows(img image.Image) (rows, error) {
	b := img.Bounds()
	switch m := img.(type) {
	case *image.NRGBA:
		return func(y int, dst []byte) { copy(dst, m.Pix[m.PixOffset(b.Min.X, y):]) }, nil
	case *image.RGBA:
		return func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, y):]
			for i := 0; i < len(dst); i += 4 {
				s, d := src[i:i+4:i+4], dst[i:i+4:i+4]
				unmultiply(d, uint32(s[0]), uint32(s[1]), uint32(s[2]), uint32(s[3]), 255)
			}
		}, nil
	case *image.NRGBA64:
		return func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, y):]
			for i := range dst {
				dst[i] = narrow(src[2*i], src[2*i+1])
			}
		}, nil
	case *image.RGBA64:
		return func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, y):]
			for i := 0; i < len(dst); i += 4 {
				s, d := src[2*i:2*i+8:2*i+8], dst[i:i+4:i+4]
				unmultiply(d, wide(s), wide(s[2:]), wide(s[4:]), wide(s[6:]), 65535)
			}
		}, nil
	case *image.Gray:
		return func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, y):]
			for i := 0; i < len(dst); i += 4 {
				setGrey(dst[i:i+4:i+4], src[i/4])
			}
		}, nil
	case *image.Gray16:
		return func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, y):]
			for i := 0; i < len(dst); i += 4 {
				setGrey(dst[i:i+4:i+4], narrow(src[i/2], src[i/2+1]))
			}
		}, nil
	case *image.Paletted:
		palette := straight(m.Palette)
		return func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, y):]
			for i := 0; i < len(dst); i += 4 {
				*(*[4]byte)(dst[i:]) = palette[src[i/4]]
			}
		}, nil
	case *image.YCbCr:
		return func(y int, dst []byte) { planeRow(m, y, dst) }, nil
	case *image.NYCbCrA:
		return func(y int, dst []byte) {
			planeRow(&m.YCbCr, y, dst)
			alpha := m.A[m.AOffset(b.Min.X, y):]
			for i := 3; i < len(dst); i += 4 {
				dst[i] = alpha[i/4]
			}
		}, nil
	}
	return nil, fmt.Errorf("imaging: no rows of a %T", img)
}
