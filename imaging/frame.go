package imaging

import (
	"image"
	"math"
)

// frame is the geometry of a variant, of a picture as it is shown: a part of
// the given size becomes an output of another. Neither side of out is longer
// than that of part, so nothing is enlarged.
type frame struct{ part, out image.Point }

// frame returns the variant's geometry for a picture of w x h pixels, in a
// format that can hold no side longer than most.
func (v Variant) frame(w, h, most int) frame {
	all := image.Pt(w, h)
	boxW, boxH := v.Width, v.Height
	if boxW == 0 {
		boxW = w
	}
	if boxH == 0 {
		boxH = h
	}
	if v.Fit == "" || v.Fit == Inside {
		return frame{part: all, out: inside(w, h, min(boxW, most), min(boxH, most))}
	}
	// The box shrinks until it fits into the picture and into the format.
	out := inside(boxW, boxH, min(w, most), min(h, most))
	if v.Fit == Fill {
		return frame{part: all, out: out}
	}
	return frame{part: covered(w, h, out), out: out}
}

// inside is w x h reduced to a box, its shape kept to within a pixel. It is at
// least 1 x 1 and never larger than w x h.
func inside(w, h, boxW, boxH int) image.Point {
	scale := func(size, by, of int) int {
		return int(max(1, (2*int64(size)*int64(by)+int64(of))/(2*int64(of))))
	}
	fw, fh := w, h
	if fw > boxW {
		fw, fh = boxW, scale(h, boxW, w)
	}
	if fh > boxH {
		fw, fh = min(scale(w, boxH, h), boxW), boxH
	}
	return image.Pt(fw, fh)
}

// covered is the largest part of w x h that has the shape of out.
func covered(w, h int, out image.Point) image.Point {
	if int64(w)*int64(out.Y) > int64(h)*int64(out.X) {
		cut := math.Round(float64(h) * float64(out.X) / float64(out.Y))
		return image.Pt(min(max(int(cut), 1), w), h)
	}
	cut := math.Round(float64(w) * float64(out.Y) / float64(out.X))
	return image.Pt(w, min(max(int(cut), 1), h))
}

// stored turns a part of a picture as it is shown to where it is stored, in a
// picture of w x h pixels as shown.
func stored(part image.Rectangle, w, h, orientation int) image.Rectangle {
	t := turns[orientation]
	if t.transpose {
		part = image.Rect(part.Min.Y, part.Min.X, part.Max.Y, part.Max.X)
		w, h = h, w
	}
	if t.flipX {
		part.Min.X, part.Max.X = w-part.Max.X, w-part.Min.X
	}
	if t.flipY {
		part.Min.Y, part.Max.Y = h-part.Max.Y, h-part.Min.Y
	}
	return part
}
