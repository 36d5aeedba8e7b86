package imaging

import (
	"errors"
	"fmt"
	"io"

	"revela/imaging/internal/tiff"
)

// The tags of a TIFF directory that matter here.
const (
	tagSubfileType     = 254
	tagWidth           = 256
	tagHeight          = 257
	tagBits            = 258
	tagCompression     = 259
	tagPhotometric     = 262
	tagFillOrder       = 266
	tagStripOffsets    = 273
	tagSamples         = 277
	tagRowsPerStrip    = 278
	tagStripByteCounts = 279
	tagPlanar          = 284
	tagFaxOptions      = 292
	tagPredictor       = 317
	tagColorMap        = 320
	tagTileWidth       = 322
	tagTileLength      = 323
	tagTileOffsets     = 324
	tagTileByteCounts  = 325
	tagSubDirs         = 330
	tagInkSet          = 332
	tagExtraSamples    = 338
	tagSampleFormat    = 339
	tagJPEGTables      = 347
	tagICCProfile      = 34675
	tagDNGVersion      = 50706
)

// maxPages bounds how many pages of a TIFF are counted.
const maxPages = 1000

// tiffFacts are what decoding needs to know of a TIFF.
type tiffFacts struct {
	tiff.Layout
	dir             *tiffDir
	offsets, counts tiffEntry // of strips or tiles
	jpeg            []byte    // what comes before each of them to make it a JPEG; nil if they are none
	jpegBytes       int64     // that decoding one of them as JPEG takes at most
}

// tiff finds the first page of a TIFF file.
func (p *prober) tiff() error {
	dir, err := readDir(p.src)
	if err != nil {
		return err
	}
	if err := p.tiffPage(dir); err != nil {
		return err
	}
	if err := p.size(dir.uint(tagWidth, 0), dir.uint(tagHeight, 0)); err != nil {
		return err
	}
	f := &tiffFacts{dir: dir}
	p.h.tiff = f
	f.W, f.H = p.h.width, p.h.height
	for _, step := range []func() error{f.readCompression, f.readColours, f.readCoding, f.readBlocks} {
		if err := step(); err != nil {
			return err
		}
	}
	p.h.opaque = f.Alpha == tiff.NoAlpha
	p.h.orientation = dir.orientation()
	if e, ok := dir.entries[tagICCProfile]; ok && e.width == 1 {
		p.h.profile = []span{{e.off, e.count}}
	}
	p.h.decodeBytes = f.Memory()
	return p.tiffBlocks()
}

// tiffPage moves dir to the first page that is not a small copy of another or a
// mask of it, if there is one, and counts pages.
func (p *prober) tiffPage(dir *tiffDir) error {
	_, within := dir.entries[tagSubDirs]
	_, dng := dir.entries[tagDNGVersion]
	const reduced, mask = 1, 4
	page, pages := *dir, 0
	for seen := map[int64]bool{}; len(seen) < maxPages; {
		if page.uint(tagSubfileType, 0)&(reduced|mask) == 0 {
			if pages == 0 {
				*dir = page
			}
			pages++
		}
		seen[page.at] = true
		at := page.next
		if at == 0 || seen[at] {
			break
		}
		page.entries = make(map[uint16]tiffEntry)
		var source *sourceError
		if err := page.read(at); errors.As(err, &source) {
			return err
		} else if err != nil {
			break // what follows the first page need not be sound
		}
	}
	if dng || within && pages == 0 {
		return unsupported("a camera's raw picture in the form of a TIFF; save it as JPEG, or as TIFF in RGB")
	}
	p.h.frames = max(1, pages)
	return nil
}

// tiffBlocks checks that every strip or tile lies within the file and has, as far
// as can be told, all its pixels.
func (p *prober) tiffBlocks() error {
	f := p.h.tiff
	next := f.blocks(p.cursor.size)
	var all int64 // bytes
	for i := range f.Blocks() {
		block, err := next()
		if err != nil {
			return err
		}
		if all += block.len; all > p.cursor.size {
			return invalid("its strips or tiles share their data")
		}
		if f.jpeg != nil {
			n, err := p.tiffJPEG(i, block)
			if err != nil {
				return err
			}
			f.jpegBytes = max(f.jpegBytes, n)
			continue
		}
		if f.Compression == tiff.None && block.len < f.RowBytes()*f.Rows(i) {
			return io.ErrUnexpectedEOF
		}
		if i == 0 && f.Compression == tiff.LZW {
			var b [2]byte
			if err := readFullAt(p.src, b[:], block.off); err != nil {
				return err
			}
			if b[0] == 0 && b[1]&1 == 1 {
				return unsupportedTIFF("old-style LZW compression")
			}
		}
	}
	p.h.decodeBytes += f.jpegBytes
	return nil
}

// blocks returns a function that returns the place of one strip or tile after
// another, of a file of the given size.
func (f *tiffFacts) blocks(size int64) func() (span, error) {
	nextOffset, nextCount := f.dir.values(f.offsets), f.dir.values(f.counts)
	return func() (span, error) {
		var s span
		var err error
		if s.off, err = nextOffset(); err != nil {
			return s, err
		}
		if f.counts.count == 0 { // it is the only one, and reaches to the end
			s.len = max(0, size-s.off)
		} else if s.len, err = nextCount(); err != nil {
			return s, err
		}
		if s.off+s.len > size {
			return s, io.ErrUnexpectedEOF
		}
		if s.off == 0 || s.len == 0 {
			return s, invalid("a strip or tile of it is empty")
		}
		return s, nil
	}
}

func unsupportedTIFF(format string, args ...any) error {
	return unsupported("TIFF with %s is not supported; save it as RGB of 8 or 16 bits, with LZW, deflate or no compression",
		fmt.Sprintf(format, args...))
}
