package imaging

import (
	"context"
	"slices"
	"sync"
)

// maxPassed is how often a picture that waits for memory may be overtaken by
// later ones. Then nothing passes it any more, so it waits for those that are at
// work and for at most this many others.
const maxPassed = 32

// budget shares bytes of memory among pictures. Whoever comes first is served
// first, except that a picture which fits at once need not wait behind a larger
// one that does not; see maxPassed. It is safe for concurrent use.
type budget struct {
	size int64

	mu      sync.Mutex
	used    int64
	waiting []*claim // in order of arrival
}

// claim is a picture's wish for memory.
type claim struct {
	bytes   int64
	passed  int           // how many later ones were served before it; under budget.mu
	granted chan struct{} // closed when the bytes are its own
}

func newBudget(size int64) *budget { return &budget{size: size} }

// acquire waits for n bytes, which are given back with release. The error is
// ctx's cause, and then nothing is held. n must not be more than size.
func (b *budget) acquire(ctx context.Context, n int64) error {
	c := b.enqueue(n)
	select {
	case <-c.granted:
		return nil
	case <-ctx.Done():
		b.withdraw(c)
		return context.Cause(ctx)
	}
}

// enqueue adds a claim, which may be granted at once.
func (b *budget) enqueue(n int64) *claim {
	c := &claim{bytes: n, granted: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, c)
	b.serve()
	return c
}

// withdraw gives a claim up, whether it is granted by now or not.
func (b *budget) withdraw(c *claim) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.waiting, c); i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
	} else {
		b.used -= c.bytes
	}
	b.serve()
}

// release gives n bytes back.
func (b *budget) release(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	b.serve()
}

// serve grants what may be granted now. b.mu is held.
func (b *budget) serve() {
	var still []*claim // those that go on waiting, so far
	patient := true    // all of them may be passed
	for _, c := range b.waiting {
		if !patient || b.used+c.bytes > b.size {
			still = append(still, c)
			patient = patient && c.passed < maxPassed
			continue
		}
		b.used += c.bytes
		close(c.granted)
		for _, left := range still {
			left.passed++
			patient = patient && left.passed < maxPassed
		}
	}
	b.waiting = still
}
