package imaging

import (
	"slices"

	"revela/imaging/internal/jpeg"
)

// Each pass over a JPEG's coefficients takes time in proportion to the picture's
// size, however few bytes it has: some 5 ms a megapixel. So a picture may have
// maxScans of them, but no more than come to scansOfLargest over the largest
// picture that is allowed. Encoders in use write about ten, hand-made scripts a
// few dozen.
const (
	maxScans       = 100
	scansOfLargest = 20
)

// jpegFacts are what decoding needs to know of a JPEG.
type jpegFacts struct {
	factors     []jpeg.Factors // of each component
	means       jpegMeaning
	adobe       bool // it has Adobe's marker
	scans       int
	progressive bool
}

// jpegMeaning is what the components of a JPEG are.
type jpegMeaning uint8

const (
	jpegGrey jpegMeaning = iota
	jpegYCC
	jpegRGB
	jpegCMYK // negative: 255 is no ink
	jpegYCCK // cyan, magenta and yellow as luma and chroma are red, green and blue; negative black
)

// JPEG markers, the byte after 0xFF.
const (
	mSOF0  = 0xc0
	mSOF2  = 0xc2
	mDHT   = 0xc4
	mJPG   = 0xc8
	mDAC   = 0xcc
	mSOF15 = 0xcf
	mRST0  = 0xd0
	mRST7  = 0xd7
	mSOI   = 0xd8
	mEOI   = 0xd9
	mSOS   = 0xda
	mTEM   = 0x01
	mAPP0  = 0xe0
	mAPP1  = 0xe1
	mAPP2  = 0xe2
	mAPP14 = 0xee
)

// jpeg walks over the segments up to the end-of-image marker. Lengths are
// honoured, so the end marker of a thumbnail within EXIF is not taken for the
// picture's; what follows the end (a second picture, a video) does not matter.
func (p *prober) jpeg() error {
	if err := p.skip(2); err != nil {
		return err
	}
	var (
		icc     iccPieces
		frame   jpegFrame
		marks   jpegMarks
		sawExif bool
	)
	for {
		m, err := p.marker()
		if err != nil {
			return err
		}
		switch {
		case m == mEOI:
			if p.h.jpeg.scans == 0 {
				return invalid("it holds no picture")
			}
			p.h.jpeg.means, p.h.jpeg.adobe = frame.means(marks), marks.adobe
			p.h.decodeBytes = frame.bytes(&p.h) + p.src.Size() // some decoders want it in memory
			p.h.jpeg.factors, p.h.jpeg.progressive = frame.factors, frame.progressive
			p.h.profile = icc.join()
			return nil
		case m == mTEM || m == mSOI || mRST0 <= m && m <= mRST7:
			continue // these stand alone
		}
		n, err := p.uint16()
		if err != nil {
			return err
		}
		if n < 2 {
			return invalid("a segment has an impossible length")
		}
		seg := span{p.off, int64(n - 2)}
		switch {
		case m == mSOS:
			if frame.factors == nil {
				return invalid("its data comes before its size")
			}
			if err := p.jpegScan(&frame, int(seg.len)); err != nil {
				return err
			}
			most := min(maxScans, int(scansOfLargest*p.cfg.MaxPixels/p.h.pixels()))
			if p.h.jpeg.scans++; p.h.jpeg.scans > most {
				return tooLarge("it has more than %d progressive scans", most)
			}
		case m == mDHT || m == mJPG || m == mDAC:
		case mSOF0 <= m && m <= mSOF15:
			if frame.factors != nil {
				return invalid("it has two frame headers")
			}
			if frame, err = p.jpegFrame(m, int(seg.len)); err != nil {
				return err
			}
		case m == mAPP0:
			if _, ok := p.after(seg, "JFIF\x00"); ok {
				marks.jfif = true
			}
		case m == mAPP1 && !sawExif:
			if rest, ok := p.after(seg, "Exif\x00\x00"); ok {
				sawExif = true
				p.h.orientation = exifOrientation(rest.reader(p.src))
				p.h.adobeRGB = exifAdobeRGB(rest.reader(p.src))
			}
		case m == mAPP2:
			if rest, ok := p.after(seg, "ICC_PROFILE\x00"); ok && rest.len > 2 {
				b, err := p.peek(14)
				if err != nil {
					return err
				}
				icc.add(b[12], b[13], span{rest.off + 2, rest.len - 2})
			}
		case m == mAPP14:
			if _, ok := p.after(seg, "Adobe"); ok && seg.len >= 12 {
				b, err := p.peek(12)
				if err != nil {
					return err
				}
				marks.adobe, marks.transform = true, b[11]
			}
		}
		if err := p.skip(seg.off + seg.len - p.off); err != nil {
			return err
		}
	}
}

// marker moves past the next marker and returns it. On the way it skips
// entropy-coded data, in which 0xFF is followed by zero or a restart marker.
func (p *prober) marker() (byte, error) {
	for {
		if err := p.seek(0xff); err != nil {
			return 0, err
		}
		m, err := p.byte()
		for err == nil && m == 0xff { // fill bytes
			m, err = p.byte()
		}
		if err != nil {
			return 0, err
		}
		if m != 0 {
			return m, nil
		}
	}
}

