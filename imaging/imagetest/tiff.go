package imagetest

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/color"
	"maps"
	"slices"
)

// TIFFFile is a TIFF of a kind that Go's encoder cannot write: the pixels of Image
// as Samples has them, in strips or tiles. Width, height, bits, compression and what
// follows from the other fields need no tags.
type TIFFFile struct {
	Image       image.Image
	Samples     func(c color.NRGBA64) []uint16 // of a pixel, 16 bits each
	Bits        int                            // of a sample
	BigEndian   bool
	Separate    bool        // planes instead of pixels
	Block       image.Point // the size of tiles, or of strips if X is 0
	Compression int         // 1 none, 5 LZW, 8 deflate, 32773 PackBits, or what Pack does
	Differences bool
	Pack        func(block []byte, w, h int) []byte
	Tags        map[uint16][]uint32 // 347 and 34675 are bytes, others numbers
}

// TIFF writes the file.
func (f TIFFFile) TIFF() []byte {
	var order binary.AppendByteOrder = binary.LittleEndian
	b := []byte("II*\x00\x00\x00\x00\x00")
	if f.BigEndian {
		order = binary.BigEndian
		b = []byte("MM\x00*\x00\x00\x00\x00")
	}
	var offsets, counts []uint32
	for _, block := range f.blocks(order) {
		offsets, counts = append(offsets, uint32(len(b))), append(counts, uint32(len(block)))
		b = append(b, block...)
	}
	w, h := uint32(f.Image.Bounds().Dx()), uint32(f.Image.Bounds().Dy())
	n := len(f.Samples(color.NRGBA64{}))
	tags := map[uint16][]uint32{
		256: {w}, 257: {h}, 258: slices.Repeat([]uint32{uint32(f.Bits)}, n), 259: {uint32(f.Compression)}, 277: {uint32(n)},
	}
	if f.Separate {
		tags[284] = []uint32{2}
	}
	if f.Differences {
		tags[317] = []uint32{2}
	}
	if f.Block.X > 0 {
		tags[322], tags[323] = []uint32{uint32(f.Block.X)}, []uint32{uint32(f.Block.Y)}
		tags[324], tags[325] = offsets, counts
	} else {
		tags[273], tags[279] = offsets, counts
		tags[278] = []uint32{uint32(f.Block.Y)}
	}
	maps.Copy(tags, f.Tags)
	return directory(b, order, tags)
}

// TIFFPages is a little-endian TIFF with a tag 254 with more pages, each a copy of its directory that
// says that it is of a given type. After the last comes the first again.
func TIFFPages(file []byte, types ...uint16) []byte {
	le := binary.LittleEndian
	at := le.Uint32(file[4:])
	dir := bytes.Clone(file[at:])
	for i, kind := range types {
		if i > 0 {
			le.PutUint32(file[len(file)-4:], uint32(len(file)))
			file = append(file, dir...)
		}
		for e := file[len(file)-len(dir)+2:]; ; e = e[12:] {
			if le.Uint16(e) == 254 {
				le.PutUint16(e[8:], kind)
				break
			}
		}
	}
	le.PutUint32(file[len(file)-4:], at)
	return file
}

// directory adds one to a file, as its first.
func directory(b []byte, order binary.AppendByteOrder, tags map[uint16][]uint32) []byte {
	dir := order.AppendUint16(nil, uint16(len(tags)))
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		values := tags[tag]
		var body []byte
		kind := uint16(3)
		switch {
		case tag == 347 || tag == 34675:
			kind = 7
		case len(values) > 0 && slices.Max(values) > 65535, tag == 273, tag == 324:
			kind = 4
		}
		for _, v := range values {
			switch kind {
			case 3:
				body = order.AppendUint16(body, uint16(v))
			case 4:
				body = order.AppendUint32(body, v)
			default:
				body = append(body, byte(v))
			}
		}
		dir = order.AppendUint32(order.AppendUint16(order.AppendUint16(dir, tag), kind), uint32(len(values)))
		if len(body) > 4 {
			dir = order.AppendUint32(dir, uint32(len(b)))
			b = append(b, body...)
		} else {
			dir = append(dir, append(body, 0, 0, 0, 0)[:4]...)
		}
	}
	copy(b[4:], order.AppendUint32(nil, uint32(len(b))))
	return append(append(b, dir...), 0, 0, 0, 0)
}

