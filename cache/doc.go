// Package cache serves task.Reader from Redis, cache-aside, and keeps hot
// entries in this process by rueidis' client-side caching, so that reading them
// costs no round trip.
//
// It is never the truth and never in the way: whatever happens to Redis, a read
// ends with what the repository says, at most Config.Budget later than without
// a cache, and no error comes from here.
//
// The invariant it keeps: what was read from the repository before a change is
// never stored after that change was announced by Invalidate. A fill therefore
// claims its key first and stores only while the claim stands, and lists and
// counts carry the generation that was current before they were read. Both end
// with one DEL each, whatever number of entries exists.
//
// A reader may see other processes' changes late (see docs/cache.md), but the
// process that called Invalidate reads its own write at once, and no reader sees
// a task go back to an earlier version than this process has seen.
//
// Tests run against servers of their own: single, Sentinel and Cluster, and
// against miniredis; some in several processes over one SQLite file.
package cache
