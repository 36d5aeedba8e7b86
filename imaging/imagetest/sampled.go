package imagetest

import (
	"encoding/binary"
	"image"
	"image/color"
	"math"
	"math/bits"
)

// Sampled describes a JPEG whose components have any sampling, of a picture that
// is known at every place: so what a decoder should make of it is known too.
type Sampled struct {
	W, H        int                               // pixels
	Sampling    []byte                            // of each component, horizontal<<4 | vertical
	At          func(c int, x, y float64) float64 // component c at a place in pixels, 0 to 255
	Progressive bool                              // DC, then AC in two bands, then the last bit of all
	Apart       bool                              // a sequential one with a scan for each component
	Restart     int                               // units between restart markers; 0 is none
	Adobe       int                               // the transform that an Adobe marker says, -1 for no marker
}

// Hills is a picture for Sampled: smooth, so that it survives any sampling, and
// another in each component.
func Hills(c int, x, y float64) float64 {
	p := float64(c + 1)
	return 128 + 50*math.Sin(x/(17+3*p)+p) + 50*math.Cos(y/(23-3*p)+x/90)
}

// Image is the picture, of one component, or of three that are luma and chroma or, by
// Adobe's transform 0, red, green and blue.
func (s Sampled) Image() image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, s.W, s.H))
	for y := range s.H {
		for x := range s.W {
			v := [3]uint8{0, 128, 128}
			for c := range s.Sampling {
				v[c] = uint8(math.Round(s.At(c, float64(x)+0.5, float64(y)+0.5)))
			}
			if s.Adobe == 0 {
				img.Set(x, y, color.NRGBA{v[0], v[1], v[2], 255})
			} else {
				img.Set(x, y, color.YCbCr{v[0], v[1], v[2]})
			}
		}
	}
	return img
}

// quantum is what all coefficients are multiples of.
const quantum = 2

// JPEG writes the file. Its tables are the simplest: a DC difference of n bits has
// the n-th 4-bit code, and an AC symbol is its own 8-bit code.
func (s Sampled) JPEG() []byte {
	w := &sampledWriter{Sampled: s, hmax: 1, vmax: 1, out: []byte{0xff, 0xd8}}
	for _, hv := range s.Sampling {
		w.hmax, w.vmax = max(w.hmax, int(hv>>4)), max(w.vmax, int(hv&15))
	}
	w.heads()
	all := make([]int, len(s.Sampling))
	for c, hv := range s.Sampling {
		all[c] = c
		w.comps = append(w.comps, w.transform(c, int(hv>>4), int(hv&15)))
	}
	switch {
	case s.Progressive:
		w.scan(band{bit: 1}, all...)
		for c := range all {
			w.scan(band{from: 1, to: 5, bit: 1}, c)
			w.scan(band{from: 6, to: 63, bit: 1}, c)
			w.scan(band{from: 1, to: 63, again: true}, c)
		}
		w.scan(band{again: true}, all...)
	case s.Apart:
		for c := range all {
			w.scan(band{to: 63}, c)
		}
	default:
		w.scan(band{to: 63}, all...)
	}
	return append(w.out, 0xff, 0xd9)
}

// band is what a scan has of each block: coefficients from to to from bit on, or,
// again, just that bit.
type band struct {
	from, to, bit int
	again         bool
}

// sampledBlocks are a component's coefficients in the order of the file.
type sampledBlocks struct {
	h, v       int // blocks in a unit
	across     int // blocks, whole units
	shownX     int // blocks that have pixels
	shownY     int
	coef       [][64]int
	dc, endRun int // of the current scan
}

type sampledWriter struct {
	Sampled
	hmax, vmax int
	comps      []*sampledBlocks
	out        []byte
	bits       bitWriter // of the current scan
}

func (w *sampledWriter) segment(marker byte, body ...byte) {
	w.out = append(w.out, 0xff, marker)
	w.out = binary.BigEndian.AppendUint16(w.out, uint16(len(body)+2))
	w.out = append(w.out, body...)
}

