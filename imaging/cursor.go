package imaging

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// sourceError is a failure to read the Source, which is not the picture's fault.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return fmt.Sprintf("read the picture: %v", e.err) }
func (e *sourceError) Unwrap() error { return e.err }

// cursor walks over a Source once, from front to back, through one buffer.
// Skipped bytes are not read. Reading past the end is io.ErrUnexpectedEOF.
type cursor struct {
	src  Source
	size int64
	off  int64  // of the next byte
	buf  []byte // what was read ahead, starting at off
	mem  [16 << 10]byte
}

func newCursor(src Source) *cursor { return &cursor{src: src, size: src.Size()} }

// left is the number of bytes after the current place.
func (c *cursor) left() int64 { return c.size - c.off }

// peek returns the next n bytes, at most 16 KiB, without moving. They are valid
// until the next call.
func (c *cursor) peek(n int) ([]byte, error) {
	if len(c.buf) >= n {
		return c.buf[:n], nil
	}
	if c.left() < int64(n) {
		return nil, io.ErrUnexpectedEOF
	}
	want := min(c.left(), int64(len(c.mem)))
	got, err := c.src.ReadAt(c.mem[:want], c.off)
	c.buf = c.mem[:got]
	if got >= n {
		return c.buf[:n], nil
	}
	if err == nil || err == io.EOF {
		return nil, io.ErrUnexpectedEOF
	}
	return nil, &sourceError{err}
}

// take is peek and skip in one.
func (c *cursor) take(n int) ([]byte, error) {
	b, err := c.peek(n)
	if err == nil {
		c.off += int64(n)
		c.buf = c.buf[n:]
	}
	return b, err
}

func (c *cursor) skip(n int64) error {
	if n > c.left() {
		return io.ErrUnexpectedEOF
	}
	c.off += n
	c.buf = c.buf[min(n, int64(len(c.buf))):]
	return nil
}

func (c *cursor) byte() (byte, error) {
	b, err := c.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (c *cursor) uint16() (int, error) {
	b, err := c.take(2)
	if err != nil {
		return 0, err
	}
	return int(binary.BigEndian.Uint16(b)), nil
}

// seek moves just past the next byte of the given value.
func (c *cursor) seek(value byte) error {
	for {
		if _, err := c.peek(1); err != nil {
			return err
		}
		if i := bytes.IndexByte(c.buf, value); i >= 0 {
			return c.skip(int64(i) + 1)
		}
		if err := c.skip(int64(len(c.buf))); err != nil {
			return err
		}
	}
}

// span is a range of bytes of a Source.
type span struct{ off, len int64 }

func (s span) reader(src io.ReaderAt) *io.SectionReader {
	return io.NewSectionReader(src, s.off, s.len)
}
