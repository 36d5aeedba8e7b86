package imaging

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"slices"
	"testing"

	"revela/imaging/imagetest"
	"revela/imaging/internal/icc"
)

// told are files of all formats with all the metadata that they can hold, and
// imagetest.Secret in each piece of it.
func told(t *testing.T) map[string][]byte {
	t.Helper()
	photo, cutout, secret := imagetest.Photo(64, 48), imagetest.Cutout(64, 48), []byte(imagetest.Secret)
	jpg := imagetest.WithExif(imagetest.JPEG(photo), imagetest.Exif(3))
	for marker, head := range map[byte]string{
		0xe1: "http://ns.adobe.com/xap/1.0/\x00", 0xed: "Photoshop 3.0\x008BIM", 0xe0: "JFXX\x00", 0xe2: "MPF\x00", 0xe3: "Meta\x00", 0xfe: "",
	} {
		jpg = imagetest.Segment(jpg, marker, append([]byte(head), secret...))
	}
	png := imagetest.WithExif(imagetest.PNG(photo), imagetest.Exif(3))
	for kind, head := range map[string]string{
		"tEXt": "Comment\x00", "iTXt": "XML:com.adobe.xmp\x00\x00\x00\x00\x00", "sPLT": "x\x00\x08", "prVt": "",
	} {
		png = imagetest.Chunk(png, kind, append([]byte(head), secret...))
	}
	web := imagetest.Riff(imagetest.WithExif(imagetest.WebP(photo), imagetest.Exif(3)), "XMP ", secret)
	profile := imagetest.AdobeRGBProfile()
	profile = append(profile, secret...)
	binary.BigEndian.PutUint32(profile, uint32(len(profile)))
	uuid := append([]byte("\x00\x00\x00\x00uuid0123456789abcdef"), secret...)
	binary.BigEndian.PutUint32(uuid, uint32(len(uuid)))
	tags := map[uint16]string{270: imagetest.Secret, 315: imagetest.Secret, 700: imagetest.Secret, 33432: imagetest.Secret}
	return map[string][]byte{
		"JPEG": jpg, "JPEG after its end": append(bytes.Clone(jpg), secret...), "JPEG profile": imagetest.WithProfile(jpg, profile),
		"PNG": png, "PNG after its end": append(bytes.Clone(png), secret...), "PNG alpha": imagetest.Chunk(imagetest.PNG(cutout), "tEXt", append([]byte("a\x00"), secret...)),
		"WebP": web, "WebP profile": imagetest.WithProfile(imagetest.WebP(photo), profile),
		"WebP unknown": imagetest.Riff(web, "WHAT", secret),
		"GIF":          imagetest.Comment(imagetest.GIF(cutout), imagetest.Secret), "TIFF": imagetest.Tagged(imagetest.TIFF(photo), 3, tags),
		"BMP": append(imagetest.BMP(photo), secret...), "AVIF": golden(t, "corners.avif"), "HEIC": append(golden(t, "corners.heic"), uuid...),
	}
}

// Nothing of what a file says beside its picture gets out: each output consists of
// nothing but the pieces that a picture of its format needs.
func TestMetadataIsGone(t *testing.T) {
	t.Parallel()
	made := func(formats ...Format) (variants []Variant) {
		for _, f := range formats {
			for _, width := range []int{32, 64} {
				v := sized("v"+string(rune('a'+len(variants))), width, 85)
				v.Format = f
				variants = append(variants, v)
			}
		}
		return variants
	}
	variants := map[string][]Variant{
		"go": made(JPEG, PNG, WebP, AVIF, ""), "default": made(JPEG, ""), // the others are made alike
	}
	for name, file := range told(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !bytes.Contains(file, []byte(imagetest.Secret)) {
				t.Fatal("the test's own file lacks the text")
			}
			before := bytes.Clone(file)
			for codec, e := range engines(t) {
				outs, err := images(e.Render(t.Context(), source(file), variants[codec]))
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range outs {
					if p, ok := strange(t, o); ok {
						t.Errorf("%s, %s of %d: has a piece %q", codec, o.Format, o.Width, p)
					}
					if bytes.Contains(o.Data, []byte(imagetest.Secret)) {
						t.Errorf("%s, %s of %d: the text is there", codec, o.Format, o.Width)
					}
				}
			}
			if !bytes.Equal(file, before) {
				t.Error("the original was changed")
			}
		})
	}
}

