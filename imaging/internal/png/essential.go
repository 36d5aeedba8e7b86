package png

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"
)

// Essential returns a file with nothing but the chunks that pixels depend on, and
// with an end whether it had one or not. Decoders that check all of a file so take
// what viewers show: with damage in a text, or cut after the last pixel.
func Essential(src *bufio.Reader) io.Reader {
	return &essential{c: &chunks{src: src, crc: crc32.NewIEEE()}}
}

type essential struct {
	c         *chunks
	out       []byte // to be returned next
	mem       [4 << 10]byte
	begun     bool
	copying   bool // the present chunk
	cut, done bool
}

func (e *essential) Read(p []byte) (int, error) {
	for len(e.out) == 0 {
		if e.done {
			return 0, io.EOF
		}
		if err := e.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, e.out)
	e.out = e.out[n:]
	return n, nil
}

// fill finds something to return, or moves on.
func (e *essential) fill() error {
	c := e.c
	switch {
	case !e.begun:
		e.begun = true
		e.out = e.mem[:len(magic)]
		_, err := io.ReadFull(c.src, e.out)
		return err
	case e.copying && c.left > 0:
		n, err := c.Read(e.mem[:])
		e.out = e.mem[:n]
		return err
	case e.copying:
		e.copying = false
		e.out = e.mem[:4]
		sum := c.crc.Sum32()
		err := e.sum(e.out)
		if e.cut {
			binary.BigEndian.PutUint32(e.out, sum)
		}
		return err
	}
	switch err := c.next(); {
	case isEnd(err), err == nil && c.kind == "IEND", e.cut:
		e.done = true
		e.out = []byte("\x00\x00\x00\x00IEND\xae\x42\x60\x82")
		return nil
	case err != nil:
		return err
	}
	switch c.kind {
	case "IHDR", "PLTE", "IDAT":
		e.copying = true
		e.out = e.head(e.mem[:0])
		return nil
	case "tRNS":
		return e.transparency()
	}
	if _, err := io.Copy(io.Discard, c); err != nil && !isEnd(err) {
		return err
	}
	return e.sum(e.mem[:4])
}

// transparency returns a chunk tRNS, if it is sound.
func (e *essential) transparency() error {
	const most = 256
	if e.c.left > most {
		return errOdd
	}
	chunk := e.head(e.mem[:0])
	n := len(chunk) + int(e.c.left)
	chunk = e.mem[:n+4]
	if _, err := io.ReadFull(e.c, chunk[8:n]); err != nil {
		return err
	}
	sum := e.c.crc.Sum32()
	if err := e.sum(chunk[n:]); err != nil {
		return err
	}
	if binary.BigEndian.Uint32(chunk[n:]) == sum {
		e.out = chunk
	}
	return nil
}

// head appends that of the present chunk.
func (e *essential) head(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, e.c.left), e.c.kind...)
}

// sum reads what ends a chunk, and notes if the file ends before.
func (e *essential) sum(b []byte) error {
	_, err := io.ReadFull(e.c.src, b)
	if isEnd(err) {
		e.cut = true
		return nil
	}
	return err
}

// isEnd reports whether an error is that there is no more of a file.
func isEnd(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }
