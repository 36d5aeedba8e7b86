// Package libwebp decodes lossy WebP, and encodes it, with Google's libwebp, run
// as WebAssembly in a sandbox: see package sandbox.
//
// libwebp.wasm.gz is built by src/build.sh. libwebp has kernels in the intrinsics
// of several processors, but not in WebAssembly's: those for SSE2 and SSE4.1 are
// used, with a header in which their instructions are WebAssembly's.
package libwebp
