package cache

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// cooldown is how long Redis is left alone after it failed.
	cooldown = 250 * time.Millisecond
	// doubts is how many pings in a row, spread over a cooldown, must go unanswered before
	// an answer that was late once is taken for an outage. A process that has a thousand
	// requests to serve at once may read what Redis answered in time when the time is over.
	doubts = 4
)

// breaker keeps readers from waiting for a Redis that does not answer. While it is
// open all go past Redis, and one goroutine asks whether it is back.
type breaker struct {
	life     *life
	ping     func(key string) error // asks for a key, in less time than a read has
	onChange func(error)

	isOpen  atomic.Bool
	mu      sync.Mutex
	watched bool // by a goroutine
}

func (b *breaker) open() bool { return b.isOpen.Load() }

// fail notes that Redis, or of a cluster the node that has key, did not answer.
func (b *breaker) fail(key string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !late(err) {
		b.set(err)
	}
	if !b.watched {
		b.watched = b.life.spawn(func() { b.watch(key) })
	}
}

// set opens the breaker because of err, or closes it. The caller holds the lock.
func (b *breaker) set(err error) {
	if open := err != nil; b.isOpen.Swap(open) != open && b.onChange != nil {
		b.onChange(err)
	}
}

// watch asks for key until there is an answer. Nobody else closes the breaker: an
// answer may be one that a read would not have waited for.
func (b *breaker) watch(key string) {
	for pings := 1; ; pings++ {
		err := b.ping(key)
		if b.life.ctx.Err() != nil {
			return
		}
		b.mu.Lock()
		if !late(err) || pings >= doubts {
			b.set(err)
		}
		b.watched = err != nil
		b.mu.Unlock()
		pause := cooldown
		if !b.open() {
			pause = cooldown / doubts
		}
		if err == nil || !sleep(b.life.ctx, pause) {
			return
		}
	}
}

// late reports whether err is that time was over, be it the time to connect.
func late(err error) bool { return errors.Is(err, context.DeadlineExceeded) }
