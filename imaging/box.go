package imaging

// box is the part of a row or a column of samples that becomes one sample of the
// result: those in [from, to), of which the first and the last may belong to it
// in part. Parts are exact, so a picture whose size is no multiple of the
// factor is not shifted.
type box struct {
	from, to    int
	first, last uint32 // weights in 256ths; of a single sample, first
}

const whole = 256

// newBoxes divides from samples into n boxes of the same size. If n is larger,
// boxes are single samples, some of them repeated.
func newBoxes(from, n int) []box {
	boxes := make([]box, n)
	for i := range boxes {
		b := &boxes[i]
		start := int64(i) * int64(from) * whole / int64(n)
		end := int64(i+1) * int64(from) * whole / int64(n)
		b.from = int(start / whole)
		if n >= from {
			b.to, b.first, b.last = b.from+1, whole, whole
			continue
		}
		b.to = int((end + whole - 1) / whole)
		b.first = uint32(whole - start%whole)
		b.last = uint32(end - int64(b.to-1)*whole)
	}
	return boxes
}

// weight is that of sample i of the box.
func (b *box) weight(i int) uint32 {
	switch i {
	case b.from:
		return b.first
	case b.to - 1:
		return b.last
	}
	return whole
}

// total is the sum of the weights.
func (b *box) total() uint32 {
	if b.to == b.from+1 {
		return b.first
	}
	return b.first + b.last + uint32(b.to-b.from-2)*whole
}

// exactly reports whether the box is n whole samples.
func (b *box) exactly(n int) bool {
	return b.to-b.from == n && b.first == whole && b.last == whole
}
