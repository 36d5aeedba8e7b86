package mongo

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"revela/task"
	"revela/task/tasktest"
)

// cleanup is for what is done when the test's own context has ended.
func cleanup() context.Context { return context.Background() }

// ownServer is a server of the tester's, on which everything must pass. A
// machine without one tests on FerretDB what can be tested there.
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

// TestProbe refuses a server that is not atomic, leaves nothing behind there,
// and accepts the tester's own, on which the races then are run.
func TestProbe(t *testing.T) {
	t.Parallel()
	t.Run("FerretDB", func(t *testing.T) {
		t.Parallel()
		database := newDatabase()
		start := time.Now()
		s, err := Open(t.Context(), ferretURI(t), database)
		if !errors.Is(err, ErrNotAtomic) {
			t.Fatalf("Open = %v, %v, want ErrNotAtomic", s, err)
		}
		for _, want := range []string{"simultaneous updates", "exactly one", "embedded store"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not say %q", err, want)
			}
		}
		t.Logf("refused after %v: %v", time.Since(start), err)
		client, err := driver.Connect(options.Client().ApplyURI(ferretURI(t)))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Disconnect(cleanup())
		names, err := client.Database(database).ListCollectionNames(t.Context(), map[string]any{})
		if err != nil || strings.Join(names, " ") != "tasks" {
			t.Errorf("Open left the collections %v, %v, want only tasks", names, err)
		}
		if err := client.Database(database).Drop(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if ownServer != "" {
		t.Run("MONGODB_TEST_URI", func(t *testing.T) {
			t.Parallel()
			openProbed := func(t *testing.T) task.Repository {
				s := openAt(t, ownServer)
				if err := s.probe(t.Context()); err != nil {
					t.Fatal(err)
				}
				return s
			}
			tasktest.RepositoryConcurrent(t, openProbed)
		})
	}
}
