package cache

import "sync/atomic"

// Stats counts since the cache was made.
type Stats struct {
	Hits          int64 // reads answered from a cached value
	LocalHits     int64 // those of them that cost no round trip
	Misses        int64 // reads that found none
	Loads         int64 // reads of the repository, of entries that are cached
	Fills         int64 // values stored
	Refused       int64 // values not stored because the entry was invalidated meanwhile
	Waits         int64 // waits for another process' fill
	Fallbacks     int64 // reads that went past Redis because it could not be used
	Uncached      int64 // reads of lists and counts that are never cached
	Invalidations int64 // calls of Invalidate
	Deferred      int64 // those of them that could not be delivered at once
	Owed          int64 // tasks whose invalidation is not delivered yet; goes down again
}

type counters struct {
	localHits, remoteHits, misses, loads, fills, refused, waits,
	fallbacks, uncached, invalidations, deferred atomic.Int64
}

// Stats returns the counters. They are read one by one, so they need not add up
// while reads are going on.
func (c *Cache) Stats() Stats {
	n := &c.counters
	local := n.localHits.Load()
	return Stats{
		Hits: local + n.remoteHits.Load(), LocalHits: local, Misses: n.misses.Load(),
		Loads: n.loads.Load(), Fills: n.fills.Load(), Refused: n.refused.Load(), Waits: n.waits.Load(),
		Fallbacks: n.fallbacks.Load(), Uncached: n.uncached.Load(),
		Invalidations: n.invalidations.Load(), Deferred: n.deferred.Load(), Owed: c.debts.owed.Load(),
	}
}
