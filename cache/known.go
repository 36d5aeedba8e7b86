package cache

import (
	"strings"
	"sync"
	"sync/atomic"

	"revela/task"
)

// known remembers the latest version of the tasks that this process has seen
// lately, so that no reader sees one go back, and their decoded form, so that a
// hot task is decoded once.
type known struct {
	shards [16]knownShard
	moves  atomic.Uint64 // grows whenever something new was learnt
}

type knownShard struct {
	mu    sync.RWMutex
	facts bounded[task.ID, *fact]
}

// fact is immutable.
type fact struct {
	version int64
	gone    bool       // the repository had it no more
	raw     string     // the value that task was decoded from; "" if only the version is known
	task    *task.Task // shared: never written to
}

// maxKnown is how many tasks a shard remembers at least.
const maxKnown = 512

func (k *known) init() {
	for i := range k.shards {
		k.shards[i].facts = newBounded[task.ID, *fact](maxKnown)
	}
}

// shard picks by the id's last hex digit, which counts up from task to task.
func (k *known) shard(id task.ID) *knownShard {
	if id == "" {
		return &k.shards[0]
	}
	digit := id[len(id)-1]
	if digit >= 'a' {
		digit -= 'a' - 10
	}
	return &k.shards[digit%16]
}

func (k *known) find(id task.ID) (*fact, bool) {
	s := k.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.facts.get(id)
}

// learn notes t unless a later version is known; then it returns false. raw is
// the value t was decoded from, or "". truth says that t comes from the
// repository, which may know better that a task is not gone.
func (k *known) learn(t *task.Task, raw string, truth bool) bool {
	if f, ok := k.find(t.ID); ok && f.version == t.Version && !f.gone && (raw == "" || f.raw == raw) {
		return true
	}
	s := k.shard(t.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.facts.get(t.ID)
	if ok && (t.Version < f.version || f.gone && !truth) {
		return false
	}
	if ok && t.Version == f.version && !f.gone && raw == "" {
		return true
	}
	next := &fact{version: t.Version}
	if raw != "" {
		next.raw, next.task = raw, t
	}
	s.facts.put(t.ID, next)
	if !ok || f.gone || f.version != t.Version {
		k.moves.Add(1)
	}
	return true
}

// current reports whether t is no older than what is known of it.
func (k *known) current(t *task.Task) bool {
	f, ok := k.find(t.ID)
	return !ok || t.Version >= f.version && !f.gone
}

// lose notes that the repository has no such task. One that was never seen is
// not remembered, so asking for random ids costs no memory.
func (k *known) lose(id task.ID) {
	s := k.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.facts.get(id); ok && !f.gone {
		// Its id is cut out of a request, which should not stay as long.
		s.facts.put(task.ID(strings.Clone(string(id))), &fact{version: f.version, gone: true})
		k.moves.Add(1)
	}
}
