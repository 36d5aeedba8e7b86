package mongo

import (
	"os"
	"testing"

	"revela/task"
	"revela/task/tasktest"
)

// ownServer is a server of the tester's, on which everything must pass. Without
// one, everything is run on FerretDB: one call at a time as it is, and races
// through a proxy that makes it atomic.
var ownServer = os.Getenv("MONGODB_TEST_URI")

func TestRepository(t *testing.T) {
	t.Parallel()
	t.Run("FerretDB", func(t *testing.T) {
		t.Parallel()
		tasktest.Repository(t, func(t *testing.T) task.Repository { return openAt(t, ferretURI(t)) })
	})
	if ownServer != "" {
		t.Run("MONGODB_TEST_URI", func(t *testing.T) {
			t.Parallel()
			tasktest.Repository(t, func(t *testing.T) task.Repository { return openAt(t, ownServer) })
		})
	}
}

func TestRepositoryConcurrent(t *testing.T) {
	t.Parallel()
	t.Run("FerretDB, one command at a time", func(t *testing.T) {
		t.Parallel()
		tasktest.RepositoryConcurrent(t, func(t *testing.T) task.Repository {
			return openAt(t, newProxy(t, ferretURI(t)).uri())
		})
	})
	if ownServer != "" {
		t.Run("MONGODB_TEST_URI", func(t *testing.T) {
			t.Parallel()
			tasktest.RepositoryConcurrent(t, func(t *testing.T) task.Repository { return openAt(t, ownServer) })
		})
	}
}

// TestBounds runs the suite's walks with small spans, and counts with small
// limits: a real one would need more documents than FerretDB is good for.
func TestBounds(t *testing.T) {
	t.Parallel()
	s := openAt(t, ferretURI(t))
	tasktest.Windows(t, s, s.search)
	for _, tt := range []struct {
		filter task.Filter
		limit  int64
		want   task.Total
	}{
		{task.Filter{}, 30, task.Total{N: 30, Exact: true}},
		{task.Filter{}, 29, task.Total{N: 30}}, // as the server's books say
		{task.Filter{Statuses: task.Only(task.Pending)}, 15, task.Total{N: 15, Exact: true}},
		{task.Filter{Statuses: task.Only(task.Pending)}, 14, task.Total{N: 14}},
		{task.Filter{Statuses: task.Only(task.Pending, task.Processing)}, 20, task.Total{N: 20}},
	} {
		if got, err := s.count(t.Context(), tt.filter, tt.limit); err != nil || got != tt.want {
			t.Errorf("Count of %q up to %d = %+v, %v; want %+v", tt.filter.Statuses, tt.limit, got, err, tt.want)
		}
	}
}
