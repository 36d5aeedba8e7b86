// Package libwebp encodes WebP with Google's libwebp, run as WebAssembly.
//
// Go has no lossy WebP encoder of its own, and libwebp is C: so it runs in a
// sandbox, with no imports from the host, a bounded memory of its own for each
// picture, and nothing of it kept between two. Whatever a crafted picture does
// to it stays in there.
//
// The module is compiled to machine code once a process, at the first Encode.
//
// libwebp.wasm.gz is the file that github.com/gen2brain/webp ships. That package
// itself is not used, because in an ordinary build its init function loads the
// system's libwebp.so in place of the sandboxed one wherever it finds it.
// "go generate" fetches the file again and compares its hash.
package libwebp

//go:generate go run fetch.go
