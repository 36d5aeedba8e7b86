package imaging

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"io"

	"revela/imaging/internal/icc"
)

// maxProfile bounds an ICC profile, in bytes. Those of RGB pictures have a few
// kilobytes, those of CMYK half a megabyte to two.
const maxProfile = 4 << 20

// iccPieces collects the numbered pieces of a profile that a JPEG spreads over
// segments.
type iccPieces struct {
	total byte
	by    map[byte]span
}

func (p *iccPieces) add(seq, total byte, s span) {
	if p.by == nil {
		p.by, p.total = make(map[byte]span), total
	}
	if _, dup := p.by[seq]; !dup && total == p.total && 1 <= seq && seq <= total {
		p.by[seq] = s
	}
}

// join returns the pieces in order, nil unless they are all there.
func (p *iccPieces) join() []span {
	if len(p.by) == 0 || len(p.by) != int(p.total) {
		return nil
	}
	all := make([]span, p.total)
	for i := range all {
		all[i] = p.by[byte(i+1)]
	}
	return all
}

// readProfile returns the picture's ICC profile, nil if it has none within
// maxProfile.
func (h *header) readProfile(src io.ReaderAt) []byte {
	if h.profile == nil {
		return nil
	}
	var parts []io.Reader
	for _, s := range h.profile {
		parts = append(parts, s.reader(src))
	}
	r := io.MultiReader(parts...)
	if h.profileDeflate {
		zr, err := zlib.NewReader(r)
		if err != nil {
			return nil
		}
		r = zr
	}
	data, err := io.ReadAll(io.LimitReader(r, maxProfile+1))
	if err != nil {
		return nil
	}
	if len(data) > maxProfile {
		return nil
	}
	return data
}

// tagged says in an encoded picture of w x h pixels what its colours are. AVIF
// says it already.
func tagged(f Format, file []byte, target icc.Target, w, h int) []byte {
	if f == AVIF {
		return file
	}
	return putProfile(f, file, target.Profile(), w, h)
}

// putProfile puts a profile into an encoded picture of w x h pixels that has
// none.
func putProfile(f Format, file, profile []byte, w, h int) []byte {
	switch {
	case profile == nil:
		return file
	case f == JPEG:
		return jpegWithProfile(file, profile)
	case f == PNG:
		return pngWithProfile(file, profile)
	}
	return webpWithProfile(file, profile, w, h)
}

// jpegWithProfile adds APP2 segments after the JFIF header, which is to be the first.
func jpegWithProfile(file, profile []byte) []byte {
	const tag = "ICC_PROFILE\x00"
	const most = 65535 - 2 - len(tag) - 2
	head := 2
	if file[3] == mAPP0 {
		head += 2 + int(binary.BigEndian.Uint16(file[4:]))
	}
	out := append(make([]byte, 0, len(file)+len(profile)+64), file[:head]...)
	total := (len(profile) + most - 1) / most
	for seq := 1; seq <= total; seq++ {
		part := profile[:min(most, len(profile))]
		profile = profile[len(part):]
		out = append(out, 0xff, mAPP2)
		out = binary.BigEndian.AppendUint16(out, uint16(2+len(tag)+2+len(part)))
		out = append(out, tag...)
		out = append(out, byte(seq), byte(total))
		out = append(out, part...)
	}
	return append(out, file[head:]...)
}

// pngWithProfile adds an iCCP chunk after the header.
func pngWithProfile(file, profile []byte) []byte {
	const headEnd = len(pngMagic) + 8 + 13 + 4
	var body bytes.Buffer
	body.WriteString("iCCPICC\x00\x00") // chunk type, name, method
	zw := zlib.NewWriter(&body)
	zw.Write(profile) // into memory: cannot fail
	zw.Close()

	out := append(make([]byte, 0, len(file)+body.Len()+12), file[:headEnd]...)
	out = binary.BigEndian.AppendUint32(out, uint32(body.Len()-4))
	out = append(out, body.Bytes()...)
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body.Bytes()))
	return append(out, file[headEnd:]...)
}

// webpWithProfile gives the file an extended header and an ICCP chunk. libwebp
// has written an extended header already where there is alpha.
func webpWithProfile(file, profile []byte, w, h int) []byte {
	chunks := file[12:]
	flags := byte(webpProfile)
	if string(chunks[:4]) == "VP8X" {
		flags |= chunks[8]
		chunks = chunks[18:]
	}
	out := append(make([]byte, 0, len(file)+len(profile)+64), "RIFF\x00\x00\x00\x00WEBP"...)
	out = append(out, webpExtended(flags, w, h)...)
	out = append(out, "ICCP"...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(profile)))
	out = append(out, profile...)
	out = append(out, make([]byte, len(profile)&1)...)
	out = append(out, chunks...)
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}
