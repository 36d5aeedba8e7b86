package imaging

import (
	"encoding/binary"
	"io"
)

// ISO base media files, which HEIC and AVIF are, consist of boxes: a length, a
// name of four letters, and a body that may hold boxes again.

// maxBoxes bounds the boxes of one level; real files have a few dozen.
const maxBoxes = 4096

// bmffBox is one box of a file. body may lie beyond the end of a file that was
// cut off.
type bmffBox struct {
	kind string
	body span
}

// eachBox calls f for every box in s of a file of the given size, until f
// returns false or an error.
func eachBox(src io.ReaderAt, s span, size int64, f func(bmffBox) (bool, error)) error {
	for off, n := s.off, 0; off+8 <= s.off+s.len; n++ {
		if n == maxBoxes {
			return invalid("it has more than %d parts", maxBoxes)
		}
		var head [16]byte
		if err := readFullAt(src, head[:8], off); err != nil {
			return err
		}
		length, skip := int64(binary.BigEndian.Uint32(head[:])), int64(8)
		switch length {
		case 0: // up to the end
			length = s.off + s.len - off
		case 1:
			if err := readFullAt(src, head[8:], off+8); err != nil {
				return err
			}
			length, skip = int64(binary.BigEndian.Uint64(head[8:])), 16
		}
		switch {
		case length < skip:
			return invalid("a part has an impossible length")
		case length > size:
			return io.ErrUnexpectedEOF
		}
		more, err := f(bmffBox{string(head[4:8]), span{off + skip, length - skip}})
		if err != nil || !more {
			return err
		}
		off += length
	}
	return nil
}

// boxesOf is the boxes in the body of one that was read, whose place in the
// file is at.
func boxesOf(body []byte, at int64) ([]bmffBox, error) {
	var all []bmffBox
	src := shifted{body, at}
	err := eachBox(src, span{at, int64(len(body))}, int64(len(body)), func(b bmffBox) (bool, error) {
		if b.body.off+b.body.len > at+int64(len(body)) {
			return false, invalid("a part has an impossible length")
		}
		all = append(all, b)
		return true, nil
	})
	return all, err
}

// shifted is a part of a file, read at the offsets of the file.
type shifted struct {
	data []byte
	at   int64
}

func (s shifted) ReadAt(p []byte, off int64) (int, error) {
	if off < s.at || off-s.at > int64(len(s.data)) {
		return 0, io.EOF
	}
	n := copy(p, s.data[off-s.at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// of returns the bytes of a span inside.
func (s shifted) of(sp span) []byte { return s.data[sp.off-s.at:][:sp.len] }

// fields reads numbers from front to back. Beyond the end it reads zeros and
// sets short, which needs to be looked at once only.
type fields struct {
	b     []byte
	short bool
}

// uint reads a number of 0 to 8 bytes, most significant first.
func (f *fields) uint(n int) int64 {
	if len(f.b) < n {
		f.b, f.short = nil, true
		return 0
	}
	var v uint64
	for _, c := range f.b[:n] {
		v = v<<8 | uint64(c)
	}
	f.b = f.b[n:]
	return int64(v) // a value beyond 63 bits is negative, and refused as such
}

// int reads a signed number of 4 bytes.
func (f *fields) int32() int64 { return int64(int32(f.uint(4))) }

// take reads n bytes.
func (f *fields) take(n int) []byte {
	if n < 0 || len(f.b) < n {
		f.b, f.short = nil, true
		return nil
	}
	b := f.b[:n]
	f.b = f.b[n:]
	return b
}

// full reads the version and the flags that begin some boxes.
func (f *fields) full() (version, flags int64) {
	v := f.uint(4)
	return v >> 24, v & 0xffffff
}

// check is the error of a box that is too short.
func (f *fields) check() error {
	if f.short {
		return invalid("a part of its description is too short")
	}
	return nil
}
