package jpeg

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The kernels of this machine must do to the bit what the portable ones do, also
// with coefficients that no picture has.
func TestTransformsAgree(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for scale, portable := range map[int]transform{1: idct8, 2: idct4} {
		for round := range 300 {
			n := blockBatch * (1 + rng.IntN(5))
			coef := make([]int16, 64*n)
			var quant [64]int16
			for i := range coef {
				switch {
				case round%3 == 0:
					coef[i] = int16(rng.Uint32())
				case rng.IntN(4) == 0:
					coef[i] = int16(rng.IntN(400) - 200)
				}
			}
			for i := range quant {
				quant[i] = int16(rng.IntN(50) + 1)
			}
			side := 8 / scale
			stride := side*n + rng.IntN(9)
			a, b := make([]byte, side*stride), make([]byte, side*stride)
			fastest[scale](a, stride, coef, &quant, n)
			portable(b, stride, coef, &quant, n)
			if !slices.Equal(a, b) {
				t.Fatalf("scale %d, round %d, %d blocks: they differ", scale, round, n)
			}
		}
	}
}

// A reduced block is the transform of the lowest frequencies, by definition.
func TestTransformsAreExact(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for scale, f := range fastest {
		side := 8 / scale
		for range 200 {
			coef := make([]int16, 64*blockBatch)
			var quant [64]int16
			for i := range quant {
				quant[i] = int16(rng.IntN(3) + 1)
				coef[i] = int16(rng.IntN(60) - 30)
			}
			coef[0] = int16(rng.IntN(600) - 300)
			dst := make([]byte, side*side*blockBatch)
			f(dst, side*blockBatch, coef, &quant, blockBatch)
			for y := range side {
				for x := range side {
					var sum float64
					for u := range side {
						for v := range side {
							sum += float64(coef[8*u+v]) * float64(quant[8*u+v]) * cosine(side, x, u) * cosine(side, y, v)
						}
					}
					want := min(max(sum+128, 0), 255)
					if got := float64(dst[y*side*blockBatch+x]); math.Abs(got-want) > 0.75 {
						t.Fatalf("scale %d at %d,%d: %v, want %.2f", scale, x, y, got, want)
					}
				}
			}
		}
	}
}

func cosine(n, i, k int) float64 {
	if k == 0 {
		return math.Sqrt(1.0 / 8)
	}
	return 0.5 * math.Cos(float64((2*i+1)*k)*math.Pi/float64(2*n))
}

func BenchmarkTransform(b *testing.B) {
	for name, f := range map[string]transform{
		"8": fastest[1], "8 portable": idct8, "4": fastest[2], "4 portable": idct4, "2": idct2,
	} {
		b.Run(name, func(b *testing.B) {
			const n = 500
			coef, dst := make([]int16, 64*n), make([]byte, 64*n)
			var quant [64]int16
			for b.Loop() {
				f(dst, 8*n, coef, &quant, n)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/block")
		})
	}
}
