package imaging

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
	components  int
	adobe       bool // it has an Adobe marker
	rgb         bool // its components are R, G and B
	scans       int
	fx, fy      int // luma samples that a chroma sample stands for; 0 if that is no whole number
	progressive bool
}

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
			p.h.decodeBytes = frame.bytes(&p.h) + p.src.Size() // some decoders want it in memory
			p.h.jpeg.fx, p.h.jpeg.fy = frame.chroma()
			p.h.jpeg.progressive = frame.progressive
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
			if p.h.jpeg.components == 0 {
				return invalid("its data comes before its size")
			}
			most := min(maxScans, int(scansOfLargest*p.cfg.MaxPixels/p.h.pixels()))
			if p.h.jpeg.scans++; p.h.jpeg.scans > most {
				return tooLarge("it has more than %d progressive scans", most)
			}
		case m == mDHT || m == mJPG || m == mDAC:
		case mSOF0 <= m && m <= mSOF15:
			if frame, err = p.jpegFrame(m, n-2); err != nil {
				return err
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
				p.h.jpeg.adobe = true
				p.h.jpeg.rgb = b[11] == 0
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

// jpegFrame is what a frame header says beside the picture's size.
type jpegFrame struct {
	progressive bool
	sampling    []byte // for each component, horizontal<<4 | vertical
}

// jpegFrame reads a frame header of n bytes.
func (p *prober) jpegFrame(m byte, n int) (jpegFrame, error) {
	var none jpegFrame
	f := &p.h.jpeg
	if f.components != 0 {
		return none, invalid("it has two frame headers")
	}
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
	f.components, p.h.opaque = comps, true
	if comps == 3 && b[6] == 'R' && b[9] == 'G' && b[12] == 'B' {
		f.rgb = true
	}
	frame := jpegFrame{progressive: m == mSOF2}
	for i := range comps {
		frame.sampling = append(frame.sampling, b[7+3*i])
	}
	if comps == 1 {
		frame.sampling[0] = 0x11 // blocks of a lone component are in plain order
	}
	return frame, frame.check()
}

// check refuses samplings that no decoder here knows.
func (f *jpegFrame) check() error {
	for _, hv := range f.sampling {
		if h, v := hv>>4, hv&15; h < 1 || h > 4 || v < 1 || v > 4 {
			return invalid("a component has impossible sampling factors")
		}
	}
	x, _ := f.chroma()
	if four := string(f.sampling); x > 0 || four == "\x11\x11\x11\x11" || four == "\x22\x11\x11\x22" {
		return nil
	}
	return unsupported("JPEG with its components sampled in a rare way (%x); save it as 4:4:4 or 4:2:0", f.sampling)
}

// chroma is how many luma samples a chroma sample stands for each way, zeros if
// chroma is not alike, not lower, or luma's factor no whole multiple of it.
func (f *jpegFrame) chroma() (x, y int) {
	if len(f.sampling) == 1 {
		return 1, 1
	}
	luma, c := f.sampling[0], f.sampling[1]
	if len(f.sampling) != 3 || c != f.sampling[2] || luma>>4%(c>>4) != 0 || luma&15%(c&15) != 0 {
		return 0, 0
	}
	return int(luma >> 4 / (c >> 4)), int(luma & 15 / (c & 15))
}

// bytes is what decoders take at most, which is Go's as a rule: planes of whole
// blocks, for a progressive picture all coefficients as 32-bit numbers, and unless
// it is grey or YCbCr a picture of four channels beside them.
func (f *jpegFrame) bytes(h *header) int64 {
	var hmax, vmax, blocks int64 = 1, 1, 0
	for _, hv := range f.sampling {
		hmax, vmax = max(hmax, int64(hv>>4)), max(vmax, int64(hv&15))
		blocks += int64(hv>>4) * int64(hv&15)
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
	if h.jpeg.components == 4 || h.jpeg.components == 3 && h.jpeg.rgb {
		total += 4 * h.pixels()
	}
	return total
}
