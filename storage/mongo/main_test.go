package mongo

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if ferretdb.close != nil {
		ferretdb.close()
	}
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// newDatabase names a database of a test's own.
func newDatabase() string { return "revela_test_" + bson.NewObjectID().Hex() }

// openAt opens a Store on a new database.
func openAt(t *testing.T, uri string) *Store {
	t.Helper()
	return openNamed(t, uri, newDatabase())
}

// openNamed opens a Store without the proof that the server can be relied on.
// Its database is dropped with the test.
func openNamed(t *testing.T, uri, database string) *Store {
	t.Helper()
	s, err := open(t.Context(), uri, database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The test's own context has ended.
		if err := s.tasks.Database().Drop(context.Background()); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}
