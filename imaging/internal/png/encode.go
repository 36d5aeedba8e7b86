package png

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// Image is pixels in memory, in rows of W pixels that are Stride bytes apart. It
// has one channel, grey, or four, the last of them alpha that is not multiplied in.
type Image struct {
	Pix            []byte
	W, H, Stride   int
	Channels       int
	kept           int // channels that are written
	cur, prev, out []byte
}

// manner is how a picture is compressed.
type manner struct {
	filtered bool
	effort   int // an index into efforts
}

// efforts are levels of deflate: none to find repetitions, a little, and much.
var efforts = [...]int{zlib.HuffmanOnly, 3, 8}

// Photographs hardly repeat themselves, and looking for it takes long. What was
// drawn does, and filters spoil that, unless it has shades as well. A photograph
// that is cut out has much that repeats itself, and a little effort finds it.
var (
	photographic = manner{true, 0}
	cutOut       = manner{true, 1}
	plain        = manner{false, 1}
	drawn        = manner{false, 2}
	shaded       = manner{true, 2}
)

// Encode returns the picture as a file, without alpha where all is opaque.
func Encode(m *Image) []byte {
	m.kept = m.Channels
	if m.Channels == 4 && m.opaque() {
		m.kept = 3
	}
	size := 1 + m.W*m.kept
	m.cur, m.prev, m.out = make([]byte, size), make([]byte, size), make([]byte, 5*size)

	b := outputs.Get().(*bytes.Buffer)
	defer outputs.Put(b)
	how := m.manner(b)
	b.Reset()
	b.WriteString(magic)
	head := binary.BigEndian.AppendUint32(nil, uint32(m.W))
	head = binary.BigEndian.AppendUint32(head, uint32(m.H))
	head = append(head, 8, map[int]byte{1: 0, 3: 2, 4: 6}[m.kept], 0, 0, 0)
	chunk(b, "IHDR", func() { b.Write(head) })
	chunk(b, "IDAT", func() { m.compress(b, how, 0, m.H) })
	chunk(b, "IEND", func() {})
	return bytes.Clone(b.Bytes())
}

// outputs are what files are written to; what comes of it is a copy, of the right size.
var outputs = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (m *Image) opaque() bool {
	for y := range m.H {
		all := byte(255)
		row := m.Pix[y*m.Stride:][:4*m.W]
		for i := 3; i < len(row); i += 4 {
			all &= row[i]
		}
		if all != 255 {
			return false
		}
	}
	return true
}

// chunk writes a chunk with what body writes.
func chunk(b *bytes.Buffer, kind string, body func()) {
	at := b.Len()
	b.WriteString("\x00\x00\x00\x00" + kind)
	body()
	data := b.Bytes()[at:]
	binary.BigEndian.PutUint32(data, uint32(len(data)-8))
	b.Write(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(data[4:])))
}

// manner finds out how to compress the picture, from samples of it, which it writes
// to b.
func (m *Image) manner(b *bytes.Buffer) manner {
	photo, flat, shades := m.sample(b, photographic), m.sample(b, plain), m.sample(b, cutOut)
	switch {
	// With much effort the others would come out up to a fifth smaller, and it
	// would take ten times as long.
	case photo < 0.95*flat && photo < 1.2*shades:
		return photographic
	// Effort gains more where nothing is filtered.
	case shades > 0.9*flat:
		return drawn
	// The more there is left, the more time much effort takes.
	case shades > 0.1:
		return cutOut
	}
	return shaded
}

// sample is what some parts of the picture become, as a share of their size.
func (m *Image) sample(b *bytes.Buffer, how manner) float64 {
	const parts, rows = 4, 16
	was, is := 0, 0
	for i := range parts {
		from := m.H * (2*i + 1) / (2 * parts)
		b.Reset()
		to := min(from+rows, m.H)
		m.compress(b, how, from, to)
		was, is = was+(to-from)*len(m.cur), is+b.Len()
	}
	return float64(is) / float64(was)
}

var writers [len(efforts)]sync.Pool // of *zlib.Writer

// compress writes rows, the first as if there were none above it.
func (m *Image) compress(b *bytes.Buffer, how manner, from, to int) {
	z, ok := writers[how.effort].Get().(*zlib.Writer)
	if ok {
		z.Reset(b)
	} else {
		z, _ = zlib.NewWriterLevel(b, efforts[how.effort]) // there are these levels
	}
	defer writers[how.effort].Put(z)
	clear(m.prev)
	for y := from; y < to; y++ {
		m.row(y)
		row := m.cur
		if how.filtered {
			row = m.filter()
		}
		z.Write(row) // a bytes.Buffer takes everything
		m.cur, m.prev = m.prev, m.cur
	}
	z.Close()
}

// row writes the channels that are kept to cur, after a zero.
func (m *Image) row(y int) {
	src, dst := m.Pix[y*m.Stride:][:m.W*m.Channels], m.cur[1:]
	if m.kept == m.Channels {
		copy(dst, src)
		return
	}
	for len(src) >= 4 && len(dst) >= 3 {
		dst[0], dst[1], dst[2] = src[0], src[1], src[2]
		src, dst = src[4:], dst[3:]
	}
}

// filter returns cur by the filter whose output is nearest to zero, which usually
// is the one that compresses best.
func (m *Image) filter() []byte {
	n := len(m.cur)
	var outs [5][]byte
	for f := range outs {
		outs[f] = m.out[f*n:][:n]
		outs[f][0] = byte(f)
	}
	var sums [5]int
	filterRow(&outs, &sums, m.cur, m.prev, m.kept)
	best := 0
	for f, sum := range sums {
		if sum < sums[best] {
			best = f
		}
	}
	return outs[best]
}

// filterRow applies all filters to cur, given the row above it, and sums the
// absolute values of what comes out. The first byte of rows is the filter's.
func filterRow(outs *[5][]byte, sums *[5]int, cur, prev []byte, bpp int) {
	set := func(f, i int, v byte) {
		outs[f][i] = v
		sums[f] += abs(int(int8(v)))
	}
	for i := 1; i < len(cur); i++ {
		var a, c byte
		if i > bpp {
			a, c = cur[i-bpp], prev[i-bpp]
		}
		v, b := cur[i], prev[i]
		set(none, i, v)
		set(sub, i, v-a)
		set(up, i, v-b)
		set(average, i, v-byte((int(a)+int(b))/2))
		set(paeth, i, v-predict(a, b, c))
	}
}
