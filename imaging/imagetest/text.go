package imagetest

import (
	"image"
	"image/color"
	"image/draw"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// Text is lines of black text on white, each letter three times as large as its font
// has it: what a screenshot or a scan has, with edges that blur, rings and a shift of
// half a pixel are seen at. It is the same wherever it is made.
func Text(w, h int) *image.NRGBA {
	const scale = 3
	small := image.NewGray(image.Rect(0, 0, (w+scale-1)/scale, (h+scale-1)/scale))
	draw.Draw(small, small.Rect, image.White, image.Point{}, draw.Src)
	face := basicfont.Face7x13
	pen := font.Drawer{Dst: small, Src: image.Black, Face: face}
	for y := face.Ascent; y < small.Rect.Dy()+face.Height; y += face.Height {
		pen.Dot = fixed.P(2, y)
		pen.DrawString("The quick brown fox jumps over the lazy dog; 0123456789 & {[(<@>)]} * #!?")
	}
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := small.GrayAt(x/scale, y/scale).Y
			img.SetNRGBA(x, y, color.NRGBA{v, v, v, 255})
		}
	}
	return img
}
