package imaging

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"io"
	"slices"

	"revela/imaging/internal/jpeg"
	"revela/imaging/internal/tiff"
)

// decodeTIFF decodes the first page.
func decodeTIFF(ctx context.Context, r *sourceReader, h *header) (image.Image, error) {
	f := *h.tiff
	f.dir = &tiffDir{r: r, order: f.dir.order}
	next := f.blocks(r.src.Size())
	return tiff.Decode(&f.Layout, func() (io.Reader, error) {
		place, err := next()
		if err != nil {
			return nil, err
		}
		if f.jpeg == nil {
			return place.reader(r), nil
		}
		return f.jpegRows(ctx, place.reader(r))
	})
}

// tiffJPEG is a strip or tile as a JPEG of its own.
type tiffJPEG struct {
	head []byte            // its first segments
	body *io.SectionReader // the others, after two bytes that head has too
}

func (j tiffJPEG) Size() int64 { return int64(len(j.head)) + max(0, j.body.Size()-2) }

func (j tiffJPEG) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	if off < int64(len(j.head)) {
		n = copy(p, j.head[off:])
	}
	if n == len(p) {
		return n, nil
	}
	m, err := j.body.ReadAt(p[n:], off+int64(n-len(j.head))+2)
	return n + m, err
}

// readJPEGTables reads the tables that all strips and tiles share. Each gets them
// back in front of it, and a mark that says what its components are where a decoder
// would take them for something else.
func (f *tiffFacts) readJPEGTables() error {
	if f.Bits != 8 {
		return unsupportedTIFF("JPEG compression of %d bits a sample", f.Bits)
	}
	f.Compression = tiff.None // is what is left to package tiff
	f.jpeg = []byte("\xff\xd8")
	if f.dir.uint(tagPhotometric, 0) == 2 && f.Samples == 3 {
		const notConverted = "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
		f.jpeg = append(f.jpeg, notConverted...)
	}
	e, ok := f.dir.entries[tagJPEGTables]
	if !ok {
		return nil
	}
	const most = 64 << 10
	if e.width != 1 || e.count < 4 || e.count > most {
		return invalid("its JPEG tables have an impossible length")
	}
	tables := make([]byte, e.count)
	if err := readFullAt(f.dir.r, tables, e.off); err != nil {
		return err
	}
	tables = bytes.TrimPrefix(bytes.TrimSuffix(tables, []byte("\xff\xd9")), []byte("\xff\xd8"))
	f.jpeg = append(f.jpeg, tables...)
	return nil
}

// tiffJPEG checks strip or tile i, which is compressed as JPEG, as any other JPEG,
// and returns how many bytes decoding it takes.
func (p *prober) tiffJPEG(i int64, place span) (int64, error) {
	f := p.h.tiff
	h, err := probe(tiffJPEG{f.jpeg, place.reader(p.src)}, p.cfg)
	if err != nil {
		return 0, err
	}
	components := f.Samples
	if f.Separate {
		components = 1
	}
	switch {
	case h.jpeg.progressive || h.jpeg.scans > components:
		return 0, unsupportedTIFF("progressive JPEG compression")
	case len(h.jpeg.factors) != components:
		return 0, invalid("a strip or tile of it has %d components instead of %d", len(h.jpeg.factors), components)
	case !usuallySampled(h.jpeg.factors):
		return 0, unsupportedTIFF("JPEG compression with its components sampled as %x", h.jpeg.factors)
	case h.width < f.BlockW || int64(h.height) < f.Rows(i):
		return 0, invalid("a strip or tile of it is of another size than it should be")
	}
	return h.decodeBytes, nil
}

// usuallySampled reports whether Go's decoder knows how components are sampled.
// TIFF allows no more for luma and chroma.
func usuallySampled(f []jpeg.Factors) bool {
	switch len(f) {
	case 1:
		return true
	case 3:
		usual := []jpeg.Factors{0x11, 0x12, 0x21, 0x22, 0x41, 0x42}
		return slices.Contains(usual, f[0]) && f[1] == 0x11 && f[2] == 0x11
	}
	return !slices.ContainsFunc(f, func(f jpeg.Factors) bool { return f != 0x11 })
}

// jpegRows decodes a strip or tile to what package tiff would have of one that is
// not compressed.
func (f *tiffFacts) jpegRows(ctx context.Context, body *io.SectionReader) (io.Reader, error) {
	src := tiffJPEG{f.jpeg, body}
	h, components := &header{format: JPEG}, f.Samples
	switch {
	case f.Separate:
		components = 1
	case components == 4:
		h.jpeg.means = jpegCMYK
	}
	img, err := decodeJPEG(newSourceReader(ctx, src), h)
	if err != nil {
		return nil, err
	}
	r := &sampleReader{img: img, y: -1, line: make([]byte, components*f.BlockW)}
	if r.bounds = img.Bounds(); r.bounds.Dx() < f.BlockW {
		return nil, errors.New("a JPEG of another size than before")
	}
	if _, ok := img.(*image.CMYK); !ok {
		r.quads = make([]byte, 4*r.bounds.Dx())
		r.rows, err = newRows(img)
	}
	return r, err
}

// sampleReader reads the samples of a decoded JPEG, row by row.
type sampleReader struct {
	img    image.Image
	bounds image.Rectangle
	rows   rows
	y      int
	quads  []byte // of the row, as rows has it
	line   []byte // the samples
	left   []byte // of line
}

func (r *sampleReader) Read(p []byte) (int, error) {
	if len(r.left) == 0 {
		if r.y++; r.y >= r.bounds.Dy() {
			return 0, io.EOF
		}
		r.read()
		r.left = r.line
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

// read makes the samples of row y.
func (r *sampleReader) read() {
	switch m := r.img.(type) {
	case *image.Gray:
		copy(r.line, m.Pix[r.y*m.Stride:])
		return
	case *image.CMYK:
		for i, ink := range m.Pix[r.y*m.Stride:][:len(r.line)] {
			r.line[i] = 255 - ink // as it is in the file: JPEG's ink is negative, TIFF's is not
		}
		return
	}
	_, ycc := r.img.(*image.YCbCr)
	r.rows(r.y, r.quads)
	for i, j := 0, 0; i+3 <= len(r.line); i, j = i+3, j+4 {
		q, d := r.quads[j:j+3:j+3], r.line[i:i+3:i+3]
		if ycc {
			d[0], d[1], d[2] = color.YCbCrToRGB(q[0], q[1], q[2])
		} else {
			d[0], d[1], d[2] = q[0], q[1], q[2]
		}
	}
}
