package cache

import "sync"

// suspects are keys that this process has invalidated and whose copy in rueidis'
// memory may still be the old one, because Redis' announcement comes a little
// after its reply. A suspect is read from Redis itself until the copy has been
// seen to be the same; a copy never goes back after that, since the replies and
// announcements of a key share one connection.
type suspects struct {
	mu   sync.RWMutex
	seq  uint64
	keys bounded[string, uint64]
}

// maxSuspects is how many keys stay suspect at least. The oldest are dropped:
// their announcement came thousands of invalidations ago.
const maxSuspects = 4096

func (s *suspects) mark(keys ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range keys {
		s.seq++
		s.keys.put(k, s.seq)
	}
}

// find returns the mark of a suspect.
func (s *suspects) find(key string) (mark uint64, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keys.get(key)
}

// clear takes back one mark, unless the key was marked again.
func (s *suspects) clear(key string, mark uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m, ok := s.keys.get(key); ok && m == mark {
		s.keys.remove(key)
	}
}
