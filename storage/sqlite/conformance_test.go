package sqlite_test

import (
	"path/filepath"
	"testing"

	"revela/storage/sqlite"
	"revela/task"
	"revela/task/tasktest"
)

func TestRepository(t *testing.T) {
	t.Parallel()
	tasktest.Repository(t, func(t *testing.T) task.Repository { return open(t, newFile(t)) })
}

func TestRepositoryConcurrent(t *testing.T) {
	t.Parallel()
	tasktest.RepositoryConcurrent(t, func(t *testing.T) task.Repository { return open(t, newFile(t)) })
}

// newFile names a file of the test's own. Its name holds what would mean
// something else in a URI.
func newFile(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "not yet there", "tasks?mode=ro&50%#1.db")
}

// open opens a Store that is closed with the test.
func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}
