// Package imagetest makes pictures for tests: what a camera, a drawing program
// or an attacker would send. Everything is generated, the same each time, and
// needs no files.
package imagetest

import (
	"image"
	"image/color"
	"math"
)

// Photo is an opaque picture that is like a photograph to a codec: smooth shades,
// texture of all sizes, and hard edges.
func Photo(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		fy := float64(y) / float64(h)
		for x := range w {
			fx := float64(x) / float64(h)
			// Cloudy light, in four octaves.
			v := 0.0
			for o, amp := 4.0, 0.5; o <= 256; o, amp = o*4, amp/2 {
				v += amp * noise(fx*o, fy*o)
			}
			// Grain, as of a sensor.
			v += float64(hash(uint32(x), uint32(y)))/(1<<32)*0.1 - 0.05
			v = min(max(v, 0), 1)
			p := color.NRGBA{
				byte(40 + 170*v),
				byte(60 + 150*v*(1-fy/2)),
				byte(90 + 120*(1-fy)*v),
				255,
			}
			// A disc, and strokes like those of writing.
			if math.Hypot(fx-0.7, fy-0.4) < 0.2 {
				p.R, p.B = byte(200*v+40), byte(30*v)
			}
			if fy > 0.75 && fy < 0.95 && math.Mod(fx*40, 1) < 0.3 && math.Mod(fy*60, 1) < 0.6 {
				p = color.NRGBA{20, 20, 30, 255}
			}
			img.SetNRGBA(x, y, p)
		}
	}
	return img
}

// noise is value noise with smooth steps, 0 to 1.
func noise(x, y float64) float64 {
	ix, iy := math.Floor(x), math.Floor(y)
	fx, fy := x-ix, y-iy
	fx, fy = fx*fx*(3-2*fx), fy*fy*(3-2*fy)
	at := func(dx, dy uint32) float64 {
		return float64(hash(uint32(ix)+dx, uint32(iy)+dy)) / (1 << 32)
	}
	top := at(0, 0)*(1-fx) + at(1, 0)*fx
	low := at(0, 1)*(1-fx) + at(1, 1)*fx
	return top*(1-fy) + low*fy
}

func hash(x, y uint32) uint32 {
	n := x*0x9e3779b1 ^ y*0x85ebca6b
	n = (n ^ n>>15) * 0x2c1b3c6d
	n = (n ^ n>>12) * 0x297a2d39
	return n ^ n>>15
}

// ZonePlate is grey rings that grow finer outwards, up to one pixel: a naive
// resizer turns them into moiré.
func ZonePlate(w, h int) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			dx, dy := float64(x-w/2), float64(y-h/2)
			phase := math.Pi * (dx*dx + dy*dy) / float64(max(w, h))
			img.SetGray(x, y, color.Gray{byte(127.5 + 127*math.Cos(phase))})
		}
	}
	return img
}

// Gradient grows evenly from black on the left to white, red, green and blue on
// the right, in four bands from top to bottom. In it one sees the steps and tints
// that a codec or a resizer makes.
func Gradient(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		band := 4 * y / h
		for x := range w {
			v := byte((255*x + (w-1)/2) / max(w-1, 1))
			c := color.NRGBA{A: 255}
			if band == 0 || band == 1 {
				c.R = v
			}
			if band == 0 || band == 2 {
				c.G = v
			}
			if band == 0 || band == 3 {
				c.B = v
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

// The colours of Corners.
var (
	TopLeft     = color.NRGBA{220, 30, 30, 255}
	TopRight    = color.NRGBA{30, 200, 40, 255}
	BottomLeft  = color.NRGBA{40, 40, 220, 255}
	BottomRight = color.NRGBA{230, 220, 40, 255}
)

// Corners has another colour in each quarter.
func Corners(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := TopLeft
			switch {
			case y < h/2 && x >= w/2:
				c = TopRight
			case y >= h/2 && x < w/2:
				c = BottomLeft
			case y >= h/2:
				c = BottomRight
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

// Cutout is a white disc with a soft edge on nothing. What is transparent is
// black underneath, which shows as a dark halo if a resizer is careless.
func Cutout(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	r := float64(min(w, h)) * 0.4
	for y := range h {
		for x := range w {
			d := r - math.Hypot(float64(x-w/2), float64(y-h/2))
			if a := min(max(d/3+0.5, 0), 1); a > 0 {
				img.SetNRGBA(x, y, color.NRGBA{255, 255, 255, byte(255 * a)})
			}
		}
	}
	return img
}

// Store turns an upright picture to how a camera that writes the given EXIF
// orientation, 1 to 8, stores it.
func Store(img *image.NRGBA, orientation int) *image.NRGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	sw, sh := w, h
	if orientation >= 5 {
		sw, sh = h, w
	}
	out := image.NewNRGBA(image.Rect(0, 0, sw, sh))
	for y := range h {
		for x := range w {
			sx, sy := x, y
			switch orientation {
			case 2:
				sx = w - 1 - x
			case 3:
				sx, sy = w-1-x, h-1-y
			case 4:
				sy = h - 1 - y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = y, w-1-x
			case 7:
				sx, sy = h-1-y, w-1-x
			case 8:
				sx, sy = h-1-y, x
			}
			out.SetNRGBA(sx, sy, img.NRGBAAt(x, y))
		}
	}
	return out
}

// PSNR is the peak signal-to-noise ratio of two pictures of the same size, in
// dB over red, green and blue, each multiplied by alpha: above 40 the eye sees no
// difference, below 30 it does. It is -1 if the sizes differ.
func PSNR(a, b image.Image) float64 {
	if a.Bounds().Size() != b.Bounds().Size() {
		return -1
	}
	var sum float64
	ra, rb := a.Bounds(), b.Bounds()
	for y := range ra.Dy() {
		for x := range ra.Dx() {
			r1, g1, b1, _ := a.At(ra.Min.X+x, ra.Min.Y+y).RGBA()
			r2, g2, b2, _ := b.At(rb.Min.X+x, rb.Min.Y+y).RGBA()
			for _, d := range [...]float64{float64(r1) - float64(r2), float64(g1) - float64(g2), float64(b1) - float64(b2)} {
				sum += d * d
			}
		}
	}
	mse := sum / float64(3*ra.Dx()*ra.Dy()) / (257 * 257)
	if mse == 0 {
		return math.Inf(1)
	}
	return 10 * math.Log10(255*255/mse)
}
