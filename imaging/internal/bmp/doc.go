// Package bmp decodes the pixels of bitmaps of Windows and OS/2, a row at a time.
//
// It is told by a Layout how they lie, which the caller has found out, and that a
// picture of that size is within bounds. Besides the image it allocates one row.
package bmp
