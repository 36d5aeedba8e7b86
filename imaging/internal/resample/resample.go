package resample

import "revela/imaging/internal/recycle"

var fastest = best()

// Resizer makes one picture of another. Use it once.
type Resizer struct {
	xs, ys   *Axis
	channels int // 1 or 4
	k        *kernels

	line  []int16 // the source's row, and as much beyond it as a filter is wide
	ring  []int16 // filtered rows, the source's row y at y modulo their number
	width int     // of a row in ring, in samples
	rows  int
	out   []int16
	place []int32
}

// New returns a Resizer of pixels of one or four channels.
func New(xs, ys *Axis, channels int) *Resizer {
	r := &Resizer{xs: xs, ys: ys, channels: channels, k: &fastest}
	r.width = roundUp(len(xs.start)*channels, wide)
	r.rows = ys.taps
	r.line = buffers.Take((xs.src + xs.taps) * channels)
	r.ring = buffers.Take(r.rows * r.width)
	r.out = buffers.Take(r.width)
	r.place = make([]int32, ys.taps)
	return r
}

// Run asks row for the source's rows, which it writes to dst as samples, each
// once and from the top, and gives the result's rows to emit, from the top or, if
// they are flipped, from the bottom. emit must not keep line.
func (r *Resizer) Run(row func(y int, dst []int16), emit func(y int, line []int16)) {
	defer r.release()
	clear(r.line)
	clear(r.ring)
	clear(r.out)
	have := 0
	for i := range r.ys.dst {
		y := i
		if r.ys.flip {
			y = r.ys.dst - 1 - i
		}
		from := int(r.ys.start[y])
		weights := r.ys.weights[y*r.ys.taps:][:r.ys.taps]
		need := min(from+r.ys.taps, r.ys.src)
		for ; have < need; have++ {
			r.filter(have, row)
		}
		// Weights beyond the last sample are zero; what row they are for does
		// not matter.
		for k := range r.place {
			r.place[k] = int32((from + k) % r.rows * r.width)
		}
		r.k.vertical(r.out, r.ring, r.place, weights)
		emit(y, r.out[:r.xs.dst*r.channels])
	}
}

// filter fetches row y of the source and filters it into the ring.
func (r *Resizer) filter(y int, row func(y int, dst []int16)) {
	row(y, r.line[:r.xs.src*r.channels])
	dst := r.ring[y%r.rows*r.width:][:r.width]
	r.k.horizontal(dst, r.line, r.xs, r.channels)
}

// Widen makes samples of bytes. dst must be as long as src.
func Widen(dst []int16, src []byte) { fastest.widen(dst, src) }

// Narrow rounds samples to bytes. dst must be as long as src.
func Narrow(dst []byte, src []int16) { fastest.narrow(dst, src) }

// buffers are kept between pictures; a picture takes three for each plane.
var buffers recycle.Pool[int16]

func (r *Resizer) release() {
	for _, b := range [][]int16{r.line, r.ring, r.out} {
		buffers.Give(b)
	}
	r.line, r.ring, r.out = nil, nil, nil
}

// Memory is an upper bound of the bytes that resizing w x h pixels to dw x dh
// takes beside source and result, for admission control.
func Memory(w, h, dw, dh int) int64 {
	taps := func(from, to int) int64 { return min(2*radius*int64(from)/int64(to)+2*radius+2, int64(from)) + 16 }
	const sample, channels = 2, 4
	return sample*channels*((int64(dw)+16)*(taps(h, dh)+1)+int64(w)+taps(w, dw)) + // ring, out and line
		sample*(int64(dw)*taps(w, dw)+int64(dh)*taps(h, dh)) // weights
}
