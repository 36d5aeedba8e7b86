package resample

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The kernels of this machine must do to the bit what the portable ones do.
func TestKernelsAgree(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	k := best()
	for range 300 {
		n := rng.IntN(200) + 1
		bytes := make([]byte, n)
		for i := range bytes {
			bytes[i] = byte(rng.Uint32())
		}
		a, b := make([]int16, n), make([]int16, n)
		k.widen(a, bytes)
		widen(b, bytes)
		if !slices.Equal(a, b) {
			t.Fatalf("widen of %d: %v, want %v", n, a, b)
		}
		for i := range a {
			a[i] = int16(rng.IntN(24000) - 4000)
		}
		x, y := make([]byte, n), make([]byte, n)
		k.narrow(x, a)
		narrow(y, a)
		if !slices.Equal(x, y) {
			t.Fatalf("narrow of %v: %v, want %v", a, x, y)
		}

		for _, channels := range []int{1, 4} {
			xs := Across(Shared(n, rng.IntN(2)+1), whole(rng.IntN(n)+1), n%2 == 0, channels)
			src := make([]int16, (xs.src+xs.taps)*channels)
			for i := range src {
				src[i] = int16(rng.IntN(255 << Frac))
			}
			a, b := make([]int16, len(xs.start)*channels), make([]int16, len(xs.start)*channels)
			k.horizontal(a, src, xs, channels)
			horizontal(b, src, xs, channels)
			if m := xs.dst * channels; !slices.Equal(a[:m], b[:m]) {
				t.Fatalf("horizontal, %d channels, %d to %d: %v, want %v", channels, xs.src, xs.dst, a[:m], b[:m])
			}
		}

		taps, width := 2*rng.IntN(20)+2, wide*(rng.IntN(50)+1)
		ring, rows, weights := make([]int16, taps*width), make([]int32, taps), make([]int16, taps)
		for i := range ring {
			ring[i] = int16(rng.IntN(20000) - 2000)
		}
		for i, at := range rng.Perm(taps) {
			rows[i], weights[i] = int32(at*width), int16(rng.IntN(2*one/taps)-one/2/taps)
		}
		a, b = make([]int16, width), make([]int16, width)
		k.vertical(a, ring, rows, weights)
		vertical(b, ring, rows, weights)
		if !slices.Equal(a, b) {
			t.Fatalf("vertical of %d rows of %d: %v, want %v", taps, width, a, b)
		}
	}
}

// ideal is the same filter in 64-bit floating point, straight from its formula.
func ideal(src []float64, from, to Side, flip bool) []float64 {
	out := make([]float64, to.Samples)
	scale := (from.To - from.From) / (to.To - to.From)
	for i := range out {
		centre := from.From + (float64(i)+0.5)*scale
		if flip {
			centre = from.To - (float64(i)+0.5)*scale
		}
		var sum, weight float64
		for j, v := range src {
			x := math.Abs(float64(j)+0.5-centre) / max(scale, 1)
			if x >= 3 {
				continue
			}
			w := 1.0
			if x > 0 {
				w = 3 * math.Sin(math.Pi*x) * math.Sin(math.Pi*x/3) / (math.Pi * math.Pi * x * x)
			}
			sum += v * w
			weight += w
		}
		out[i] = sum / weight
	}
	return out
}

func TestResultIsIdeal(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		w, h   int
		by     int // chroma: samples are halves
		dw, dh int
		fx, fy bool
	}{
		{64, 48, 1, 32, 24, false, false}, {97, 61, 1, 40, 25, true, false}, {97, 61, 2, 40, 25, false, true},
		{33, 17, 1, 33, 17, true, true}, {300, 7, 1, 5, 1, false, false}, {1, 500, 1, 1, 20, false, false},
		{20, 20, 2, 20, 20, false, false}, {2000, 3, 1, 7, 1, false, true}, {5, 5, 1, 1, 1, false, false},
	} {
		fromX, fromY := Shared(c.w, c.by), Shared(c.h, c.by)
		toX, toY := whole(c.dw), whole(c.dh)
		src := make([]byte, fromX.Samples*fromY.Samples)
		exact := make([][]float64, fromY.Samples)
		for i := range src {
			// Not so contrasting that results leave the range and are cut.
			src[i] = byte(64 + rng.IntN(128))
		}
		for y := range exact {
			row := make([]float64, fromX.Samples)
			for x := range row {
				row[x] = float64(src[y*fromX.Samples+x])
			}
			exact[y] = ideal(row, fromX, toX, c.fx)
		}
		dst := make([]byte, c.dw*c.dh)
		plane(dst, c.dw, src, fromX.Samples, Across(fromX, toX, c.fx, 1), Down(fromY, toY, c.fy))
		for x := range c.dw {
			column := make([]float64, fromY.Samples)
			for y := range column {
				column[y] = exact[y][x]
			}
			for y, want := range ideal(column, fromY, toY, c.fy) {
				want = min(max(want, 0), 255)
				if got := float64(dst[y*c.dw+x]); math.Abs(got-want) > 0.75 {
					t.Fatalf("%+v at %d,%d: %v, want %.2f", c, x, y, got, want)
				}
			}
		}
	}
}

// Four channels are four planes.
func TestChannelsAreIndependent(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	const w, h, dw, dh = 50, 40, 19, 13
	var planes [4][]byte
	for c := range planes {
		planes[c] = make([]byte, w*h)
		for i := range planes[c] {
			planes[c][i] = byte(rng.Uint32())
		}
	}
	got := make([]int16, 4*dw*dh)
	xs, ys := Across(whole(w), whole(dw), false, 4), Down(whole(h), whole(dh), false)
	New(xs, ys, 4).Run(func(y int, dst []int16) {
		for i := range dst {
			dst[i] = int16(planes[i%4][y*w+i/4]) << Frac
		}
	}, func(y int, line []int16) { copy(got[4*dw*y:], line) })
	for c, src := range planes {
		want := make([]byte, dw*dh)
		plane(want, dw, src, w, Across(whole(w), whole(dw), false, 1), ys)
		for i, v := range want {
			var b [1]byte
			if narrow(b[:], got[4*i+c:4*i+c+1]); b[0] != v {
				t.Fatalf("channel %d, sample %d: %d, want %d", c, i, b[0], v)
			}
		}
	}
}

func BenchmarkPlane(b *testing.B) {
	for name, k := range map[string]kernels{"portable": portable, "best": best()} {
		b.Run(name, func(b *testing.B) {
			const w, h, dw, dh = 2000, 1500, 1024, 768
			src, dst := make([]byte, w*h), make([]byte, dw*dh)
			xs, ys := Across(whole(w), whole(dw), false, 1), Down(whole(h), whole(dh), false)
			b.SetBytes(w * h)
			for b.Loop() {
				r := New(xs, ys, 1)
				r.k = &k
				r.Run(func(y int, line []int16) { k.widen(line, src[y*w:][:len(line)]) },
					func(y int, line []int16) { k.narrow(dst[y*dw:][:len(line)], line) })
			}
		})
	}
}

// whole is a side whose samples are pixels.
func whole(n int) Side { return Side{n, 0, float64(n)} }

// plane makes a plane of bytes of another one. Rows of dst and src are stride
// bytes apart.
func plane(dst []byte, dstStride int, src []byte, srcStride int, xs, ys *Axis) {
	r := New(xs, ys, 1)
	r.Run(func(y int, line []int16) { r.k.widen(line, src[y*srcStride:][:len(line)]) },
		func(y int, line []int16) { r.k.narrow(dst[y*dstStride:][:len(line)], line) })
}
