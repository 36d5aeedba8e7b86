package imaging

import (
	"context"
	"encoding/binary"
	"image"
	"image/color"
	"io"

	"revela/imaging/internal/codec"
)

// decodeHEIF decodes a HEIC or AVIF picture. It is as JPEG has it, in YCbCr by
// BT.601 and full range, whatever matrix and depth the file uses, so that what
// follows needs to know one kind only. It notes in h what its colours are.
func decodeHEIF(ctx context.Context, src io.ReaderAt, h *header) (image.Image, error) {
	f := &h.heif
	d, err := codec.Open(ctx, f.codec, f.sandbox())
	if err != nil {
		return nil, err
	}
	defer d.Close()
	pic, colour, err := f.colour.decode(ctx, d, src, f.nclx, f.crop)
	if err != nil {
		return nil, err
	}
	h.cicp = &colour
	var alpha *planes
	if f.alpha != nil {
		if alpha, _, err = f.alpha.decode(ctx, d, src, nil, f.crop); err != nil {
			return nil, err
		}
	}
	return pic.image(colour, alpha, f.premult)
}

// planes is a picture of 8-bit samples of full range.
type planes struct {
	w, h   int
	chroma codec.Chroma
	pix    [3][]byte // Y, Cb, Cr
}

// size is that of a plane.
func (p *planes) size(c int) (w, h int) {
	if c == 0 {
		return p.w, p.h
	}
	return p.chroma.Size(p.w, p.h)
}

// decode decodes all frames into the part of the picture that is shown. nclx is
// what the file says of the samples; if it says nothing, the frames do.
func (p *heifPicture) decode(ctx context.Context, d *codec.Decoder, src io.ReaderAt, nclx *codec.Colour, crop image.Rectangle) (*planes, codec.Colour, error) {
	var (
		out    *planes
		colour codec.Colour
	)
	for i, t := range p.tiles {
		data, err := t.bytes(ctx, src)
		if err != nil {
			return nil, colour, err
		}
		f, err := d.Decode(ctx, data, int(p.coded()))
		if err != nil {
			return nil, colour, err
		}
		if f.Width < p.frame.X || f.Height < p.frame.Y {
			return nil, colour, invalid("it is not of the size that it claims")
		}
		if f.Chroma > t.chroma { // charged was what the header says
			return nil, colour, invalid("it has more colour than it claims")
		}
		if out == nil {
			colour = f.Colour
			if nclx != nil {
				colour = *nclx
			}
			out = newPlanes(crop.Dx(), crop.Dy(), f.Chroma)
		}
		if f.Chroma != out.chroma {
			return nil, colour, invalid("its tiles differ in size or kind")
		}
		at := image.Pt(i%p.cols*p.frame.X, i/p.cols*p.frame.Y)
		out.put(f, image.Rectangle{Min: at, Max: at.Add(p.frame)}, crop, colour)
	}
	return out, colour, nil
}

func newPlanes(w, h int, chroma codec.Chroma) *planes {
	p := &planes{w: w, h: h, chroma: chroma}
	for c := range p.pix {
		pw, ph := p.size(c)
		p.pix[c] = make([]byte, pw*ph)
	}
	return p
}

// put copies the part of a frame at the given place that is within crop.
func (p *planes) put(f *codec.Frame, at, crop image.Rectangle, colour codec.Colour) {
	for c := range p.pix {
		w, h := p.size(c)
		if w == 0 {
			continue
		}
		at, crop := at, crop
		if c > 0 {
			at, crop = subsampled(at, p.chroma), subsampled(crop, p.chroma)
		}
		crop.Max = crop.Min.Add(image.Pt(w, h))
		part := at.Intersect(crop)
		if part.Empty() {
			continue
		}
		narrow := newNarrow(f.Bits, colour.FullRange, c > 0 && colour.Matrix != matrixIdentity)
		src := f.Planes[c]
		for y := part.Min.Y; y < part.Max.Y; y++ {
			row := src.Pix[(y-at.Min.Y)*src.Stride:]
			to := (y-crop.Min.Y)*w + part.Min.X - crop.Min.X
			narrow.row(p.pix[c][to:to+part.Dx()], row, part.Min.X-at.Min.X)
		}
	}
}

// subsampled is where the chroma samples of a rectangle are.
func subsampled(r image.Rectangle, chroma codec.Chroma) image.Rectangle {
	if chroma != codec.Chroma444 {
		r.Min.X, r.Max.X = r.Min.X/2, (r.Max.X+1)/2
	}
	if chroma == codec.Chroma420 {
		r.Min.Y, r.Max.Y = r.Min.Y/2, (r.Max.Y+1)/2
	}
	return r
}

