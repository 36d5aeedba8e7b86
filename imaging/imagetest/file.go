package imagetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	stdjpeg "image/jpeg"
	"image/png"
	"maps"
	"slices"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"revela/imaging/internal/jpeg"
	"revela/imaging/internal/libwebp"
)

// must returns an encoder's output. Encoding a good picture into memory fails
// only if the encoder is broken.
func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}

// JPEG is img as a baseline JPEG of quality 92.
func JPEG(img image.Image) []byte {
	var b bytes.Buffer
	err := stdjpeg.Encode(&b, img, &stdjpeg.Options{Quality: 92})
	return must(b.Bytes(), err)
}

// ProgressiveJPEG is img as a JPEG of quality 92 in ten scans, with halved chroma.
func ProgressiveJPEG(img image.Image) []byte {
	m, err := stdjpeg.Decode(bytes.NewReader(JPEG(img)))
	planes := jpeg.New(img.Bounds().Dx(), img.Bounds().Dy(), 1, 0x22, 0x11, 0x11)
	ycc, ok := m.(*image.YCbCr)
	if err != nil || !ok {
		panic("imagetest: a JPEG did not come back in colour")
	}
	for i, p := range planes.Planes {
		src, stride := ycc.Y, ycc.YStride
		if i > 0 {
			src, stride = [][]byte{ycc.Cb, ycc.Cr}[i-1], ycc.CStride
		}
		for y := range p.H {
			copy(p.Pix[y*p.Stride:][:p.W], src[y*stride:])
		}
	}
	return must(jpeg.Encode(planes, 92, true))
}

// PNG is img as a PNG.
func PNG(img image.Image) []byte {
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return must(b.Bytes(), err)
}

// WebP is img as a lossy WebP of quality 92.
func WebP(img *image.NRGBA) []byte {
	return must(libwebp.Encode(context.Background(), img, 92))
}

// GIF is img with 255 colours and a transparent one.
func GIF(img image.Image) []byte {
	colours := append(color.Palette{color.Transparent}, palette.Plan9[:255]...)
	m := image.NewPaletted(img.Bounds(), colours)
	draw.FloydSteinberg.Draw(m, m.Rect, img, img.Bounds().Min)
	var b bytes.Buffer
	err := gif.Encode(&b, m, nil)
	return must(b.Bytes(), err)
}

// TIFF is img in deflated strips.
func TIFF(img image.Image) []byte {
	var b bytes.Buffer
	err := tiff.Encode(&b, img, &tiff.Options{Compression: tiff.Deflate})
	return must(b.Bytes(), err)
}

// BMP is img as a Windows bitmap.
func BMP(img image.Image) []byte {
	var b bytes.Buffer
	err := bmp.Encode(&b, img)
	return must(b.Bytes(), err)
}

// Secret is a text in the metadata that Exif makes, beside a position.
const Secret = "Serial 4711, 52.5163 N"

// Exif is EXIF metadata, without the prefix that JPEG puts before it: an
// orientation, a GPS directory and Secret.
func Exif(orientation int) []byte {
	le := binary.LittleEndian
	b := []byte("II*\x00\x08\x00\x00\x00")
	entry := func(tag, kind uint16, count, value uint32) {
		b = le.AppendUint16(b, tag)
		b = le.AppendUint16(b, kind)
		b = le.AppendUint32(b, count)
		b = le.AppendUint32(b, value)
	}
	const entries = 3
	const text = 8 + 2 + 12*entries + 4
	b = le.AppendUint16(b, entries)
	entry(271, 2, uint32(len(Secret)+1), text) // maker
	entry(274, 3, 1, uint32(orientation))
	entry(34853, 4, 1, text+uint32(len(Secret)+1)) // GPS
	b = le.AppendUint32(b, 0)
	b = append(b, Secret...)
	b = append(b, 0)
	b = le.AppendUint16(b, 1)
	entry(1, 2, 2, 'N')
	return le.AppendUint32(b, 0)
}

