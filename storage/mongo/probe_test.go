package mongo

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestProbeRefuses a server that is not atomic.
func TestProbeRefuses(t *testing.T) {
	t.Parallel()
	database, uri := newDatabase(), ferretURI(t) // building the server takes its time
	start := time.Now()
	s, err := Open(t.Context(), uri, database)
	if !errors.Is(err, ErrNotAtomic) {
		t.Fatalf("Open = %v, %v, want ErrNotAtomic", s, err)
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("Open took %v", took)
	}
	for _, want := range []string{"8 simultaneous updates", "exactly one may", "embedded store"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	onlyTasks(t, openNamed(t, ferretURI(t), database))
}

// TestProbeAccepts a server that is atomic, and leaves nothing behind there.
func TestProbeAccepts(t *testing.T) {
	t.Parallel()
	uris := map[string]string{"FerretDB, one command at a time": newProxy(t, ferretURI(t)).uri()}
	if ownServer != "" {
		uris["MONGODB_TEST_URI"] = ownServer
	}
	for name, uri := range uris {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := newDatabase()
			s, err := Open(t.Context(), uri, database)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			onlyTasks(t, openNamed(t, uri, database))
		})
	}
}

// onlyTasks checks that the probe has cleaned up.
func onlyTasks(t *testing.T, s *Store) {
	t.Helper()
	names, err := s.tasks.Database().ListCollectionNames(t.Context(), map[string]any{})
	if err != nil || !slices.Equal(names, []string{"tasks"}) {
		t.Errorf("Open left the collections %v, %v, want only tasks", names, err)
	}
}
