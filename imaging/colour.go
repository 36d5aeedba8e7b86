package imaging

import (
	"image"
	"io"

	"revela/imaging/internal/icc"
)

// colours is what the colours of a picture mean, and how they are made those of
// a target. It is for one goroutine.
type colours struct {
	source *icc.Source // nil is sRGB, or nothing that can be read
	target icc.Target  // the smaller one that holds them
	made   [2]bool
	to     [2]*icc.Transform // by target, where made; nil changes nothing
}

// pngColour is what a PNG says of its colours beside a profile.
type pngColour struct {
	srgb   bool
	chroma *[8]float64 // x and y of white, red, green and blue
	gamma  float64     // of its samples, such as 0.45; 0 is not said
}

// readColours finds out what the colours of a picture mean: by its profile, by
// numbers, or as its format says where it says nothing. What cannot be read is
// taken for sRGB: that changes colours slightly, and a wrong guess ruins them.
func (h *header) readColours(src io.ReaderAt, s space) *colours {
	c := &colours{source: h.colourSource(src, s)}
	if c.source != nil {
		c.target = c.source.Target()
	}
	return c
}

func (h *header) colourSource(src io.ReaderAt, s space) *icc.Source {
	if data := h.readProfile(src); data != nil {
		source, err := icc.FromProfile(data)
		// A grey picture may have a profile of RGB, of which it uses the greys. One of
		// grey may belong to a picture that is grey and has three channels.
		if err == nil && (source.Channels() == 4) == (s == spaceCMYK) {
			return source
		}
	}
	switch {
	case s == spaceCMYK:
		return icc.Ink()
	case h.cicp != nil:
		source, err := icc.FromCICP(h.cicp.Primaries, h.cicp.Transfer)
		if err != nil {
			return nil
		}
		return source
	case h.format == PNG:
		return h.png.source(s)
	case h.adobeRGB:
		return icc.AdobeRGB()
	}
	return nil
}

// source is what the PNG's chunks mean, nil for sRGB.
func (p *pngColour) source(s space) *icc.Source {
	// The gamma of sRGB is written as 1/2.2, and stands for its own curve then.
	const usual, slack = 1 / 2.2, 0.01
	gamma := 0.0
	if p.gamma > 0 && (p.gamma < usual-slack || p.gamma > usual+slack) {
		gamma = 1 / p.gamma
	}
	if p.srgb || gamma == 0 && p.chroma == nil {
		return nil
	}
	var chroma *[8]float64
	if c := p.chroma; c != nil {
		chroma = &[8]float64{c[2], c[3], c[4], c[5], c[6], c[7], c[0], c[1]}
	}
	if s == spaceGrey {
		chroma = nil
	}
	source, err := icc.FromGamma(chroma, gamma)
	if err != nil {
		return nil
	}
	return source
}

// convert gives a raster the colours of a target.
func (c *colours) convert(r *raster, to icc.Target) {
	if c == nil || c.source == nil {
		return
	}
	if !c.made[to] {
		c.made[to], c.to[to] = true, icc.New(c.source, to)
	}
	t := c.to[to]
	switch {
	case r.space == spaceCMYK:
		r.fromInk(t)
	case t == nil:
	case r.grey() != nil:
		t.Grey(r.planes[0].pix)
	case c.source.Channels() == 3:
		t.RGB(r.rgb().Pix)
	default:
		if pix := r.rgb().Pix; allGrey(pix) {
			t.Greys(pix)
		}
	}
}

// allGrey reports whether pixels are what a grey picture becomes where its format has
// no grey, or none with alpha.
func allGrey(pix []byte) bool {
	const slack = 4 // what chroma is off by, where it was compressed
	for i := 0; i < len(pix); i += 4 {
		p := pix[i : i+3 : i+3]
		if max(p[0], p[1], p[2])-min(p[0], p[1], p[2]) > slack {
			return false
		}
	}
	return true
}

// fromInk makes RGB of the planes of cyan, magenta, yellow and black.
func (r *raster) fromInk(t *icc.Transform) {
	out := image.NewNRGBA(image.Rect(0, 0, r.w, r.h))
	t.CMYK(out.Pix, r.planes[0].pix, r.planes[1].pix, r.planes[2].pix, r.planes[3].pix)
	r.pix, r.planes, r.space = out, nil, spaceRGB
}
