package jpeg

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestForward(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		n := 2 * (1 + rng.IntN(4))
		stride := 8*n + rng.IntN(5)
		src := make([]byte, 8*stride)
		for i := range src {
			switch rng.IntN(3) {
			case 0:
				src[i] = 255
			case 1:
				src[i] = byte(rng.Uint32())
			}
		}
		var quant [64]byte
		for i := range quant {
			quant[i] = byte(1 + rng.IntN(40))
		}
		scale := reciprocals(&quant)
		a, b := make([]int16, 64*n), make([]int16, 64*n)
		fastestForward(a, src, stride, scale, n)
		fdct8(b, src, stride, scale, n)
		if !slices.Equal(a, b) {
			t.Fatal("the kernel differs from the portable transform")
		}
		for block := range n {
			for i, q := range quant {
				u, v := int(columns[i]/8), int(columns[i]%8)
				var sum float64
				for y := range 8 {
					for x := range 8 {
						sum += (float64(src[y*stride+8*block+x]) - 128) * cosine(8, x, u) * cosine(8, y, v)
					}
				}
				if got, want := float64(b[64*block+8*u+v]), sum/float64(q); math.Abs(got-want) > 0.6 {
					t.Fatalf("coefficient %d,%d: %v, want %.2f", u, v, got, want)
				}
			}
		}
	}
}
