package cache

// bounded is a map that remembers at least the last size keys put into it and
// at most twice as many: when the young half is full, the old half is dropped.
// It needs its owner's lock.
type bounded[K comparable, V any] struct {
	size       int
	young, old map[K]V
}

func newBounded[K comparable, V any](size int) bounded[K, V] {
	return bounded[K, V]{size: size, young: make(map[K]V)}
}

// get only reads, so a read lock is enough for it.
func (b *bounded[K, V]) get(k K) (V, bool) {
	v, ok := b.young[k]
	if !ok {
		v, ok = b.old[k]
	}
	return v, ok
}

func (b *bounded[K, V]) put(k K, v V) {
	if _, ok := b.young[k]; !ok && len(b.young) >= b.size {
		b.old, b.young = b.young, make(map[K]V)
	}
	b.young[k] = v
}

func (b *bounded[K, V]) remove(k K) {
	delete(b.young, k)
	delete(b.old, k)
}
