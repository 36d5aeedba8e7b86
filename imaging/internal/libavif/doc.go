// Package libavif encodes AVIF with libavif and libaom, run as WebAssembly in a
// sandbox: see package sandbox.
//
// libavif.wasm.gz is the file that github.com/gen2brain/avif ships. That package
// itself is not used, because in an ordinary build its init function loads the
// system's libavif.so in place of the sandboxed one wherever it finds it.
// "go generate" fetches the file again and compares its hash.
package libavif

//go:generate go run fetch.go
