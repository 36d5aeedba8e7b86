package imaging

import (
	"image"
	"math"
)

// Gravity says where in a picture something belongs: the part that is kept of
// it, or a watermark.
type Gravity string

// The gravities. Centre is also "". The last two look at the picture and are for
// cutting only.
const (
	Centre    Gravity = "centre"
	North     Gravity = "north"
	NorthEast Gravity = "northeast"
	East      Gravity = "east"
	SouthEast Gravity = "southeast"
	South     Gravity = "south"
	SouthWest Gravity = "southwest"
	West      Gravity = "west"
	NorthWest Gravity = "northwest"
	Entropy   Gravity = "entropy"   // where the most different tones are
	Attention Gravity = "attention" // where people look: edges, vivid colours, skin
)

// Gravities lists the gravities.
func Gravities() []Gravity { return append(Places(), Entropy, Attention) }

// Places lists the gravities that do not depend on what a picture shows.
func Places() []Gravity {
	return []Gravity{Centre, North, NorthEast, East, SouthEast, South, SouthWest, West, NorthWest}
}

// place is where something of the given size belongs within all.
func (g Gravity) place(size, all image.Point) image.Point {
	free := all.Sub(size)
	at := free.Div(2)
	switch g {
	case North, NorthEast, NorthWest:
		at.Y = 0
	case South, SouthEast, SouthWest:
		at.Y = free.Y
	}
	switch g {
	case West, NorthWest, SouthWest:
		at.X = 0
	case East, NorthEast, SouthEast:
		at.X = free.X
	}
	return at
}

// part is which part of the given size is kept of a picture of all pixels. thumb
// returns a small copy of it and is called only if it is needed.
func (g Gravity) part(size, all image.Point, thumb func() *image.NRGBA) image.Rectangle {
	at := g.place(size, all)
	if (g == Entropy || g == Attention) && size != all {
		score := entropyOf
		if g == Attention {
			score = attentionOf
		}
		// What covers a box fills one direction, so the other is all there is
		// to choose.
		if small := thumb(); size.X < all.X {
			at.X = best(small, size.X, all.X, score)
		} else {
			at.Y = best(transposed(small), size.Y, all.Y, score)
		}
	}
	return image.Rectangle{Min: at, Max: at.Add(size)}
}

// best is where along a picture's width of all pixels a part of size pixels has
// the best score; of several, the most central one. m is a small copy of it.
func best(m *image.NRGBA, size, all int, score func(m *image.NRGBA, from, to int) float64) int {
	w := m.Rect.Dx()
	window := min(max(int(math.Round(float64(size)*float64(w)/float64(all))), 1), w)
	free := w - window
	at, top := free/2, score(m, free/2, free/2+window)
	for step := 1; step <= (free+1)/2; step++ {
		for _, from := range [...]int{free/2 - step, free/2 + step} {
			if from < 0 || from > free {
				continue
			}
			if s := score(m, from, from+window); s > top {
				at, top = from, s
			}
		}
	}
	if at == free/2 {
		return (all - size) / 2 // exactly in the middle
	}
	return int(math.Round(float64(at) * float64(all-size) / float64(free)))
}

// entropyOf is how many bits a pixel of columns from to to holds on the average,
// by its luma alone.
func entropyOf(m *image.NRGBA, from, to int) float64 {
	var counts [64]int
	for y := range m.Rect.Dy() {
		row := m.Pix[y*m.Stride:]
		for x := from; x < to; x++ {
			counts[luma(row[4*x:])/4]++
		}
	}
	n := float64((to - from) * m.Rect.Dy())
	bits := 0.0
	for _, c := range counts {
		if c > 0 {
			share := float64(c) / n
			bits -= share * math.Log2(share)
		}
	}
	return bits
}

// attentionOf sums how much each pixel of some columns draws the eye.
func attentionOf(m *image.NRGBA, from, to int) float64 {
	sum := 0
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for y := range h {
		for x := from; x < to; x++ {
			p := m.Pix[y*m.Stride+4*x:][:4:4]
			here := 4 * int(luma(p))
			for _, d := range [...]image.Point{{-1, 0}, {1, 0}, {0, -1}, {0, 1}} {
				nx, ny := min(max(x+d.X, 0), w-1), min(max(y+d.Y, 0), h-1)
				here -= int(luma(m.Pix[ny*m.Stride+4*nx:]))
			}
			sum += max(here, -here) + vivid(p)/4
			if isSkin(p) {
				sum += 60
			}
		}
	}
	return float64(sum)
}

// luma is how bright a pixel is over black, 0 to 255.
func luma(p []byte) byte {
	y := 19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2])
	return byte((y >> 16) * uint32(p[3]) / 255)
}

// vivid is how far a pixel is from grey, 0 to 255.
func vivid(p []byte) int {
	return int(max(p[0], p[1], p[2])-min(p[0], p[1], p[2])) * int(p[3]) / 255
}

// isSkin tells skin by its hue, which differs little between people: it is their
// brightness that does.
func isSkin(p []byte) bool {
	r, g, b := int(p[0]), int(p[1]), int(p[2])
	return p[3] > 127 && r > 60 && r > g && g > b && r-b > 20 && r-g < 100 && 2*(r-g) >= g-b
}

func transposed(m *image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, m.Rect.Dy(), m.Rect.Dx()))
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			copy(out.Pix[x*out.Stride+4*y:][:4], m.Pix[y*m.Stride+4*x:])
		}
	}
	return out
}