// narrowing makes samples 8 bits of full range.
type narrowing struct {
	wide  bool
	table []byte // nil if they are so already
}

func newNarrow(bits int, full, chroma bool) narrowing {
	if bits == 8 && full {
		return narrowing{}
	}
	n := narrowing{wide: bits > 8, table: make([]byte, 1<<bits)}
	top, unit := float64(int(1)<<bits-1), float64(int(1)<<(bits-8))
	for v := range n.table {
		x := float64(v)
		switch {
		case full && chroma:
			x = (x-128*unit)*255/top + 128
		case full:
			x = x * 255 / top
		case chroma:
			x = (x/unit-128)*255/224 + 128
		default:
			x = (x/unit - 16) * 255 / 219
		}
		n.table[v] = byte(min(max(x+0.5, 0), 255))
	}
	return n
}

// row fills dst from sample number from of src.
func (n narrowing) row(dst, src []byte, from int) {
	switch {
	case n.table == nil:
		copy(dst, src[from:])
	case n.wide:
		src = src[2*from:]
		last := uint16(len(n.table) - 1)
		for i := range dst {
			dst[i] = n.table[min(binary.LittleEndian.Uint16(src[2*i:]), last)]
		}
	default:
		for i, v := range src[from : from+len(dst)] {
			dst[i] = n.table[v]
		}
	}
}

// image is the planes as a picture. It may change them.
func (p *planes) image(colour codec.Colour, alpha *planes, premult bool) (image.Image, error) {
	rect := image.Rect(0, 0, p.w, p.h)
	if p.chroma == codec.None && alpha == nil {
		return &image.Gray{Pix: p.pix[0], Stride: p.w, Rect: rect}, nil
	}
	if p.chroma == codec.None || colour.Matrix == matrixIdentity || premult && alpha != nil {
		return p.rgba(colour, alpha, premult)
	}
	m, err := matrixOf(colour)
	if err != nil {
		return nil, err
	}
	p.toJPEG(m)
	cw, _ := p.size(1)
	ycc := image.YCbCr{
		Y: p.pix[0], Cb: p.pix[1], Cr: p.pix[2], YStride: p.w, CStride: cw, Rect: rect,
		SubsampleRatio: map[codec.Chroma]image.YCbCrSubsampleRatio{
			codec.Chroma420: image.YCbCrSubsampleRatio420,
			codec.Chroma422: image.YCbCrSubsampleRatio422,
			codec.Chroma444: image.YCbCrSubsampleRatio444,
		}[p.chroma],
	}
	if alpha == nil {
		return &ycc, nil
	}
	return &image.NYCbCrA{YCbCr: ycc, A: alpha.pix[0], AStride: p.w}, nil
}

// rgba is the picture pixel by pixel, for the kinds that are seldom seen.
func (p *planes) rgba(colour codec.Colour, alpha *planes, premult bool) (image.Image, error) {
	if colour.Matrix == matrixIdentity && p.chroma != codec.Chroma444 && p.chroma != codec.None {
		return nil, invalid("its colours are halved, which their kind forbids")
	}
	if colour.Matrix != matrixIdentity && p.chroma != codec.None {
		m, err := matrixOf(colour)
		if err != nil {
			return nil, err
		}
		p.toJPEG(m)
	}
	pix := make([]byte, 4*p.w*p.h)
	cw, _ := p.size(1)
	for y := range p.h {
		for x := range p.w {
			i := y*p.w + x
			d := pix[4*i : 4*i+4 : 4*i+4]
			switch {
			case p.chroma == codec.None:
				d[0], d[1], d[2] = p.pix[0][i], p.pix[0][i], p.pix[0][i]
			case colour.Matrix == matrixIdentity: // green, blue, red
				d[0], d[1], d[2] = p.pix[2][i], p.pix[0][i], p.pix[1][i]
			default:
				at := subsampled(image.Rect(x, y, x+1, y+1), p.chroma).Min
				c := at.Y*cw + at.X
				d[0], d[1], d[2] = color.YCbCrToRGB(p.pix[0][i], p.pix[1][c], p.pix[2][c])
			}
			d[3] = 255
			if alpha != nil {
				d[3] = alpha.pix[0][i]
			}
		}
	}
	rect := image.Rect(0, 0, p.w, p.h)
	if premult && alpha != nil {
		return &image.RGBA{Pix: pix, Stride: 4 * p.w, Rect: rect}, nil
	}
	return &image.NRGBA{Pix: pix, Stride: 4 * p.w, Rect: rect}, nil
}
