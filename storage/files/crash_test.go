package files_test

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"revela/task"
)

// A process that is killed while it stages leaves nothing visible, and Sweep
// removes the rest.
func TestKilledWhileStaging(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := child(t, "stage", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if kerr := cmd.Process.Kill(); kerr != nil {
		t.Error(kerr)
	}
	_ = cmd.Wait()
	if line != "staged\n" {
		t.Fatalf("the child said %q, %v", line, err)
	}
	if n := len(hidden(t, dir)); n != 3 {
		t.Errorf("the child left %q, want two temporary files and a marker", hidden(t, dir))
	}

	s := open(t, dir)
	if _, err := s.Open(ctx, "storage/images/"+crashed+"/original.jpg"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: %v", err)
	}
	n, err := s.Sweep(ctx, time.Now().Add(time.Hour), func(id task.ID) (bool, error) { return id == crashed, nil })
	if err != nil || n != 2 { // the variant goes with its task
		t.Errorf("Sweep() = %d, %v, want a file and a task", n, err)
	}
	if got := everything(t, dir); len(got) != 0 {
		t.Errorf("left %q", got)
	}
}

// A crash in the middle of Commit leaves the finished file a second name.
func TestSweepTakesTheSecondNameOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	name := "storage/images/" + crashed + "/original.jpg"
	commit(t, s, name, "picture")
	if err := s.Keep(ctx, crashed); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, name), filepath.Join(dir, filepath.Dir(name), ".staged-X")); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Sweep(ctx, time.Now().Add(time.Hour), never(t)); err != nil || n != 1 {
		t.Errorf("Sweep() = %d, %v, want the second name", n, err)
	}
	if got, want := tree(t, dir), []string{name}; !slices.Equal(got, want) {
		t.Errorf("files are %q, want %q", got, want)
	}
	if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != "picture" {
		t.Errorf("the file holds %q, %v", b, err)
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out, err := child(t, "full", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "file too large") || !strings.Contains(lines[1], "file too large") {
		t.Errorf("the child said %q, want an error from Write and from Ping", lines)
	}
	if got := everything(t, dir); len(got) != 0 {
		t.Errorf("left %q", got)
	}
}

// A crash between making a directory and marking it leaves it empty.
func TestSweepRemovesEmptyDirectories(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	for _, name := range []string{"storage/images/" + crashed, "output/" + crashed + "/800"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Sweep(ctx, time.Now().Add(-time.Hour), never(t)); err != nil {
		t.Fatal(err)
	}
	if got := everything(t, dir); len(got) != 3 {
		t.Errorf("after sweeping the old, %q are left, want all three", got)
	}
	if _, err := s.Sweep(ctx, time.Now().Add(time.Hour), never(t)); err != nil {
		t.Fatal(err)
	}
	if got := everything(t, dir); len(got) != 0 {
		t.Errorf("left %q", got)
	}
}

// An upload that is still coming in is young, however long ago it began.
func TestSweepLeavesASlowUpload(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	st, err := s.Stage(ctx, "storage/images/"+crashed)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Discard()
	long := time.Now().Add(-24 * time.Hour)
	for _, name := range hidden(t, dir) {
		if err := os.Chtimes(filepath.Join(dir, name), long, long); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := st.Write([]byte("more")); err != nil {
		t.Fatal(err)
	}
	n, err := s.Sweep(ctx, time.Now().Add(-time.Hour), never(t))
	if err != nil || n != 0 {
		t.Errorf("Sweep() = %d, %v", n, err)
	}
	if err := st.Commit("storage/images/" + crashed + "/original.jpg"); err != nil {
		t.Error(err)
	}
}
