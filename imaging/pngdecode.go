package imaging

import (
	"bufio"
	"context"
	"image"
	"image/color"

	"revela/imaging/internal/png"
	"revela/imaging/internal/recycle"
)

// loadPNG decodes a PNG. If the fast reader finds anything odd, Go's decoder
// judges. It takes no more memory than that.
func loadPNG(ctx context.Context, src Source, h *header) (*picture, error) {
	r := newSourceReader(ctx, src)
	img, pix, err := readPNG(bufio.NewReaderSize(r, 32<<10), h.width, h.height)
	switch {
	case r.fail != nil:
		return nil, r.fail
	case err != nil:
		return loadImage(ctx, src, h)
	}
	p, err := newPicture(img, img.Bounds(), false)
	if err == nil {
		p.pixels = [][]byte{pix}
	}
	return p, err
}

// readPNG returns the image of a PNG, and the bytes that it is in.
func readPNG(src *bufio.Reader, w, h int) (img image.Image, pix []byte, err error) {
	r, err := png.NewReader(src, w, h)
	if err != nil {
		return nil, nil, err
	}
	img, pix, convert := pngImageOf(r)
	stride := len(pix) / h
	for y := range h {
		row, err := r.Row()
		if err != nil {
			return nil, nil, err
		}
		convert(pix[y*stride:][:stride], row)
	}
	return img, pix, r.End()
}

// pngImageOf is an image for what r reads, its bytes, whose content is left from
// another, and what makes a row of them.
func pngImageOf(r *png.Reader) (img image.Image, pix []byte, convert func(dst, src []byte)) {
	all := image.Rect(0, 0, r.W, r.H)
	same := func(dst, src []byte) { copy(dst, src) }
	switch r.Kind {
	case png.Grey:
		m := &image.Gray{Pix: recycle.Bytes.Take(r.W * r.H), Stride: r.W, Rect: all}
		return m, m.Pix, same
	case png.Indexed:
		m := &image.Paletted{
			Pix: recycle.Bytes.Take(r.W * r.H), Stride: r.W, Rect: all, Palette: make(color.Palette, len(r.Palette)),
		}
		for i, c := range r.Palette {
			m.Palette[i] = color.NRGBA{c[0], c[1], c[2], c[3]}
		}
		return m, m.Pix, same
	}
	m := &image.NRGBA{Pix: recycle.Bytes.Take(4 * r.W * r.H), Stride: 4 * r.W, Rect: all}
	switch r.Kind {
	case png.GreyAlpha:
		convert = fromGreyAlpha
	case png.RGB:
		convert = fromRGB
	case png.RGBA:
		convert = same
	case png.DeepRGB:
		convert = fromDeepRGB
	case png.DeepRGBA:
		convert = fromDeepRGBA
	}
	return m, m.Pix, convert
}

func fromGreyAlpha(dst, src []byte) {
	for i := 0; i < len(dst); i += 4 {
		d := dst[i : i+4 : i+4]
		setGrey(d, src[i/2])
		d[3] = src[i/2+1]
	}
}

func fromRGB(dst, src []byte) {
	for len(src) >= 3 && len(dst) >= 4 {
		dst[0], dst[1], dst[2], dst[3] = src[0], src[1], src[2], 255
		dst, src = dst[4:], src[3:]
	}
}

func fromDeepRGB(dst, src []byte) {
	for i := 0; i < len(dst); i += 4 {
		s, d := src[i/4*6:][:6:6], dst[i:i+4:i+4]
		d[0], d[1], d[2], d[3] = narrow(s[0], s[1]), narrow(s[2], s[3]), narrow(s[4], s[5]), 255
	}
}

func fromDeepRGBA(dst, src []byte) {
	for i := range dst {
		dst[i] = narrow(src[2*i], src[2*i+1])
	}
}
