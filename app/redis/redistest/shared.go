package redistest

import (
	"strconv"
	"sync"
	"testing"
)

// databases is how many uses of Shared one run of the shared server is good for:
// each takes a database that nobody has used before.
const databases = 4096

// pool is the package's shared server. It runs while at least one test uses it,
// so that no process and no goroutine is left when the last test has ended.
var pool struct {
	mu    sync.Mutex
	srv   *server
	users int
	next  int
}

// Shared lends an empty database of the package's shared server for the time of
// the test. Tests that use it may run in parallel, but must keep off what all
// databases share: FLUSHALL, CONFIG SET, SCRIPT FLUSH, and the names of pub/sub
// channels, of which each test needs its own.
func Shared(t testing.TB) *S {
	t.Helper()
	pool.mu.Lock()
	defer pool.mu.Unlock()
	if pool.srv == nil {
		srv, err := launch([]string{"--databases", strconv.Itoa(databases)})
		if err != nil {
			t.Fatalf("redistest: %v", err)
		}
		pool.srv, pool.next = srv, 0
	}
	if pool.next == databases {
		t.Fatalf("redistest: all %d databases of the shared server were lent", databases)
	}
	s := handle(t, pool.srv, pool.next)
	s.shared = true
	pool.next++
	pool.users++
	t.Cleanup(release)
	return s
}

func release() {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	if pool.users--; pool.users == 0 {
		pool.srv.remove()
		pool.srv = nil
	}
}
