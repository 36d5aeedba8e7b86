// Package remote reads pictures that a client names instead of sending: by URL
// from the public internet, or by path from one import directory.
//
// A client must not make this machine look at its own network. An address is
// checked at the moment of connecting, after all resolving, so neither a
// redirect nor a name that changes its mind gets past it; only public unicast
// addresses on ports 80 and 443 are left. What was blocked, refused and
// unresolvable is one and the same answer, for a difference would be a port
// scanner. Paths go through an os.Root, and only regular files are read.
//
// Everything is bounded: bytes, time, redirects, headers. Nothing is
// decompressed.
//
// Two limits are the operator's: a bind mount inside the import directory is
// followed, and the machine's own public addresses are public.
package remote
