package main

import (
	"image"
	"math"
)

// plane is luma of 0 to 255.
type plane struct {
	w, h int
	v    []float64
}

// luma is a picture's, multiplied by alpha. Planes of JPEG and WebP are taken as they
// are: both sides of a comparison come from the same format.
func luma(img image.Image) *plane {
	b := img.Bounds()
	p := &plane{b.Dx(), b.Dy(), make([]float64, b.Dx()*b.Dy())}
	for y := range p.h {
		row := p.v[y*p.w:][:p.w]
		switch m := img.(type) {
		case *image.YCbCr:
			for x, v := range m.Y[y*m.YStride:][:p.w] {
				row[x] = float64(v)
			}
		case *image.NRGBA: // as the default, but in seconds of a large picture
			for x := range row {
				p := m.Pix[y*m.Stride+4*x:][:4:4]
				row[x] = (0.299*float64(p[0]) + 0.587*float64(p[1]) + 0.114*float64(p[2])) * float64(p[3]) / 255
			}
		case *image.RGBA: // of which colours are multiplied already
			for x := range row {
				p := m.Pix[y*m.Stride+4*x:][:3:3]
				row[x] = 0.299*float64(p[0]) + 0.587*float64(p[1]) + 0.114*float64(p[2])
			}
		default:
			for x := range row {
				r, g, b, _ := img.At(b.Min.X+x, b.Min.Y+y).RGBA()
				row[x] = (0.299*float64(r) + 0.587*float64(g) + 0.114*float64(b)) / 257
			}
		}
	}
	return p
}

// lanczos filters along rows and then, by way of the transposed picture, columns.
func lanczos(p *plane, w, h int) *plane {
	return filter(filter(p, w), h)
}

// filter makes rows w samples long, and returns the result transposed.
func filter(p *plane, w int) *plane {
	out := &plane{p.h, w, make([]float64, w*p.h)}
	scale := float64(p.w) / float64(w)
	blur := math.Max(scale, 1)
	for x := range w {
		centre := (float64(x) + 0.5) * scale
		from, to := max(int(centre-3*blur), 0), min(int(centre+3*blur)+1, p.w)
		weights := make([]float64, to-from)
		var sum float64
		for i := range weights {
			weights[i] = sinc((float64(from+i)+0.5-centre)/blur, 3)
			sum += weights[i]
		}
		for y := range p.h {
			var v float64
			for i, weight := range weights {
				v += weight * p.v[y*p.w+from+i]
			}
			out.v[x*p.h+y] = math.Min(math.Max(v/sum, 0), 255)
		}
	}
	return out
}

func sinc(x, a float64) float64 {
	if x == 0 {
		return 1
	}
	if math.Abs(x) >= a {
		return 0
	}
	x *= math.Pi
	return a * math.Sin(x) * math.Sin(x/a) / (x * x)
}

// compare is the peak signal-to-noise ratio in dB, and the structural similarity of
// blocks of 8 x 8, each at half of the one before.
func compare(a, b *plane) (psnr, ssim float64) {
	var sum float64
	for i := range a.v {
		d := a.v[i] - b.v[i]
		sum += d * d
	}
	psnr = 10 * math.Log10(255*255*float64(len(a.v))/sum)
	var n float64
	for y := 0; y+8 <= a.h; y += 4 {
		for x := 0; x+8 <= a.w; x += 4 {
			ssim += similarity(a, b, x, y)
			n++
		}
	}
	return psnr, ssim / math.Max(n, 1)
}

func similarity(a, b *plane, x0, y0 int) float64 {
	const n = 64
	var sa, sb, saa, sbb, sab float64
	for y := y0; y < y0+8; y++ {
		for x := x0; x < x0+8; x++ {
			u, v := a.v[y*a.w+x], b.v[y*b.w+x]
			sa, sb = sa+u, sb+v
			saa, sbb, sab = saa+u*u, sbb+v*v, sab+u*v
		}
	}
	ma, mb := sa/n, sb/n
	va, vb, cov := saa/n-ma*ma, sbb/n-mb*mb, sab/n-ma*mb
	const c1, c2 = (0.01 * 255) * (0.01 * 255), (0.03 * 255) * (0.03 * 255)
	return (2*ma*mb + c1) * (2*cov + c2) / ((ma*ma + mb*mb + c1) * (va + vb + c2))
}
