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
// ends. A picture's own fault is an *Error and would be the same next time; any
// other error (the context's, the storage's) may pass.
//
// Pictures come out upright, as their EXIF orientation asks, and without any
// metadata except the colour profile: an ICC profile that fits the output is
// carried into it, so Display P3 and Adobe RGB look as they did. CMYK is
// converted without its profile, which would not fit.
//
// Decoders are Go's and golang.org/x/image's, resizing is disintegration/imaging
// (Lanczos), and WebP is encoded by libwebp in a WebAssembly sandbox.
package imaging
