package cache

import (
	"sync"

	"revela/task"
)

// pages keeps the decoded form of hot lists.
type pages struct {
	mu   sync.RWMutex
	held bounded[string, page]
}

type page struct {
	raw   string      // the value it was decoded from
	tasks []task.Task // shared, never written to
	moves uint64      // known.moves when the tasks were last compared with it
}

// maxHeld is how many pages are held at least; a page of 100 tasks is about
// 100 kB.
const maxHeld = 32

func (p *pages) find(key string) (page, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.held.get(key)
}

func (p *pages) put(key string, pg page) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held.put(key, pg)
}
