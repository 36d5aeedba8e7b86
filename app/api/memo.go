package api

import "sync"

// memo remembers what was put into it lately, up to a number of bytes. When its
// young half is full, the old half is dropped. It is safe for concurrent use.
type memo[K comparable, V any] struct {
	half int // bytes of one half

	mu         sync.RWMutex
	young, old map[K]V
	used       int // bytes of the young half
}

func newMemo[K comparable, V any](bytes int) *memo[K, V] {
	return &memo[K, V]{half: bytes / 2, young: map[K]V{}}
}

func (m *memo[K, V]) get(k K) (V, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.young[k]
	if !ok {
		v, ok = m.old[k]
	}
	return v, ok
}

// put remembers v, which takes size bytes; a v that takes more than half of
// everything is not remembered. What it replaces counts on until it is dropped.
func (m *memo[K, V]) put(k K, v V, size int) {
	if size > m.half {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used += size; m.used > m.half {
		m.old, m.young, m.used = m.young, map[K]V{}, size
	}
	m.young[k] = v
}
