// Imaging measures what making the usual variants, 1024 and 800 pixels wide at
// quality 85, costs: in Go alone (revela), with libjpeg-turbo (revela-turbo), and
// beside sharp, which is libvips for Node.js.
//
// The pictures are generated: like photographs to a codec, of several sizes and
// formats. Each measurement runs in a process of its own, called with a picture, a
// number of repetitions, how many pictures to work on at once, and a prefix for
// the variants of the last one. It renders once without measuring, then measures,
// and prints a JSON line of CPU and wall time a picture, in ms, and the largest
// resident memory, in MB.
//
// psnr_db and ssim compare the luma of the variant of 1024 with that of the
// original, filtered by Lanczos in 64-bit floating point from the formula.
package main
