// Package imaging turns the bytes of a picture into smaller pictures. It knows
// no task and no HTTP.
//
// Probe looks at a file's structure, decodes no pixel, and says what is wrong
// with it in words for the person who sent it. Render decodes a picture once and
// makes every variant from that.
//
// What it keeps, whatever the bytes are: no panic leaves it; pixels are decoded
// only after the header's size, the memory that decoding takes and the number of
// JPEG scans are known to be within bounds; all Renders of an Engine together
// stay within its memory budget; a decoder stops reading soon after its context
// ends, or when it has used ten seconds of a processor and one more for each
// megapixel. A picture's own fault is an *Error and would be the same next time; any
// other error (the context's, the storage's) may pass.
//
// Pictures come out upright, as their EXIF orientation or their own transform
// asks, and without any metadata that came with them. Nor is their colour profile
// carried: it is a stranger's, it tells of a device, half of all viewers know only
// the simple kinds, and those that know none would show Adobe RGB pale and ProPhoto
// wrong. Colours are converted instead, to one of two spaces with the same curve:
// to sRGB, which says nothing and needs nothing, or, where sRGB would cut off
// what is in the picture, to Display P3 with a small profile of our own. What is
// in one of the two already, as pictures of phones are, keeps its numbers. Grey
// stays grey. CMYK goes through its profile's table, or where it has none through
// that of usual offset printing. Light of high dynamic range is compressed. What
// the colours are is told by cICP, profile, sRGB, gAMA and cHRM in PNG, by the
// profile or else nclx in HEIC and AVIF, and elsewhere by the profile, or EXIF's
// R03 for cameras that mean Adobe RGB.
//
// A decoder makes a picture, in bands of one or four channels; resizing each to
// the size of a variant makes a raster, upright; and an encoder makes bytes of
// that. Those of JPEG and lossy WebP stay planes of luma and of chroma all the way. What a Variant
// asks for besides its size happens in this order: the part is cut while it is
// resized, then come its background, sharpening and watermark.
//
// JPEG is decoded by package jpeg, or by libjpeg-turbo where it is installed and not
// switched off, and the usual kinds of PNG by package png, with Go's decoders as the
// judges of what those find odd. TIFF and BMP are decoded by packages tiff and bmp, once
// their directories and headers are read here. Other decoders are Go's and
// golang.org/x/image's, and resizing is Lanczos in package resample. What else is
// written in C runs in a WebAssembly
// sandbox and loads nothing from the system: libde265 and dav1d, which decode HEIC
// and AVIF, libavif with libaom, which encodes AVIF, and libwebp, which encodes WebP
// and decodes it where it is lossy. The boxes of HEIC and AVIF files are read here,
// with their sizes and places checked before a decoder sees a byte; it gets one
// frame at a time.
package imaging