// ExifR03 is EXIF metadata of a camera that is set to Adobe RGB.
func ExifR03() []byte {
	dir := func(tag, kind uint16, count uint32, value string) string {
		b := binary.LittleEndian.AppendUint16([]byte{1, 0}, tag)
		b = binary.LittleEndian.AppendUint16(b, kind)
		b = binary.LittleEndian.AppendUint32(b, count)
		return string(b) + value + "\x00\x00\x00\x00"
	}
	return []byte("II*\x00\x08\x00\x00\x00" + dir(34665, 4, 1, "\x1a\x00\x00\x00") +
		dir(40965, 4, 1, "\x2c\x00\x00\x00") + dir(1, 2, 4, "R03\x00"))
}

// Profile is an ICC profile of the given colour space ("RGB ", "GRAY", "CMYK")
// and size, sound to a program that does not look beyond its header.
func Profile(space string, size int) []byte {
	b := make([]byte, size)
	binary.BigEndian.PutUint32(b, uint32(size))
	copy(b[12:], "mntr"+space+"XYZ ")
	copy(b[36:], "acsp")
	for i := 128; i < size; i++ {
		b[i] = byte(i * i >> 3)
	}
	return b
}

// Segment puts a segment after the start marker of a JPEG.
func Segment(file []byte, marker byte, body []byte) []byte {
	out := append([]byte{}, file[:2]...)
	out = append(out, 0xff, marker)
	out = binary.BigEndian.AppendUint16(out, uint16(len(body)+2))
	out = append(out, body...)
	return append(out, file[2:]...)
}

// WithExif adds metadata to a JPEG, PNG or WebP (without alpha).
func WithExif(file, exif []byte) []byte {
	switch {
	case file[0] == 0xff:
		return Segment(file, 0xe1, append([]byte("Exif\x00\x00"), exif...))
	case file[0] == 0x89:
		return Chunk(file, "eXIf", exif)
	}
	return webpExtend(file, 0x08, "EXIF", exif, false)
}

// WithProfile adds an ICC profile to a JPEG (in pieces of 60,000 bytes), or to
// a WebP (without alpha).
func WithProfile(file, profile []byte) []byte {
	if file[0] != 0xff {
		return webpExtend(file, 0x20, "ICCP", profile, true)
	}
	const most = 60_000
	total := (len(profile) + most - 1) / most
	for seq := total; seq >= 1; seq-- {
		part := profile[(seq-1)*most : min(seq*most, len(profile))]
		file = Segment(file, 0xe2, append([]byte("ICC_PROFILE\x00"+string([]byte{byte(seq), byte(total)})), part...))
	}
	return file
}

// Chunk puts a chunk after the header of a PNG.
func Chunk(file []byte, kind string, body []byte) []byte {
	const head = 8 + 25
	out := append([]byte{}, file[:head]...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(body)))
	out = append(append(out, kind...), body...)
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[len(out)-len(body)-4:]))
	return append(out, file[head:]...)
}