// blocks are the strips or tiles, compressed.
func (f TIFFFile) blocks(order binary.AppendByteOrder) (all [][]byte) {
	w, h := f.Image.Bounds().Dx(), f.Image.Bounds().Dy()
	across, planes := f.Block.X, 1
	if across == 0 {
		across = w
	}
	n := len(f.Samples(color.NRGBA64{}))
	if f.Separate {
		planes = n
	}
	for plane := range planes {
		for y := 0; y < h; y += f.Block.Y {
			bottom := y + f.Block.Y
			if f.Block.X == 0 {
				bottom = min(bottom, h)
			}
			for x := 0; x < w; x += across {
				var block []byte
				for row := y; row < bottom; row++ {
					var line []uint16
					for col := x; col < x+across; col++ {
						s := f.Samples(color.NRGBA64Model.Convert(f.Image.At(min(col, w-1), min(row, h-1))).(color.NRGBA64))
						if f.Separate {
							s = s[plane : plane+1]
						}
						line = append(line, s...)
					}
					block = append(block, f.pack(line, n/planes, order)...)
				}
				all = append(all, f.compress(block, across, bottom-y))
			}
		}
	}
	return all
}

// pack makes bytes of the samples of a row, of which per belong to a pixel.
func (f TIFFFile) pack(line []uint16, per int, order binary.AppendByteOrder) (b []byte) {
	for i := range line {
		line[i] >>= 16 - f.Bits
	}
	for i := len(line) - 1; f.Differences && i >= per; i-- {
		line[i] -= line[i-per]
	}
	free := 0 // bits of the last byte
	for _, v := range line {
		if f.Bits == 16 {
			b = order.AppendUint16(b, v)
			continue
		}
		if free == 0 {
			b, free = append(b, 0), 8
		}
		free -= f.Bits
		b[len(b)-1] |= byte(v) << free
	}
	return b
}

func (f TIFFFile) compress(block []byte, w, h int) []byte {
	var b bytes.Buffer
	switch {
	case f.Pack != nil:
		return f.Pack(block, w, h)
	case f.Compression == 5:
		// Codes of 9 bits, all literal, and a new table before they get longer.
		const clear, end = 256, 257
		var codes []uint32
		for i, v := range block {
			if i%200 == 0 {
				codes = append(codes, clear)
			}
			codes = append(codes, uint32(v))
		}
		acc, n := uint32(0), 0
		for _, c := range append(codes, end, 0) {
			for acc, n = acc<<9|c, n+9; n >= 8; n -= 8 {
				b.WriteByte(byte(acc >> (n - 8)))
			}
		}
	case f.Compression == 8:
		zw := zlib.NewWriter(&b)
		zw.Write(block) // into memory: cannot fail
		zw.Close()
	case f.Compression == 32773:
		for i := 0; i < len(block); {
			n := 1
			for i+n < len(block) && n < 128 && block[i+n] == block[i] {
				n++
			}
			if n > 1 {
				b.Write([]byte{byte(1 - n), block[i]})
			} else {
				b.Write([]byte{128, 0, block[i]}) // after what does nothing
			}
			i += n
		}
	default:
		return block
	}
	return b.Bytes()
}

// The samples of pixels.
var (
	RGBSamples       = func(c color.NRGBA64) []uint16 { return []uint16{c.R, c.G, c.B} }
	RGBASamples      = func(c color.NRGBA64) []uint16 { return []uint16{c.R, c.G, c.B, c.A} }
	GreySamples      = func(c color.NRGBA64) []uint16 { return []uint16{c.G} }
	GreyAlphaSamples = func(c color.NRGBA64) []uint16 { return []uint16{c.G, c.A} }
	InkSamples       = func(c color.NRGBA64) []uint16 { return []uint16{^c.R, ^c.G, ^c.B, 0} }
)
