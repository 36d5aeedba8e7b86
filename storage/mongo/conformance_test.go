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
