package imaging

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"revela/imaging/internal/codec"
)

// header is all that is known of a picture before a pixel of it is decoded.
type header struct {
	format        Format
	width, height int   // as stored
	orientation   int   // as EXIF numbers them, 1 to 8
	frames        int   // 1, or those of an animation, or pages
	decodeBytes   int64 // upper bound of the memory that the decoder takes
	opaque        bool  // nothing of it can be transparent; false is that it is not known

	png            pngColour
	adobeRGB       bool          // its EXIF metadata says that its colours are Adobe RGB
	cicp           *codec.Colour // what the colours are by numbers; nil is not said
	profile        []span        // the ICC profile's pieces, in order; nil is none
	profileDeflate bool          // it is compressed, as in PNG

	jpeg jpegFacts
	webp webpFacts
	heif heifFacts
	gif  gifFacts
	tiff *tiffFacts // of a TIFF
	bmp  *bmpFacts  // of a BMP
}

// shown is the size after orientation.
func (h *header) shown() (w, ht int) {
	if h.orientation >= 5 {
		return h.height, h.width
	}
	return h.width, h.height
}

func (h *header) pixels() int64 { return int64(h.width) * int64(h.height) }

// prober reads one header within the limits.
type prober struct {
	*cursor
	cfg Config
	h   header
}

// probe reads the header of a picture and checks that the file is complete as
// far as its structure tells.
func probe(src Source, cfg Config) (*header, error) {
	if src.Size() <= 0 {
		return nil, invalid("the file is empty")
	}
	p := &prober{cursor: newCursor(src), cfg: cfg}
	p.h.orientation, p.h.frames = 1, 1
	head := make([]byte, min(64, src.Size()))
	b, err := p.peek(len(head))
	if err != nil {
		return nil, err
	}
	copy(head, b)

	p.h.format = sniff(head)
	switch p.h.format {
	case JPEG:
		err = p.jpeg()
	case PNG:
		err = p.png()
	case WebP:
		err = p.webp()
	case GIF:
		err = p.gif()
	case TIFF:
		err = p.tiff()
	case BMP:
		err = p.bmp()
	case HEIC, AVIF:
		err = p.heif()
	default:
		return nil, unsupported("%s; send %s", guess(head), accepted)
	}
	if err != nil {
		return nil, err
	}
	if p.h.decodeBytes > cfg.MemoryBudget {
		return nil, tooLarge("decoding %d x %d pixels of this kind takes %d MiB, at most %d MiB are allowed",
			p.h.width, p.h.height, p.h.decodeBytes>>20, cfg.MemoryBudget>>20)
	}
	return &p.h, nil
}

// size sets the picture's size, or refuses it. Walkers call it as soon as they
// know, so that a tiny file with a giant header is called too large.
func (p *prober) size(w, h int64) error {
	switch {
	case w <= 0 || h <= 0:
		return invalid("its width or height is zero")
	// Each side first, so that the product cannot overflow.
	case w > math.MaxInt32 || h > math.MaxInt32 || w*h > p.cfg.MaxPixels:
		return tooLarge("%d x %d pixels, at most %s are allowed", w, h, megapixels(p.cfg.MaxPixels))
	}
	p.h.width, p.h.height = int(w), int(h)
	return nil
}

func megapixels(n int64) string {
	if n < 1_000_000 {
		return fmt.Sprintf("%d pixels", n)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/1e6), ".0") + " megapixels"
}

// sniff tells the format by the first bytes, "" if it is none that can be read.
func sniff(head []byte) Format {
	starts := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case starts("\xff\xd8\xff"):
		return JPEG
	case starts(pngMagic):
		return PNG
	case starts("RIFF") && len(head) >= 12 && string(head[8:12]) == "WEBP":
		return WebP
	case starts("GIF87a"), starts("GIF89a"):
		return GIF
	case starts("II*\x00"), starts("MM\x00*"):
		return TIFF
	// "BM" alone begins too many texts: the reserved words must be zero too.
	case starts("BM") && len(head) >= 10 && string(head[6:10]) == "\x00\x00\x00\x00":
		return BMP
	case len(head) >= 16 && string(head[4:8]) == "ftyp":
		return sniffBrands(head)
	}
	return ""
}

// sniffBrands tells HEIC and AVIF by the brands in the first box: the main one,
// or where that is a general one, those beside it.
func sniffBrands(head []byte) Format {
	end := min(int64(binary.BigEndian.Uint32(head)), int64(len(head)))
	for off := int64(8); off+4 <= end; off += 4 {
		switch string(head[off : off+4]) {
		case "avif", "avis":
			return AVIF
		case "heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs":
			return HEIC
		}
	}
	return ""
}

const accepted = "JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF or BMP"

// others are what people send instead of a picture that can be read, by how it
// begins.
var others = []struct{ magic, name string }{
	{"%PDF", "a PDF document"},
	{"II+\x00", "a BigTIFF picture"}, {"MM\x00+", "a BigTIFF picture"},
	{"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"}, {"\xff\x0a", "a JPEG XL picture"},
	{"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"}, {"\xff\x4f\xff\x51", "a JPEG 2000 picture"},
	{"8BPS", "a Photoshop document"},
	{"\x00\x00\x01\x00", "an icon"},
	{"\x76\x2f\x31\x01", "an OpenEXR picture"},
	{"PK\x03\x04", "a ZIP archive or an office document"},
	{"\x1f\x8b", "a compressed file"},
	{"\x1aE\xdf\xa3", "a video"},
}

// guess names what it is that cannot be read.
func guess(head []byte) string {
	lower := bytes.ToLower(bytes.TrimLeft(head, "\xef\xbb\xbf \t\r\n"))
	switch {
	case len(head) >= 12 && string(head[4:8]) == "ftyp":
		return "a video or an unknown kind of picture"
	case bytes.HasPrefix(lower, []byte("<svg")), bytes.HasPrefix(lower, []byte("<?xml")):
		return "an SVG or XML document"
	case bytes.HasPrefix(lower, []byte("<!doctype html")), bytes.HasPrefix(lower, []byte("<html")):
		return "an HTML page"
	}
	for _, o := range others {
		if bytes.HasPrefix(head, []byte(o.magic)) {
			return o.name
		}
	}
	return "its content is not that of a picture"
}