// webpExtend adds a chunk to a simple WebP, before or after its picture.
func webpExtend(file []byte, flag byte, id string, body []byte, before bool) []byte {
	cfg, err := webp.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		panic(err)
	}
	out := []byte("RIFF\x00\x00\x00\x00WEBP")
	out = append(out, riffChunk("VP8X", vp8x(flag, cfg.Width, cfg.Height))...)
	extra := riffChunk(id, body)
	if before {
		out = append(out, extra...)
	}
	out = append(out, file[12:]...)
	if !before {
		out = append(out, extra...)
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

// Riff puts a chunk at the end of a WebP.
func Riff(file []byte, id string, body []byte) []byte {
	out := append(bytes.Clone(file), riffChunk(id, body)...)
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

// Comment puts a comment of up to 255 bytes before the first frame of a GIF.
func Comment(file []byte, text string) []byte {
	at := 13 // after the header, and the colours that all frames share
	if flags := file[10]; flags&0x80 != 0 {
		at += 3 << (flags&7 + 1)
	}
	return slices.Concat(file[:at], []byte{0x21, 0xfe, byte(len(text))}, []byte(text), []byte{0}, file[at:])
}

// Compressed is a TIFF that says that it is compressed in another way.
func Compressed(file []byte, compression uint16) []byte {
	le := binary.LittleEndian
	file = bytes.Clone(file)
	for e := file[le.Uint32(file[4:])+2:]; ; e = e[12:] {
		if le.Uint16(e) == 259 {
			le.PutUint16(e[8:], compression)
			return file
		}
	}
}

// Tagged adds an orientation and texts by their tags to a TIFF that TIFF has made.
func Tagged(file []byte, orientation int, texts map[uint16]string) []byte {
	le := binary.LittleEndian
	out := bytes.Clone(file)
	old := file[le.Uint32(file[4:]):]
	entries := map[uint16][]byte{}
	for i := range int(le.Uint16(old)) {
		e := old[2+12*i:][:12]
		entries[le.Uint16(e)] = e
	}
	entry := func(tag, kind uint16, count, value int) {
		e := le.AppendUint16(le.AppendUint16(nil, tag), kind)
		entries[tag] = le.AppendUint32(le.AppendUint32(e, uint32(count)), uint32(value))
	}
	entry(274, 3, 1, orientation)
	for tag, s := range texts {
		entry(tag, 2, len(s)+1, len(out))
		out = append(append(out, s...), 0)
	}
	le.PutUint32(out[4:], uint32(len(out)))
	out = le.AppendUint16(out, uint16(len(entries)))
	for _, tag := range slices.Sorted(maps.Keys(entries)) { // as the format wants them
		out = append(out, entries[tag]...)
	}
	return append(out, 0, 0, 0, 0)
}

// Animation is an animated WebP of one frame, at an even place on a canvas.
func Animation(frame *image.NRGBA, at image.Point, canvas image.Point) []byte {
	chunks := WebP(frame)[12:]
	if string(chunks[:4]) == "VP8X" {
		chunks = chunks[18:]
	}
	u24 := func(b []byte, v int) []byte { return append(b, byte(v), byte(v>>8), byte(v>>16)) }
	var head []byte
	for _, v := range []int{at.X / 2, at.Y / 2, frame.Rect.Dx() - 1, frame.Rect.Dy() - 1, 100} {
		head = u24(head, v)
	}
	out := []byte("RIFF\x00\x00\x00\x00WEBP")
	out = append(out, riffChunk("VP8X", vp8x(0x12, canvas.X, canvas.Y))...)
	out = append(out, riffChunk("ANIM", make([]byte, 6))...)
	out = append(out, riffChunk("ANMF", append(append(head, 0), chunks...))...)
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

func vp8x(flags byte, w, h int) []byte {
	w, h = w-1, h-1
	return []byte{flags, 0, 0, 0, byte(w), byte(w >> 8), byte(w >> 16), byte(h), byte(h >> 8), byte(h >> 16)}
}

func riffChunk(id string, body []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte(id), uint32(len(body)))
	b = append(b, body...)
	return append(b, make([]byte, len(body)&1)...)
}

// GIFBomb is a GIF of a few dozen bytes that claims 65535 x 65535 pixels.
func GIFBomb() []byte {
	b := []byte("GIF89a\xff\xff\xff\xff\x80\x00\x00")
	b = append(b, 0, 0, 0, 255, 255, 255)
	b = append(b, 0x2c, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0)
	return append(b, 2, 1, 0x4c, 0, 0x3b)
}

// PNGBomb is a PNG of a few dozen bytes that claims w x h pixels of 64 bits.
func PNGBomb(w, h uint32) []byte {
	file := PNG(image.NewNRGBA64(image.Rect(0, 0, 1, 1)))
	binary.BigEndian.PutUint32(file[16:], w)
	binary.BigEndian.PutUint32(file[20:], h)
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(file[12:29]))
	return file
}
