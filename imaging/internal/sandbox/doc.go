// Package sandbox runs codecs that are written in C as WebAssembly: each picture
// in an instance of its own, with a memory that is bounded and given back, no
// file, no clock and no network. Whatever a crafted picture does to a codec stays
// in there, and ends with the picture.
//
// A module is compiled to machine code once a process, at its first use.
package sandbox
