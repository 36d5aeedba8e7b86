// Package png reads and writes the common kinds of PNG a row at a time, several
// times faster than image/png.
//
// Reader takes what is not interlaced, in the depths that programs write. What it
// finds odd it refuses, be it broken or just rare; another decoder is to judge
// that. It holds two rows and the state of the inflater, whatever the size of the
// picture. Lengths are checked by the caller's own knowledge of the header: a
// Reader allocates in proportion to the width only.
package png
