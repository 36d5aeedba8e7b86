// Package turbo decodes and encodes JPEG with the system's libjpeg-turbo, where
// its shared library libturbojpeg is installed (2.0 or newer). It is loaded at
// run time; nothing of it is linked, and cgo is not used.
//
// This is C without a sandbox: a fault in it ends the process. So it is to be
// given only what has been found well-formed, of 8 bits, with Huffman coding, and
// with few scans; and it stops at the first thing that it finds odd, for another
// decoder to judge.
//
// A build with the tag "noturbo" leaves it out. That makes the executable
// independent of the C library: loading shared libraries needs the system's
// dynamic linker.
package turbo
