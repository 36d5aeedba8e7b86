// Package events carries what happens to tasks over Redis Pub/Sub: the
// Publisher writes the channel, the Hub reads it and hands each event to
// everybody in this process who listens.
//
// Events are hints. Pub/Sub delivers at most once, so both ends may lose some:
// the Publisher counts what it could not deliver, and the Hub sends a resync
// event wherever it knows of a gap, after which a listener reads the state
// again. Nobody's correctness depends on an event.
//
// Neither end ever makes its caller wait for Redis.
package events
