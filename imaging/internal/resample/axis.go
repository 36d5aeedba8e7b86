package resample

import "math"

const (
	// Frac is how many bits of a sample are fraction: 0 to 255 is 0 to 16320,
	// and what filtering overshoots still fits into 16 bits.
	Frac = 6

	weightBits = 14
	one        = 1 << weightBits

	// radius is Lanczos', in samples of whichever side has larger ones.
	radius = 3
)

// Axis says how samples along one side of a picture are weighted. It is never
// changed, so it may be shared.
type Axis struct {
	src, dst int
	taps     int     // weights for each result, a multiple of the kernels' step
	start    []int32 // for each result, its first sample
	weights  []int16 // taps for each result; in each they sum to one
	flip     bool
}

// Side is one side of a picture, and what of it is meant: From to To, in samples.
// That need not be whole samples: where each stands for two pixels, as in chroma,
// the last may be covered by half. Samples outside of it are still looked at.
type Side struct {
	Samples  int // at least 1
	From, To float64
}

// Shared is a side of n pixels of which each sample stands for by.
func Shared(n, by int) Side { return Side{(n + by - 1) / by, 0, float64(n) / float64(by)} }

// Across weights the samples along rows of pixels of one or four channels: those
// of src for each sample of dst, the last for the first if flip is set.
func Across(src, dst Side, flip bool, channels int) *Axis {
	if channels == 1 {
		return newAxis(src, dst, flip, 16)
	}
	return newAxis(src, dst, flip, 4)
}

// Down is Across for columns.
func Down(src, dst Side, flip bool) *Axis { return newAxis(src, dst, flip, 2) }

// newAxis gives each result a multiple of step weights, as its kernel takes them.
func newAxis(src, dst Side, flip bool, step int) *Axis {
	scale := (src.To - src.From) / (dst.To - dst.From)
	blur := max(scale, 1)
	reach := radius * blur
	a := &Axis{src: src.Samples, dst: dst.Samples, flip: flip}
	a.taps = roundUp(min(int(math.Ceil(2*reach))+1, src.Samples), step)
	count := roundUp(dst.Samples, batch)
	a.start = make([]int32, count)
	a.weights = make([]int16, count*a.taps)
	exact := make([]float64, a.taps)
	for i := range dst.Samples {
		// A sample's centre is at its index and a half.
		at := float64(i) + 0.5 - dst.From
		if flip {
			at = dst.To - float64(i) - 0.5
		}
		centre := src.From + at*scale
		from := min(max(int(math.Ceil(centre-reach-0.5)), 0), src.Samples-1)
		to := max(min(int(math.Floor(centre+reach-0.5))+1, src.Samples), from+1)
		to = min(to, from+a.taps)
		w := exact[:to-from]
		for k := range w {
			w[k] = lanczos((float64(from+k) + 0.5 - centre) / blur)
		}
		a.start[i] = int32(from)
		quantize(a.weights[i*a.taps:], w)
	}
	return a
}

// quantize makes integers of weights, scaled to sum to one. What rounding takes
// from a weight goes to the next, so that any run of them sums to what it should
// even where there are so many that each is tiny.
func quantize(dst []int16, w []float64) {
	var sum, exact float64
	for _, v := range w {
		sum += v
	}
	if sum < 1e-6 { // the picture ends half a sample early: take what there is
		for k := range w {
			w[k] = 1
		}
		sum = float64(len(w))
	}
	given := 0
	for k, v := range w {
		exact += v / sum * one
		n := int(math.Round(exact)) - given
		dst[k] = int16(min(max(n, math.MinInt16), math.MaxInt16))
		given += int(dst[k])
	}
}

// lanczos is the filter at x, from a table: sines of every weight would take
// longer than small pictures.
func lanczos(x float64) float64 {
	x = math.Abs(x) * perUnit
	i := int(x)
	if i >= radius*perUnit {
		return 0
	}
	return curve[i] + (curve[i+1]-curve[i])*(x-float64(i))
}

// perUnit makes straight lines between entries as good as weights are exact.
const perUnit = 1024

var curve = func() (t [radius*perUnit + 1]float64) {
	t[0] = 1
	for i := range t[:radius*perUnit] {
		if x := math.Pi * float64(i) / perUnit; i > 0 {
			t[i] = radius * math.Sin(x) * math.Sin(x/radius) / (x * x)
		}
	}
	return t
}()

func roundUp(n, to int) int { return (n + to - 1) / to * to }
