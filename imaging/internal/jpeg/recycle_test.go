package jpeg_test

import (
	"testing"

	"revela/imaging/imagetest"
	"revela/imaging/internal/jpeg"
)

// A file that leaves out most coefficients shows none of the picture before, whose
// memory it gets.
func TestNothingIsLeftOfThePictureBefore(t *testing.T) {
	// Not parallel: others would take the memory.
	texture := func(c int, x, y float64) float64 { return 128 + 100*float64((int(x)+int(y)*3+c)%2) }
	at := func(c, x, y int) byte { return byte(60 + 40*c + 9*x + 5*y) }
	for _, progressive := range []bool{false, true} {
		full := imagetest.Sampled{W: 64, H: 48, Sampling: []byte{0x11, 0x11, 0x11}, At: texture, Adobe: -1, Progressive: progressive}.JPEG()
		flat := imagetest.Mosaic{Across: 8, Down: 6, Components: 3, At: at, Adobe: -1, Progressive: progressive}.JPEG()
		for _, scale := range []int{1, 2, 4} {
			for range 20 { // with the race detector a pool drops some
				before, m := blank(full, scale), blank(flat, scale)
				if err := jpeg.Decode(full, before, never); err != nil {
					t.Fatal(err)
				}
				before.Recycle()
				if err := jpeg.Decode(flat, m, never); err != nil {
					t.Fatal(err)
				}
				side := 8 / scale
				for c, p := range m.Planes {
					for y := range p.H {
						for x := range p.W {
							if got, want := p.Pix[y*p.Stride+x], at(c, x/side, y/side); got != want {
								t.Fatalf("progressive %v, scale %d, plane %d at %d,%d: %d, want %d", progressive, scale, c, x, y, got, want)
							}
						}
					}
				}
				m.Recycle()
			}
		}
	}
}
