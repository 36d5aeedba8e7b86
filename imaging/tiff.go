package imaging

import (
	"io"
	"slices"

	"golang.org/x/image/tiff"
)

// tiffCompressions are those that the decoder knows: none, two of fax machines,
// LZW, deflate by its two numbers, and PackBits.
var tiffCompressions = []int64{0, 1, 3, 4, 5, 8, 32773, 32946}

// tiff reads the first directory of a TIFF file.
func (p *prober) tiff() error {
	file := io.NewSectionReader(p.src, 0, p.cursor.size)
	dir, err := readDir(file)
	if err != nil {
		return err
	}
	const tagWidth, tagHeight = 256, 257
	w, h := dir.uint(tagWidth, 0), dir.uint(tagHeight, 0)
	if err := p.size(w, h); err != nil {
		return err
	}
	// The decoder's opinion of what it can read, formed without pixels.
	if _, err := tiff.DecodeConfig(file); err != nil {
		return err
	}
	compression := dir.uint(tagCompression, 1)
	if !slices.Contains(tiffCompressions, compression) {
		return unsupported("TIFF with compression %d; save it with LZW, deflate or none", compression)
	}
	p.h.orientation = dir.orientation()
	if e, ok := dir.entries[tagICCProfile]; ok && e.width == 1 {
		p.h.profile = []span{{e.off, e.count}}
	}

	offsets, counts := dir.entries[tagStripOffsets], dir.entries[tagStripByteCounts]
	block := w * min(h, max(1, dir.uint(tagRowsPerStrip, h)))
	if tw := dir.uint(tagTileWidth, 0); tw > 0 {
		offsets, counts = dir.entries[tagTileOffsets], dir.entries[tagTileByteCounts]
		th := dir.uint(tagTileLength, 0)
		if tw > 1<<24 || th > 1<<24 { // no product below overflows
			return invalid("its tiles are larger than the picture")
		}
		block = tw * th
	}
	if err := p.tiffBlocks(dir, offsets, counts); err != nil {
		return err
	}
	// Up to 8 bytes a pixel for the picture. Compressed blocks are inflated
	// whole, to at most 8 bytes a pixel whatever the pixels really take, in a
	// buffer that grows by doubling: the old one and one of twice the need.
	p.h.decodeBytes = 8 * p.h.pixels()
	if compression > 1 {
		p.h.decodeBytes += 24 * block
	} else {
		p.h.decodeBytes += min(8*block, p.cursor.size)
	}
	return nil
}

// tiffBlocks checks that every strip or tile lies within the file.
func (p *prober) tiffBlocks(dir *tiffDir, offsets, counts tiffEntry) error {
	if offsets.width < 2 || counts.width < 2 || offsets.count == 0 || offsets.count != counts.count {
		return invalid("its table of contents is inconsistent")
	}
	if end := offsets.off + offsets.width*offsets.count; end > p.cursor.size {
		return io.ErrUnexpectedEOF
	}
	if end := counts.off + counts.width*counts.count; end > p.cursor.size {
		return io.ErrUnexpectedEOF
	}
	nextOffset, nextCount := dir.values(offsets), dir.values(counts)
	for range offsets.count {
		off, err := nextOffset()
		if err != nil {
			return err
		}
		n, err := nextCount()
		if err != nil {
			return err
		}
		if off+n > p.cursor.size {
			return io.ErrUnexpectedEOF
		}
	}
	return nil
}