// after reports whether a segment, at whose start the cursor is, begins with
// prefix, and returns the rest of it.
func (p *prober) after(seg span, prefix string) (span, bool) {
	n := int64(len(prefix))
	if seg.len < n {
		return span{}, false
	}
	b, err := p.peek(len(prefix))
	if err != nil || string(b) != prefix {
		return span{}, false
	}
	return span{seg.off + n, seg.len - n}, true
}

// jpegMarks are the markers that say what components mean.
type jpegMarks struct {
	jfif, adobe bool
	transform   byte // that Adobe's says
}

// jpegFrame is what a frame header says beside the picture's size.
type jpegFrame struct {
	progressive bool
	ids         []byte
	factors     []jpeg.Factors
}

// jpegFrame reads a frame header of n bytes.
func (p *prober) jpegFrame(m byte, n int) (jpegFrame, error) {
	var none jpegFrame
	if m > mSOF2 {
		return none, unsupported("JPEG with lossless, hierarchical or arithmetic coding; save it as baseline or progressive")
	}
	if n < 6 {
		return none, invalid("its frame header is too short")
	}
	b, err := p.peek(n)
	if err != nil {
		return none, err
	}
	h, w, comps := int64(b[1])<<8|int64(b[2]), int64(b[3])<<8|int64(b[4]), int(b[5])
	switch {
	case b[0] != 8:
		return none, unsupported("JPEG with %d bits a sample; 8 can be read", b[0])
	case comps != 1 && comps != 3 && comps != 4:
		return none, unsupported("JPEG with %d components; 1, 3 and 4 can be read", comps)
	case n != 6+3*comps:
		return none, invalid("its frame header has a wrong length")
	}
	if err := p.size(w, h); err != nil {
		return none, err
	}
	p.h.opaque = true
	frame := jpegFrame{progressive: m == mSOF2}
	for i := range comps {
		id, f := b[6+3*i], jpeg.Factors(b[7+3*i])
		switch {
		case f.Across() < 1 || f.Across() > 4 || f.Down() < 1 || f.Down() > 4:
			return none, invalid("a component has impossible sampling factors")
		case slices.Contains(frame.ids, id):
			return none, invalid("two of its components have the same name")
		}
		if comps == 1 {
			f = 0x11 // blocks of a lone component are in plain order
		}
		frame.ids, frame.factors = append(frame.ids, id), append(frame.factors, f)
	}
	return frame, nil
}

// maxUnit is how many blocks a unit of a scan may have by the standard.
const maxUnit = 10

// jpegScan checks a scan header of n bytes.
func (p *prober) jpegScan(f *jpegFrame, n int) error {
	b, err := p.peek(min(n, 1+2*len(f.ids)))
	if err != nil {
		return err
	}
	if n < 1 || int(b[0]) < 1 || int(b[0]) > len(f.ids) || n != 4+2*int(b[0]) {
		return invalid("a scan header has a wrong length")
	}
	blocks := 0
	for i := range int(b[0]) {
		at := slices.Index(f.ids, b[1+2*i])
		if at < 0 {
			return invalid("a scan is of an unknown component")
		}
		blocks += f.factors[at].Across() * f.factors[at].Down()
	}
	if b[0] > 1 && blocks > maxUnit {
		return invalid("its components are sampled so often (%x) that a scan of all would need units of %d blocks; %d are allowed",
			f.factors, blocks, maxUnit)
	}
	return nil
}

// means is what the components are, as libjpeg decides it.
func (f *jpegFrame) means(marks jpegMarks) jpegMeaning {
	switch {
	case len(f.ids) == 1:
		return jpegGrey
	case len(f.ids) == 4 && marks.adobe && marks.transform != 0:
		return jpegYCCK
	case len(f.ids) == 4:
		return jpegCMYK
	case marks.jfif:
		return jpegYCC
	case marks.adobe && marks.transform == 0, !marks.adobe && string(f.ids) == "RGB":
		return jpegRGB
	}
	return jpegYCC
}

// bytes is what decoders take at most, which is Go's as a rule: planes of whole
// blocks, for a progressive picture all coefficients as 32-bit numbers, and unless
// it is grey or YCbCr a picture of four channels beside them.
func (f *jpegFrame) bytes(h *header) int64 {
	var hmax, vmax, blocks int64 = 1, 1, 0
	for _, hv := range f.factors {
		x, y := int64(hv.Across()), int64(hv.Down())
		hmax, vmax = max(hmax, x), max(vmax, y)
		blocks += x * y
	}
	across := (int64(h.width) + 8*hmax - 1) / (8 * hmax)
	down := (int64(h.height) + 8*vmax - 1) / (8 * vmax)
	planes := across * down * blocks * 64
	total := planes
	switch {
	case f.progressive:
		total += 4 * planes
	case h.jpeg.scans > 1:
		total += 2 * planes // libjpeg-turbo keeps coefficients until it has all components
	}
	if h.jpeg.means > jpegYCC {
		total += 4 * h.pixels()
	}
	return total
}
