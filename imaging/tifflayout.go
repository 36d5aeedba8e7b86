package imaging

import (
	"encoding/binary"
	"slices"

	"revela/imaging/internal/tiff"
)

// readColours finds out what the samples of a pixel are.
func (f *tiffFacts) readColours() error {
	d := f.dir
	f.BigEndian = d.order == binary.BigEndian
	samples := d.uint(tagSamples, 1)
	if samples < 1 || samples > 16 {
		return unsupportedTIFF("%d samples a pixel", samples)
	}
	f.Samples = int(samples)
	bits, err := d.same(tagBits, 1)
	switch {
	case err != nil:
		return err
	case bits != 1 && bits != 2 && bits != 4 && bits != 8 && bits != 16:
		return unsupportedTIFF("%d bits a sample", bits)
	}
	f.Bits = int(bits)
	const unsigned, signed, float, undefined = 1, 2, 3, 4
	switch format, err := d.same(tagSampleFormat, unsigned); {
	case err != nil:
		return err
	case format == signed:
		return unsupportedTIFF("samples that may be negative")
	case format == float:
		return unsupportedTIFF("samples of floating point")
	case format != unsigned && format != undefined:
		return unsupportedTIFF("samples of kind %d", format)
	}
	if err := f.readPhotometric(); err != nil {
		return err
	}
	if f.Samples < f.Colour.Channels() {
		return invalid("its pixels have %d samples, and its colours %d", samples, f.Colour.Channels())
	}
	f.readAlpha()
	switch planar := d.uint(tagPlanar, 1); planar {
	case 1:
	case 2:
		f.Separate = f.Samples > 1
	default:
		return invalid("it has an unknown order of samples")
	}
	return nil
}

// readPhotometric finds out what the colours are. Where a file does not say it,
// the number of samples tells.
func (f *tiffFacts) readPhotometric() error {
	const (
		whiteIsZero, blackIsZero, rgb, palette, mask, separated, ycc = 0, 1, 2, 3, 4, 5, 6
		cieLab, iccLab, ituLab                                       = 8, 9, 10
		filtered, linear                                             = 32803, 34892 // of a camera's sensor
		logL, logLuv                                                 = 32844, 32845
	)
	compression := f.dir.uint(tagCompression, 1)
	guess := int64(blackIsZero)
	switch {
	case f.Samples >= 3:
		guess = rgb
	case compression == 2 || compression == 3 || compression == 4:
		guess = whiteIsZero
	}
	switch kind := f.dir.uint(tagPhotometric, guess); kind {
	case whiteIsZero:
		f.Colour = tiff.WhiteIsZero
	case blackIsZero:
		f.Colour = tiff.BlackIsZero
	case rgb:
		f.Colour = tiff.RGB
	case palette:
		f.Colour = tiff.Indexed
		return f.readPalette()
	case separated:
		const cmyk = 1
		if inks := f.dir.uint(tagInkSet, cmyk); inks != cmyk || f.Samples < 4 {
			return unsupportedTIFF("inks that are not those of CMYK")
		}
		f.Colour = tiff.CMYK
	case ycc:
		if compression != compressionJPEG {
			return unsupportedTIFF("luma and chroma that are not compressed as JPEG")
		}
		if f.dir.uint(tagPlanar, 1) == 2 {
			return unsupportedTIFF("luma and chroma apart")
		}
		f.Colour = tiff.RGB // which the JPEG decoder makes of it
	case mask:
		return unsupportedTIFF("a mask instead of a picture")
	case cieLab, iccLab, ituLab:
		return unsupportedTIFF("Lab colours")
	case logL, logLuv:
		return unsupportedTIFF("logarithmic colours of high dynamic range")
	case filtered, linear:
		return unsupportedTIFF("the raw data of a camera's sensor")
	default:
		return unsupportedTIFF("colours of kind %d", kind)
	}
	return nil
}

// readPalette reads all red values, then all green ones, then all blue ones.
func (f *tiffFacts) readPalette() error {
	if f.Bits > 8 {
		return unsupportedTIFF("a palette of %d bits", f.Bits)
	}
	e := f.dir.entries[tagColorMap]
	n := int64(1) << f.Bits
	if e.width != 2 || e.count < 3*n {
		return invalid("its palette is incomplete")
	}
	next := f.dir.values(e)
	f.Palette = new([256][3]uint16)
	for c := range 3 {
		for i := range n {
			v, err := next()
			if err != nil {
				return err
			}
			f.Palette[i][c] = uint16(v)
		}
	}
	return nil
}

// readAlpha looks for alpha among the samples after the colours. Those of which
// nothing is said are none.
func (f *tiffFacts) readAlpha() {
	const multiplied, straight = 1, 2
	if f.Colour == tiff.Indexed || f.Colour == tiff.CMYK {
		return
	}
	next := f.dir.values(f.dir.entries[tagExtraSamples])
	for i := f.Colour.Channels(); i < f.Samples; i++ {
		switch v, err := next(); {
		case err != nil:
			return
		case v == multiplied || v == straight:
			f.Alpha, f.AlphaAt = tiff.Straight, i
			if v == multiplied {
				f.Alpha = tiff.Multiplied
			}
			return
		}
	}
}

