package imaging

import (
	"bufio"
	"encoding/binary"
	"io"
)

const tagOrientation = 274

// maxDirEntries bounds a directory; real ones have a few dozen.
const maxDirEntries = 1024

// tiffDir is a directory of a TIFF structure, which is also what EXIF metadata is.
type tiffDir struct {
	r       io.ReaderAt
	order   binary.ByteOrder
	entries map[uint16]tiffEntry // the first of each tag
	at      int64                // where it is
	next    int64                // where the next one is; 0 is nowhere
}

// tiffEntry is an array of numbers or bytes.
type tiffEntry struct {
	width int64 // of one element in bytes; 0 for types of no use here
	count int64
	off   int64 // of the first element
}

// readDir reads the first directory.
func readDir(r io.ReaderAt) (*tiffDir, error) {
	var head [8]byte
	if err := readFullAt(r, head[:], 0); err != nil {
		return nil, err
	}
	d := &tiffDir{r: r, entries: make(map[uint16]tiffEntry)}
	switch string(head[:4]) {
	case "II*\x00":
		d.order = binary.LittleEndian
	case "MM\x00*":
		d.order = binary.BigEndian
	default:
		return nil, invalid("its directory has no byte order")
	}
	return d, d.read(int64(d.order.Uint32(head[4:])))
}

// read reads the directory at an offset in place of the one that there is.
func (d *tiffDir) read(at int64) error {
	r := d.r
	clear(d.entries)
	d.at = at
	var n [2]byte
	if err := readFullAt(r, n[:], at); err != nil {
		return err
	}
	count := int(d.order.Uint16(n[:]))
	if count > maxDirEntries {
		return invalid("its directory has %d entries, at most %d are read", count, maxDirEntries)
	}
	raw := make([]byte, 12*count)
	if err := readFullAt(r, raw, at+2); err != nil {
		return err
	}
	var next [4]byte // which some that have no other leave out
	if err := readFullAt(r, next[:], at+2+int64(len(raw))); err != nil && err != io.ErrUnexpectedEOF {
		return err
	}
	d.next = int64(d.order.Uint32(next[:]))
	for i := 0; i < len(raw); i += 12 {
		e := raw[i : i+12]
		tag := d.order.Uint16(e)
		if _, dup := d.entries[tag]; dup {
			continue
		}
		entry := tiffEntry{count: int64(d.order.Uint32(e[4:]))}
		switch d.order.Uint16(e[2:]) {
		case 1, 2, 7: // BYTE, ASCII, UNDEFINED
			entry.width = 1
		case 3: // SHORT
			entry.width = 2
		case 4: // LONG
			entry.width = 4
		}
		entry.off = int64(d.order.Uint32(e[8:]))
		if entry.width*entry.count <= 4 {
			entry.off = at + 2 + int64(i) + 8
		}
		d.entries[tag] = entry
	}
	return nil
}

// uint returns the first number of a tag, or def if there is none.
func (d *tiffDir) uint(tag uint16, def int64) int64 {
	e, ok := d.entries[tag]
	if !ok || e.count == 0 {
		return def
	}
	v, err := d.values(e)()
	if err != nil {
		return def
	}
	return v
}

// values returns a function that returns one element of an entry after another.
func (d *tiffDir) values(e tiffEntry) func() (int64, error) {
	r := bufio.NewReader(span{e.off, e.width * e.count}.reader(d.r))
	return func() (int64, error) {
		var b [4]byte
		if e.width == 0 {
			return 0, invalid("its directory has a value of an unexpected type")
		}
		switch _, err := io.ReadFull(r, b[:e.width]); {
		case err == io.EOF:
			return 0, io.ErrUnexpectedEOF
		case err == io.ErrUnexpectedEOF:
			return 0, err
		case err != nil:
			return 0, &sourceError{err}
		}
		switch e.width {
		case 1:
			return int64(b[0]), nil
		case 2:
			return int64(d.order.Uint16(b[:])), nil
		}
		return int64(d.order.Uint32(b[:])), nil
	}
}

// same returns the number that all elements of a tag are, or def if there are none.
func (d *tiffDir) same(tag uint16, def int64) (int64, error) {
	v := d.uint(tag, def)
	e := d.entries[tag]
	next := d.values(e)
	for range e.count {
		switch other, err := next(); {
		case err != nil:
			return 0, err
		case other != v:
			return 0, unsupportedTIFF("samples of different kinds")
		}
	}
	return v, nil
}

// orientation returns the EXIF orientation, 1 where it is missing or nonsense.
func (d *tiffDir) orientation() int {
	if o := d.uint(tagOrientation, 1); 1 <= o && o <= 8 {
		return int(o)
	}
	return 1
}

// exifAdobeRGB reports whether EXIF metadata says that the colours are Adobe RGB,
// as cameras do that embed no profile: by the interoperability index R03, two
// directories further down.
func exifAdobeRGB(r io.ReaderAt) bool {
	const tagExif, tagInterop, tagIndex = 34665, 40965, 1
	d, err := readDir(r)
	for _, tag := range []uint16{tagExif, tagInterop} {
		at := int64(0)
		if err == nil {
			at = d.uint(tag, 0)
		}
		if at == 0 {
			return false
		}
		err = d.read(at)
	}
	e := d.entries[tagIndex]
	if err != nil || e.width != 1 || e.count != 4 {
		return false
	}
	var index [4]byte
	return readFullAt(r, index[:], e.off) == nil && string(index[:]) == "R03\x00"
}

// exifOrientation reads the orientation from EXIF metadata. Metadata that cannot
// be read is as good as none: it is not worth losing a picture over.
func exifOrientation(r io.ReaderAt) int {
	d, err := readDir(r)
	if err != nil {
		return 1
	}
	return d.orientation()
}

func readFullAt(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == nil || err == io.EOF:
		return io.ErrUnexpectedEOF
	}
	return &sourceError{err}
}
