package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"revela/storage/sqlite"
	"revela/task"
)

// raw opens the file without the Store, as a person with a SQLite shell would.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path}).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func integrity(t *testing.T, path string) (answer string) {
	t.Helper()
	if err := raw(t, path).QueryRow("PRAGMA integrity_check").Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func newTask() task.Task {
	now := task.Millis(time.Now())
	return task.Task{ID: task.NewID(), Status: task.Pending, CreatedAt: now, UpdatedAt: now}
}

// Strangers cannot read tasks, in a directory that they can read, or in a file
// that they could read so far.
func TestStrangersReadNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "tasks.db")
	for _, what := range []string{"a new file", "an old one"} {
		s := open(t, path)
		if _, err := s.Create(t.Context(), newTask()); err != nil {
			t.Fatal(err)
		}
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != 3 {
			t.Fatalf("%s: %v, %v; want it, -wal and -shm", what, files, err)
		}
		for _, f := range files {
			if info, err := f.Info(); err != nil || info.Mode().Perm()&0o007 != 0 {
				t.Errorf("%s: %s is %v, %v", what, f.Name(), info.Mode(), err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReopen: records are kept, and opening again changes nothing.
func TestReopen(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	first := open(t, path)
	want, err := first.Create(t.Context(), newTask())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Close left the log behind: %v", err)
	}
	got, err := open(t, path).Get(t.Context(), want.ID)
	if err != nil || got.ID != want.ID {
		t.Errorf("Get after reopening = %v, %v", got.ID, err)
	}
}

// TestOpenTogether: processes that start at the same time find one good file.
func TestOpenTogether(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	stores, errs := make([]*sqlite.Store, 8), make([]error, 8)
	var opening sync.WaitGroup
	for i := range stores {
		opening.Go(func() { stores[i], errs[i] = sqlite.Open(t.Context(), path) })
	}
	opening.Wait()
	for i, s := range stores {
		if errs[i] != nil {
			t.Errorf("Open: %v", errs[i])
			continue
		}
		defer s.Close()
		if _, err := s.Create(t.Context(), newTask()); err != nil {
			t.Errorf("Create: %v", err)
		}
	}
	if n, err := stores[0].Count(t.Context(), task.Filter{}); n.N != int64(len(stores)) {
		t.Errorf("%v tasks through %d stores, %v", n, len(stores), err)
	}
}

// TestOldFile: a file of the first schema, which kept no totals, becomes one of
// the latest with all its tasks, also when several processes find it.
func TestOldFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tasks.db")
	schema, err := os.ReadFile("testdata/schema1.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw(t, path).Exec(string(schema)); err != nil {
		t.Fatal(err)
	}
	stores, errs := make([]*sqlite.Store, 4), make([]error, 4)
	var opening sync.WaitGroup
	for i := range stores {
		opening.Go(func() { stores[i], errs[i] = sqlite.Open(t.Context(), path) })
	}
	opening.Wait()
	for i, s := range stores {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		defer s.Close()
	}
	s := stores[0]
	old, err := s.Get(t.Context(), "6b04df4d10e66d2331400002")
	if err != nil || old.Status != task.Completed || old.Source.Name != "two.jpg" || len(old.Images) != 1 || old.Version != 3 {
		t.Errorf("an old task is %+v, %v", old, err)
	}
	counts := func(want map[task.StatusSet]int64) {
		t.Helper()
		for set, n := range want {
			if got, err := s.Count(t.Context(), task.Filter{Statuses: set}); err != nil || got != (task.Total{N: n, Exact: true}) {
				t.Errorf("Count of %q = %+v, %v; want %d", set, got, err, n)
			}
		}
	}
	completed, failed := task.Only(task.Completed), task.Only(task.Failed)
	counts(map[task.StatusSet]int64{0: 4, completed: 2, failed: 1, task.Only(task.Pending): 1, completed | failed: 3, task.Only(task.Cancelled): 0})
	old.Status = task.Failed
	if _, err := stores[1].Update(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if err := stores[2].Delete(t.Context(), "6b04df4d10e66d2331400001"); err != nil {
		t.Fatal(err)
	}
	counts(map[task.StatusSet]int64{0: 3, completed: 1, failed: 2, task.Only(task.Pending): 0})
	if problem := integrity(t, path); problem != "ok" {
		t.Errorf("the file is damaged: %s", problem)
	}
}

// TestRefusedFiles: what is not a file of ours stays as it is.
func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	t.Run("newer schema", func(t *testing.T) {
		t.Parallel()
		path := newFile(t)
		open(t, path)
		if _, err := raw(t, path).Exec("PRAGMA user_version = 999"); err != nil {
			t.Fatal(err)
		}
		if _, err := sqlite.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "schema 999") {
			t.Errorf("Open = %v, want it to name schema 999", err)
		}
	})
	t.Run("not a database", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "photo.db")
		content := strings.Repeat("not a database ", 100)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sqlite.Open(t.Context(), path); err == nil || errors.Is(err, task.ErrUnavailable) {
			t.Errorf("Open = %v, want an error that waiting does not mend", err)
		}
		if got, _ := os.ReadFile(path); string(got) != content {
			t.Error("the file was changed")
		}
	})
	t.Run("a directory", func(t *testing.T) {
		t.Parallel()
		if _, err := sqlite.Open(t.Context(), t.TempDir()); !errors.Is(err, task.ErrUnavailable) {
			t.Errorf("Open = %v, want ErrUnavailable", err)
		}
	})
	t.Run("no path", func(t *testing.T) {
		t.Parallel()
		if _, err := sqlite.Open(t.Context(), ""); err == nil {
			t.Error("Open of no path succeeded")
		}
	})
}

// TestUnavailable: a file that somebody else holds is reported in time, while
// reading goes on, and is good again afterwards.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	s, second := open(t, path), open(t, path)
	kept, err := s.Create(t.Context(), newTask())
	if err != nil {
		t.Fatal(err)
	}
	holder, err := raw(t, path).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	if _, err := holder.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}

	// The second one waits for the first one's connection, not for the file.
	var writing sync.WaitGroup
	for range 3 {
		writing.Go(func() {
			start := time.Now()
			_, err := s.Create(t.Context(), newTask())
			if took := time.Since(start); !errors.Is(err, task.ErrUnavailable) || took > 2*time.Second {
				t.Errorf("Create in a held file: %v after %v, want ErrUnavailable within 2 s", err, took)
			}
		})
	}
	if _, err := s.Get(t.Context(), kept.ID); err != nil {
		t.Errorf("Get in a held file: %v", err)
	}
	// Whoever leaves while waiting does so at once.
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := second.Create(ctx, newTask()); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, task.ErrUnavailable) {
		t.Errorf("Create of a caller that left: %v", err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("a caller that left after 50 ms got its answer after %v", took)
	}
	writing.Wait()

	if _, err := holder.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(t.Context(), newTask()); err != nil {
		t.Errorf("Create when the file is free again: %v", err)
	}
}

// TestClosed: a Store that is closed is a store that cannot be reached.
func TestClosed(t *testing.T) {
	t.Parallel()
	s := open(t, newFile(t))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), task.NewID()); !errors.Is(err, task.ErrUnavailable) {
		t.Errorf("Get: %v, want ErrUnavailable", err)
	}
	if _, err := s.Create(t.Context(), newTask()); !errors.Is(err, task.ErrUnavailable) {
		t.Errorf("Create: %v, want ErrUnavailable", err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, task.ErrUnavailable) {
		t.Errorf("Ping: %v, want ErrUnavailable", err)
	}
}
