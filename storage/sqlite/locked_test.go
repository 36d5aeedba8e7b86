package sqlite_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"revela/task"
)

// lock holds all locks of SQLite's shared memory until its input ends. See
// https://sqlite.org/walformat.html#wal_locks for where they are.
func lock(path string) error {
	f, err := os.OpenFile(path+"-shm", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLKW, &syscall.Flock_t{Type: syscall.F_WRLCK, Start: 120, Len: 8}); err != nil {
		return err
	}
	fmt.Println("locked")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// TestHeldLocks: SQLite waits for these locks and hears of no interruption; those
// who read do not wait with it.
func TestHeldLocks(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	s := open(t, path)
	kept, err := s.Create(t.Context(), newTask())
	if err != nil {
		t.Fatal(err)
	}
	holder := start(t, path, "lock")
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the holder of the locks: %v", err)
	}

	for what, read := range map[string]func() error{
		"Get":    func() error { _, err := s.Get(t.Context(), kept.ID); return err },
		"List":   func() error { _, err := s.List(t.Context(), task.Query{Limit: 1}); return err },
		"Search": func() error { _, err := s.Search(t.Context(), task.Query{Limit: 1}, "x"); return err },
		"Ping":   func() error { return s.Ping(t.Context()) },
	} {
		began := time.Now()
		if err := read(); !errors.Is(err, task.ErrUnavailable) || time.Since(began) > 5*time.Second {
			t.Errorf("%s: %v after %v, want ErrUnavailable long before SQLite's ten seconds", what, err, time.Since(began))
		}
	}

	in.Close()
	if err := holder.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), kept.ID); err != nil {
		t.Errorf("Get when the locks are free again: %v", err)
	}
}
