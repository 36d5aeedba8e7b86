package imaging

// maxSharpen is the largest amount of sharpening; more only makes halos.
const maxSharpen = 5.0

// sharpen makes details stronger by amount: what a pixel's brightness differs
// from that of its neighbourhood is added that many times. Only brightness
// changes, so edges get no coloured seams.
func (r *raster) sharpen(amount float64) {
	if amount == 0 {
		return
	}
	gain := int32(amount*256 + 0.5)
	if r.pix == nil {
		y := r.planes[0]
		y.details(func(at int, d int32) { y.pix[at] = moved(y.pix[at], d, gain) })
		return
	}
	r.sharpenPixels(gain)
}

// sharpenPixels sharpens what has all channels in one place. Where it is
// transparent there is nothing to stand out from, so a pixel is compared with
// what is multiplied by alpha.
func (r *raster) sharpenPixels(gain int32) {
	pix := r.rgb().Pix
	y := plane{make([]byte, r.w*r.h), r.w, r.h}
	for i := range y.pix {
		y.pix[i] = luma(pix[4*i : 4*i+4 : 4*i+4])
	}
	y.details(func(at int, d int32) {
		p := pix[4*at : 4*at+4 : 4*at+4]
		if p[3] != 255 {
			return // an edge of a cutout: its colour says nothing of a detail
		}
		for c := range 3 {
			p[c] = moved(p[c], d, gain)
		}
	})
}

// moved is v with a detail of sixteenths added, times gain of 256ths.
func moved(v byte, detail, gain int32) byte {
	return byte(min(max((int32(v)<<12+detail*gain+1<<11)>>12, 0), 255))
}

// details calls add for each sample with the difference to its neighbourhood of
// 3 x 3, in sixteenths. It reads each sample before add may change it.
func (p plane) details(add func(at int, detail int32)) {
	above, here := make([]byte, p.w), make([]byte, p.w)
	copy(above, p.pix[:p.w])
	for y := range p.h {
		copy(here, p.pix[y*p.w:][:p.w])
		below := here
		if y+1 < p.h {
			below = p.pix[(y+1)*p.w:][:p.w]
		}
		for x := range p.w {
			l, m := max(x-1, 0), min(x+1, p.w-1)
			column := func(x int) int32 { return int32(above[x]) + 2*int32(here[x]) + int32(below[x]) }
			mean := column(l) + 2*column(x) + column(m)
			add(y*p.w+x, 16*int32(here[x])-mean)
		}
		above, here = here, above
	}
}