const compressionOldJPEG, compressionJPEG, compressionAdobeDeflate = 6, 7, 32946

// tiffCompressions are those that are known by name and cannot be read.
var tiffCompressions = map[int64]string{
	2: "the compression of fax machines without line ends", compressionOldJPEG: "old-style JPEG compression",
	9: "JBIG compression", 10: "JBIG compression", 34661: "JBIG compression", 34892: "a raw picture's lossy JPEG compression",
	32766: "NeXT compression", 32809: "ThunderScan compression", 33003: "JPEG 2000 compression", 33005: "JPEG 2000 compression",
	34676: "SGILog compression", 34677: "SGILog compression", 34712: "JPEG 2000 compression", 34887: "LERC compression",
	34925: "LZMA compression", 50000: "Zstandard compression", 50001: "WebP compression", 50002: "JPEG XL compression",
	52546: "JPEG XL compression",
}

// readCompression finds out how strips and tiles are compressed.
func (f *tiffFacts) readCompression() error {
	kind := f.dir.uint(tagCompression, 1)
	f.Compression = tiff.Compression(kind)
	switch {
	case kind == 0: // which some write for none
		f.Compression = tiff.None
	case kind == compressionAdobeDeflate:
		f.Compression = tiff.Deflate
	case kind == compressionJPEG, slices.Contains(tiff.Compressions, f.Compression):
	case tiffCompressions[kind] != "":
		return unsupportedTIFF("%s", tiffCompressions[kind])
	default:
		return unsupportedTIFF("compression %d", kind)
	}
	return nil
}

// readCoding finds out what the compression does to the samples.
func (f *tiffFacts) readCoding() error {
	switch f.Compression {
	case compressionJPEG:
		return f.readJPEGTables()
	case tiff.LZW, tiff.Deflate:
		if err := f.readPredictor(); err != nil {
			return err
		}
	case tiff.Fax3, tiff.Fax4:
		if f.Bits != 1 || f.Samples != 1 {
			return invalid("it is compressed as black and white, and is not that")
		}
		const twoDimensional, filled = 1, 4
		if f.Compression == tiff.Fax3 && f.dir.uint(tagFaxOptions, 0)&(twoDimensional|filled) != 0 {
			return unsupportedTIFF("two-dimensional or filled-up lines of Group 3")
		}
	}
	f.Reversed = f.dir.uint(tagFillOrder, 1) == 2
	return nil
}

func (f *tiffFacts) readPredictor() error {
	switch f.dir.uint(tagPredictor, 1) {
	case 1:
	case 2:
		if f.Bits < 8 {
			return unsupportedTIFF("differences of %d bits", f.Bits)
		}
		f.Differences = true
	default:
		return unsupportedTIFF("a predictor of floating point")
	}
	return nil
}

// maxTileSide is how long a side of a tile may be that is longer than the
// picture's. Programs write tiles of 256 or 512 pixels for the smallest pictures.
const maxTileSide = 4096

// readBlocks finds out how large strips and tiles are, and where it is said where
// they are.
func (f *tiffFacts) readBlocks() error {
	d := f.dir
	f.BlockW, f.BlockH = f.W, f.H
	f.offsets, f.counts = d.entries[tagStripOffsets], d.entries[tagStripByteCounts]
	if _, f.Tiled = d.entries[tagTileWidth]; f.Tiled {
		w, h := d.uint(tagTileWidth, 0), d.uint(tagTileLength, 0)
		if w < 1 || h < 1 || w > int64(max(f.W, maxTileSide)) || h > int64(max(f.H, maxTileSide)) {
			return invalid("its tiles of %d x %d pixels do not suit the picture", w, h)
		}
		f.BlockW, f.BlockH = int(w), int(h)
		if f.Padded() > 4*int64(f.W)*int64(f.H)+maxTileSide*maxTileSide {
			return invalid("its tiles of %d x %d pixels hold far more than the picture", w, h)
		}
		if o, ok := d.entries[tagTileOffsets]; ok { // some use the tags of strips
			f.offsets, f.counts = o, d.entries[tagTileByteCounts]
		}
	} else if rows := d.uint(tagRowsPerStrip, int64(f.H)); rows > 0 {
		f.BlockH = int(min(rows, int64(f.H)))
	}
	n := f.Blocks()
	lone := n == 1 && f.counts.count == 0 // whose length is not said
	if f.offsets.width < 2 || f.offsets.count < n || !lone && (f.counts.width < 2 || f.counts.count < n) {
		return invalid("its table of contents is inconsistent")
	}
	return nil
}
