// Package redis gets the program a rueidis client: to a server named in the
// configuration (one address, unix socket, Sentinel or Cluster), or to the
// embedded one, a redis-server run as a child of this process, or, where none
// is installed, an in-process stand-in.
//
// It knows no keys and no scripts. The invariant of the embedded server: only
// the holder of the lock in its data directory runs a server there, every other
// process on the machine uses the holder's socket, and one of them takes over
// when the holder is gone. The failure it tolerates: Redis may vanish and come
// back at any time; the client stays valid, its calls fail meanwhile, and it
// connects again by itself after min(n x 50 ms, 2 s).
//
// Tests start real servers with the package redistest.
package redis