// strange is a piece of an output that says more than the picture.
func strange(t *testing.T, o Output) (string, bool) {
	t.Helper()
	const jfif = "\xe0JFIF\x00"
	known := map[Format][]string{
		JPEG: {jfif, "\xc0", "\xc2", "\xc4", "\xda", "\xdb", "\xdd", "\xe2ICC_PROFILE\x00"},
		PNG:  {"IHDR", "PLTE", "tRNS", "IDAT", "IEND", "iCCP"},
		WebP: {"VP8X", "VP8 ", "VP8L", "ALPH", "ICCP"},
		AVIF: {"ftyp", "meta", "mdat", "av01"},
	}[o.Format]
	all := pieces(t, o)
	if o.Format == JPEG && all[0] != jfif {
		return "before the JFIF header: " + all[0], true
	}
	for _, p := range all {
		if !slices.Contains(known, p) {
			return p, true
		}
	}
	h, err := probe(source(o.Data), DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if p := h.readProfile(source(o.Data)); p != nil && !bytes.Equal(p, icc.DisplayP3.Profile()) {
		return "an unknown profile", true
	}
	return "", false
}

// pieces names what an output consists of: the segments of a JPEG, with what
// begins those for applications, the chunks of a PNG or WebP, the boxes and items
// of an AVIF.
func pieces(t *testing.T, o Output) (all []string) {
	t.Helper()
	b := o.Data
	switch o.Format {
	case JPEG:
		for b = b[2:]; b[0] == 0xff && b[1] != 0xd9; {
			kind, body := string(b[1:2]), b[4:]
			if b[1]&0xf0 == 0xe0 {
				kind += string(body[:bytes.IndexByte(body, 0)+1])
			}
			all = append(all, kind)
			n := 2 + int(binary.BigEndian.Uint16(b[2:]))
			for kind == "\xda" && (b[n] != 0xff || b[n+1] == 0 || b[n+1]&0xf8 == 0xd0) {
				n++
			}
			b = b[n:]
		}
		b = b[2:]
	case PNG:
		for b = b[8:]; len(b) > 0; b = b[12+binary.BigEndian.Uint32(b):] {
			all = append(all, string(b[4:8]))
		}
	case WebP:
		for b = b[12:]; len(b) > 0; {
			n := binary.LittleEndian.Uint32(b[4:])
			all = append(all, string(b[:4]))
			b = b[8+n+n&1:]
		}
	case AVIF:
		for ; len(b) > 0; b = b[binary.BigEndian.Uint32(b):] {
			all = append(all, string(b[4:8]))
			if all[len(all)-1] != "meta" {
				continue
			}
			m, err := readHeifMeta(source(o.Data), int64(len(o.Data)),
				span{int64(len(o.Data) - len(b) + 8), int64(binary.BigEndian.Uint32(b)) - 8})
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range m.items {
				all = append(all, it.kind)
			}
		}
	}
	if len(b) > 0 {
		all = append(all, "something after the end")
	}
	return all
}

func TestTIFFOrientation(t *testing.T) {
	t.Parallel()
	shown := imagetest.Corners(64, 48)
	for o := 1; o <= 8; o++ {
		file := imagetest.Tagged(imagetest.TIFF(imagetest.Store(shown, o)), o, nil)
		info, err := newEngine(t).Probe(source(file))
		if err != nil || info.Width != 64 || info.Height != 48 {
			t.Errorf("orientation %d: %v, %v", o, info, err)
		}
		corners(t, pixels(t, render(t, file, 32)), quarters, 16)
	}
}

// corners compares the middles of the quarters: top left, top right, bottom left,
// bottom right.
func corners(t *testing.T, img image.Image, want [4]color.Color, tol int) {
	t.Helper()
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	for i, c := range want {
		near(t, [...]string{"top left", "top right", "bottom left", "bottom right"}[i], img.At(w/4+w/2*(i%2), h/4+h/2*(i/2)), c, tol)
	}
}

// All turns and mirrorings of HEIC and AVIF, told by both properties or by one.
func TestHEIFOrientation(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"corners.heic", "deep444.avif"} {
		for turns := range 4 {
			for mirror := -1; mirror < 2; mirror++ { // -1 is none
				want := quarters
				props := [][]byte{property("irot", byte(turns))}
				for range turns { // anticlockwise
					want = [4]color.Color{want[1], want[3], want[0], want[2]}
				}
				switch mirror {
				case 0: // top and bottom change places
					want = [4]color.Color{want[2], want[3], want[0], want[1]}
				case 1:
					want = [4]color.Color{want[1], want[0], want[3], want[2]}
				}
				if mirror >= 0 {
					props = append(props, property("imir", byte(mirror)))
				}
				if turns == 0 {
					props = props[1:]
				}
				file := withProperties(t, golden(t, name), props...)
				img := pixels(t, render(t, file, 80))
				if b := img.Bounds(); (b.Dx() > b.Dy()) != (turns%2 == 0) {
					t.Errorf("%s, %d turns, mirror %d: %v", name, turns, mirror, b)
				}
				corners(t, img, want, 16)
			}
		}
	}
}

func property(kind string, value byte) []byte {
	return append(append([]byte{0, 0, 0, 9}, kind...), value)
}

// withProperties gives the only item of a HEIC or AVIF more properties, in the
// room of its handler, which nobody reads: nothing else moves.
func withProperties(t *testing.T, file []byte, props ...[]byte) []byte {
	t.Helper()
	at := func(kind string) int { return bytes.Index(file, []byte(kind)) - 4 }
	size := func(kind string) []byte { return file[at(kind):][:4] }
	grow := func(kind string, by int) {
		binary.BigEndian.PutUint32(size(kind), binary.BigEndian.Uint32(size(kind))+uint32(by))
	}
	handler, added := int(binary.BigEndian.Uint32(size("hdlr"))), 0
	count := 0 // of the properties that there are
	for i, end := at("ipco")+8, at("ipma"); i < end; i += int(binary.BigEndian.Uint32(file[i:])) {
		count++
	}
	for i, p := range props {
		file = slices.Insert(file, at("ipma"), p...)
		grow("ipco", len(p))
		// The table ends with the associations of the item: how many, then which.
		end := at("ipma") + int(binary.BigEndian.Uint32(size("ipma")))
		file = slices.Insert(file, end, byte(0x80|(count+i+1)))
		grow("ipma", 1)
		file[at("ipma")+18]++
		grow("iprp", len(p)+1)
		added += len(p) + 1
	}
	hdlr := at("hdlr")
	file = slices.Delete(file, hdlr, hdlr+added)
	binary.BigEndian.PutUint32(file[hdlr:], uint32(handler-added))
	copy(file[hdlr+4:], "free")
	return file
}
