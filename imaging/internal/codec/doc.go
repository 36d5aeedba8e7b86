// Package codec decodes single frames of HEVC and AV1, as HEIC and AVIF files
// hold them, with libde265 and dav1d. Both are C and C++ and read what strangers
// send, so they run in a sandbox: see package sandbox. Neither loads anything
// from the system.
//
// hevc.wasm.gz and av1.wasm.gz are built by src/build.sh from the sources that
// Debian distributes. libde265 is under the LGPL, version 3: it is a file of its
// own that is linked to nothing, whoever builds Revela may put another one in
// its place, and its licence is in LICENSE.libde265. dav1d is under the two-clause
// BSD licence, LICENSE.dav1d. There is no HEVC decoder under a licence like that.
package codec
