package png

// The filters of a row, by number.
const (
	none = iota
	sub
	up
	average
	paeth
)

// unfilter takes a filter of bpp bytes a pixel off a row, given the one above it.
// It reports whether there is such a filter.
func unfilter(filter byte, cur, prev []byte, bpp int) bool {
	prev = prev[:len(cur)]
	switch filter {
	case none:
	case sub:
		for i := bpp; i < len(cur); i++ {
			cur[i] += cur[i-bpp]
		}
	case up:
		for i, b := range prev {
			cur[i] += b
		}
	case average:
		for i := range min(bpp, len(cur)) {
			cur[i] += prev[i] / 2
		}
		for i := bpp; i < len(cur); i++ {
			cur[i] += byte((int(cur[i-bpp]) + int(prev[i])) / 2)
		}
	case paeth:
		for i := range min(bpp, len(cur)) {
			cur[i] += prev[i]
		}
		for i := bpp; i < len(cur); i++ {
			cur[i] += predict(cur[i-bpp], prev[i], prev[i-bpp])
		}
	default:
		return false
	}
	return true
}

// predict is whichever of left, above and above left is nearest to what a plane
// through them would have.
func predict(left, above, corner byte) byte {
	a, b, c := int(left), int(above), int(corner)
	pa, pb := b-c, a-c
	pc := abs(pa + pb)
	pa, pb = abs(pa), abs(pb)
	switch {
	case pa <= pb && pa <= pc:
		return left
	case pb <= pc:
		return above
	}
	return corner
}

func abs(v int) int {
	if v < 0 {
		return -v
	}
	return v
}
