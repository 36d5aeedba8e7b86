// Package queue is a reliable job queue on Redis and the pool of workers that
// empties it. It knows ids and payloads and nothing of what they mean.
//
// A job is delivered at least once. It waits in the list waiting, moves in one
// atomic step to the list active, and leaves active only by a script that
// proves with the owner's token that the job is still the worker's. Active is
// the one place to look for "in work": leases say who may be left alone, and
// the sweeper, which runs in every pool, walks active and puts back what has
// no live lease, whichever way it got there.
//
// The package tolerates the death of any process at any moment, duplicates of
// an id in a list, ids without a job and jobs without a list, scripts flushed,
// and an answer lost after its command was carried out. It does not tolerate
// the loss of Redis's data by itself: Lost tells the owner of the truth what
// to add again.
//
// Time inside scripts is the server's (TIME), so clients' clocks do not matter.
// Tests run against real servers; see app/redis/redistest.
package queue