func (w *sampledWriter) heads() {
	if w.Adobe >= 0 {
		w.segment(0xee, append([]byte("Adobe\x00\x64\x00\x00\x00\x00"), byte(w.Adobe))...)
	}
	quant := make([]byte, 65)
	for i := range quant[1:] {
		quant[i+1] = quantum
	}
	w.segment(0xdb, quant...)
	if w.Restart > 0 {
		w.segment(0xdd, byte(w.Restart>>8), byte(w.Restart))
	}
	frame := []byte{8, byte(w.H >> 8), byte(w.H), byte(w.W >> 8), byte(w.W), byte(len(w.Sampling))}
	for c, hv := range w.Sampling {
		frame = append(frame, byte(c+1), hv, 0)
	}
	sof := byte(0xc0)
	if w.Progressive {
		sof = 0xc2
	}
	w.segment(sof, frame...)
	w.segment(0xc4, 0x00, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	symbols := []byte{0x10, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0}
	for i := range 255 {
		symbols = append(symbols, byte(i))
	}
	w.segment(0xc4, symbols...)
}

// units is how many units a side of n pixels has.
func units(n, factor int) int { return (n + 8*factor - 1) / (8 * factor) }

// transform makes the coefficients of component c.
func (w *sampledWriter) transform(c, h, v int) *sampledBlocks {
	shown := func(n, factor, most int) int { return ((n*factor+most-1)/most + 7) / 8 }
	b := &sampledBlocks{h: h, v: v, across: h * units(w.W, w.hmax), shownX: shown(w.W, h, w.hmax), shownY: shown(w.H, v, w.vmax)}
	stepX, stepY := float64(w.hmax)/float64(h), float64(w.vmax)/float64(v)
	b.coef = make([][64]int, b.across*v*units(w.H, w.vmax))
	for i := range b.coef {
		x0, y0 := 8*(i%b.across), 8*(i/b.across)
		b.coef[i] = fdct(func(x, y int) float64 {
			return w.At(c, inside((float64(x0+x)+0.5)*stepX, w.W), inside((float64(y0+y)+0.5)*stepY, w.H)) - 128
		})
	}
	return b
}

// inside is the nearest place to x that is in the middle of one of n pixels, or
// between two.
func inside(x float64, n int) float64 { return min(x, float64(n)-0.5) }

// cosines are those of the transform, with its factors, by frequency and place.
var cosines = func() (t [8][8]float64) {
	for f := range t {
		for x := range t[f] {
			t[f][x] = math.Cos(float64(2*x+1)*float64(f)*math.Pi/16) / 2
			if f == 0 {
				t[f][x] = math.Sqrt(1.0 / 8)
			}
		}
	}
	return t
}()

// fdct is a block's coefficients by the definition, in the order of the file.
func fdct(at func(x, y int) float64) (out [64]int) {
	var rows [8][8]float64 // by place and frequency
	for y := range 8 {
		for x := range 8 {
			v := at(x, y)
			for u := range 8 {
				rows[y][u] += v * cosines[u][x]
			}
		}
	}
	for i := range out {
		sum := 0.0
		for y := range 8 {
			sum += rows[y][zigzag[i]%8] * cosines[zigzag[i]/8][y]
		}
		out[i] = int(math.Round(sum / quantum))
	}
	return out
}

var zigzag = [64]int{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

// scan writes one scan of some components.
func (w *sampledWriter) scan(p band, comps ...int) {
	head := []byte{byte(len(comps))}
	for _, c := range comps {
		head = append(head, byte(c+1), 0)
	}
	before := 0
	if p.again {
		before = p.bit + 1
	}
	w.segment(0xda, append(head, byte(p.from), byte(p.to), byte(before<<4|p.bit))...)
	w.bits = bitWriter{}
	if len(comps) == 1 { // the units are blocks, those that have pixels
		b := w.comps[comps[0]]
		for i := range b.shownX * b.shownY {
			w.restart(i, comps)
			w.block(b, &b.coef[i/b.shownX*b.across+i%b.shownX], p)
		}
	} else {
		across := units(w.W, w.hmax)
		for i := range across * units(w.H, w.vmax) {
			w.restart(i, comps)
			for _, c := range comps {
				b := w.comps[c]
				for j := range b.h * b.v {
					w.block(b, &b.coef[(i/across*b.v+j/b.h)*b.across+i%across*b.h+j%b.h], p)
				}
			}
		}
	}
	w.end(comps)
	w.out = append(w.out, w.bits.flush()...)
}

// end ends what spans blocks.
func (w *sampledWriter) end(comps []int) {
	for _, c := range comps {
		w.endRun(w.comps[c])
		w.comps[c].dc = 0
	}
}

// restart writes what comes before unit i.
func (w *sampledWriter) restart(i int, comps []int) {
	if w.Restart == 0 || i == 0 || i%w.Restart != 0 {
		return
	}
	w.end(comps)
	w.bits.flush()
	w.bits.out = append(w.bits.out, 0xff, 0xd0|byte((i/w.Restart-1)%8))
}

func (w *sampledWriter) block(b *sampledBlocks, coef *[64]int, p band) {
	switch {
	case p.from == 0 && p.again:
		w.bits.put(uint32(coef[0]>>p.bit), 1)
		return
	case p.from == 0:
		v := coef[0] >> p.bit
		w.bits.dc(v - b.dc)
		b.dc = v
	}
	switch {
	case p.again:
		w.refine(coef, p)
	case p.to > 0:
		w.ac(b, coef, p)
	}
}

// ac writes coefficients for the first time.
func (w *sampledWriter) ac(b *sampledBlocks, coef *[64]int, p band) {
	zeros := 0
	for k := max(p.from, 1); k <= p.to; k++ {
		v := coef[k] / (1 << p.bit) // towards zero, unlike DC
		if v == 0 {
			zeros++
			continue
		}
		w.endRun(b)
		for ; zeros > 15; zeros -= 16 {
			w.bits.put(0xf0, 8)
		}
		size := bits.Len(uint(max(v, -v)))
		w.bits.put(uint32(zeros<<4|size), 8)
		w.bits.value(v, uint(size))
		zeros = 0
	}
	if zeros > 0 {
		b.endRun++
		if !w.Progressive || b.endRun == 0x7fff {
			w.endRun(b)
		}
	}
}

// endRun says how many blocks have ended.
func (w *sampledWriter) endRun(b *sampledBlocks) {
	if b.endRun == 0 {
		return
	}
	size := bits.Len(uint(b.endRun)) - 1
	w.bits.put(uint32(size<<4), 8)
	w.bits.put(uint32(b.endRun), uint(size))
	b.endRun = 0
}

// refine writes another bit of coefficients.
func (w *sampledWriter) refine(coef *[64]int, p band) {
	size := func(k int) int { return max(coef[k], -coef[k]) >> p.bit }
	last := 0 // that this bit is the first of
	for k := p.from; k <= p.to; k++ {
		if size(k) == 1 {
			last = k
		}
	}
	var late []int // bits of those that were there before, which follow the next symbol
	symbol := func(v int) {
		w.bits.put(uint32(v), 8)
	}
	flush := func() {
		for _, v := range late {
			w.bits.put(uint32(v&1), 1)
		}
		late = nil
	}
	zeros := 0
	for k := p.from; k <= p.to; k++ {
		switch {
		case size(k) == 0:
			if zeros++; zeros == 16 && k < last {
				symbol(0xf0)
				flush()
				zeros = 0
			}
		case size(k) > 1:
			late = append(late, size(k))
		default:
			symbol(zeros<<4 | 1)
			w.bits.value(coef[k]/(1<<p.bit), 1)
			flush()
			zeros = 0
		}
	}
	if zeros > 0 || len(late) > 0 {
		symbol(0)
		flush()
	}
}
