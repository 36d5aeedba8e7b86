package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"revela/storage/sqlite"
	"revela/task"
)

// The test binary is its own second process: with these it is a worker.
const (
	workerFile = "REVELA_TEST_SQLITE_FILE"
	workerDoes = "REVELA_TEST_SQLITE_DOES"
)

// counted is how often each process counts in TestProcesses.
const counted = 50

// worker works on the file at path and prints a line for what it has stored.
func worker(path, does string) {
	ctx := context.Background()
	var s *sqlite.Store
	var err error
	if does == "lock" {
		err = lock(path)
	} else if s, err = sqlite.Open(ctx, path); err == nil {
		switch word, rest, _ := strings.Cut(does, " "); word {
		case "count":
			err = count(ctx, s, task.ID(rest))
		case "create":
			err = create(ctx, s)
		}
		err = errors.Join(err, s.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// count adds to the task's attempts, and again after a conflict.
func count(ctx context.Context, s *sqlite.Store, id task.ID) error {
	for n := 0; n < counted; {
		t, err := s.Get(ctx, id)
		if err != nil {
			return err
		}
		t.Attempts++
		_, err = s.Update(ctx, t)
		switch {
		case err == nil:
			n++
		case !errors.Is(err, task.ErrConflict):
			return err
		}
	}
	return nil
}

// create stores tasks, each with its number as its key, until it is killed.
func create(ctx context.Context, s *sqlite.Store) error {
	for n := 0; ; n++ {
		now := task.Millis(time.Now())
		t, err := s.Create(ctx, task.Task{
			ID: task.NewID(), Status: task.Pending, IdempotencyKey: fmt.Sprint(n), CreatedAt: now, UpdatedAt: now,
		})
		if err != nil {
			return err
		}
		fmt.Println(t.ID)
	}
}

// start runs a worker, which ends with the test at the latest.
func start(t *testing.T, path, does string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), workerFile+"="+path, workerDoes+"="+does)
	cmd.Stderr = os.Stderr
	return cmd
}

// TestProcesses lets several processes open a new file at the same time and
// count in one of its records.
func TestProcesses(t *testing.T) {
	t.Parallel()
	const processes = 3
	path := newFile(t)
	s := open(t, path)
	now := task.Millis(time.Now())
	tk, err := s.Create(t.Context(), task.Task{ID: task.NewID(), Status: task.Pending, CreatedAt: now, UpdatedAt: now})
	if err != nil {
		t.Fatal(err)
	}
	workers := make([]*exec.Cmd, processes)
	for i := range workers {
		workers[i] = start(t, path, "count "+string(tk.ID))
		if err := workers[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range workers {
		if err := w.Wait(); err != nil {
			t.Errorf("a worker: %v", err)
		}
	}
	got, err := s.Get(t.Context(), tk.ID)
	if err != nil {
		t.Fatal(err)
	}
	if want := processes * counted; got.Attempts != want || got.Version != int64(want)+1 {
		t.Errorf("%d processes counted to %d in version %d, want %d", processes, got.Attempts, got.Version, want)
	}
}

// TestKilled kills a process while it stores: what it said it had stored is
// there, and at most the one task besides that it had no time to tell of.
func TestKilled(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	cmd := start(t, path, "create")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var stored []task.ID
	for lines := bufio.NewScanner(out); lines.Scan(); {
		stored = append(stored, task.ID(lines.Text()))
		if len(stored) == 40 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(stored) < 40 {
		t.Fatalf("the worker ended by itself after %d tasks: %v", len(stored), err)
	}

	s := open(t, path)
	for _, id := range stored {
		if _, err := s.Get(t.Context(), id); err != nil {
			t.Errorf("a stored task: %v", err)
		}
	}
	total, err := s.Count(t.Context(), task.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if told := int64(len(stored)); total.N < told || total.N > told+1 {
		t.Errorf("%d tasks are stored, %d were told of", total.N, told)
	}
	if problem := integrity(t, path); problem != "ok" {
		t.Errorf("the file is damaged: %s", problem)
	}
}
