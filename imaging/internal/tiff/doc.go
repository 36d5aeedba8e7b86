// Package tiff decodes the pixels of TIFF files, a row at a time.
//
// It is told by a Layout how they lie, and gets the strips or tiles one after
// another: where they are in the file, and that a picture of that size is within
// bounds, the caller has found out. Besides the image it allocates some rows of a
// strip or tile and the state of one decompressor, whatever the file claims. What
// is compressed as JPEG the caller decompresses.
package tiff
