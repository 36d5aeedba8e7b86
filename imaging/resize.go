package imaging

// gap is by how much the resizer still has to reduce what a decoder left out: a
// decoder's reduction lets some of what is too fine for the result pass as moiré,
// and the resizer removes it if enough is left for it to do. Two is a usual
// choice. A little less lets the picture of 12 megapixels at a width of 1024
// profit, and costs nothing that can be seen.
const gap = 1.9

// reduction is by how much a decoder may reduce a side of from pixels that is
// going to be size pixels long: 1, 2, 4 or 8.
func reduction(from, size int) int {
	k := 8
	for k > 1 && float64(from) < gap*float64(k)*float64(size) {
		k /= 2
	}
	return k
}
