// Package jpeg decodes and encodes JPEG as planes, one for each component.
//
// The decoder reads sequential and progressive files with Huffman coding, 8 bits a
// sample, and components of any number and sampling, together or in scans of their
// own; what they mean it does not ask. It can reduce a picture by 2, 4 or 8 on the
// way. The encoder writes grey, or luma with chroma of the same or of fewer samples.
//
// The decoder is made for the files that cameras and programs write, and
// refuses whatever is odd in a file, so that a decoder that knows all of JPEG can
// judge it.
//
// It is memory-safe: files are parsed in Go. The only assembly transforms blocks of
// coefficients; no address in it depends on their values, and its buffers are
// checked before it is entered.
package jpeg

//go:generate go run -C ../asm ./jpeg -out ../jpeg/dct_amd64.s -stubs ../jpeg/stub_amd64.go -pkg jpeg
