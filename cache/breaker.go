package cache

import (
	"sync/atomic"
	"time"
)

// cooldown is how long Redis is left alone after it failed.
const cooldown = 250 * time.Millisecond

// breaker keeps readers from waiting for a Redis that does not answer: after a
// failure all go past it, and one of them a cooldown tries again.
type breaker struct {
	retryAt  atomic.Int64 // unix ns of the next try; 0 while Redis answers
	onChange func(error)
}

// allow reports whether Redis may be used now. probe is true for the one who
// tries whether it is back.
func (b *breaker) allow() (ok, probe bool) {
	at := b.retryAt.Load()
	if at == 0 {
		return true, false
	}
	now := time.Now()
	if now.UnixNano() < at {
		return false, false
	}
	ok = b.retryAt.CompareAndSwap(at, now.Add(cooldown).UnixNano())
	return ok, ok
}

func (b *breaker) open() bool { return b.retryAt.Load() != 0 }

func (b *breaker) fail(err error) {
	if b.retryAt.Swap(time.Now().Add(cooldown).UnixNano()) == 0 && b.onChange != nil {
		b.onChange(err)
	}
}

func (b *breaker) succeed() {
	if b.retryAt.Load() != 0 && b.retryAt.Swap(0) != 0 && b.onChange != nil {
		b.onChange(nil)
	}
}
