package remote

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"revela/task"
)

func importing(t *testing.T, dir string) *Fetcher {
	t.Helper()
	f, err := New(Config{MaxBytes: limit, ImportDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func path(name string) task.Source { return task.Source{Kind: task.Path, Name: name} }

func write(t *testing.T, content string, elem ...string) string {
	t.Helper()
	name := filepath.Join(elem...)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestFetchPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := importing(t, dir)
	full := write(t, "picture", dir, "a", "b.jpg")
	write(t, strings.Repeat("x", limit), dir, "largest")
	write(t, "", dir, "empty")
	if err := os.Symlink("a/b.jpg", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a/b.jpg": "picture", "./a/b.jpg": "picture", "a/../a/b.jpg": "picture", "link": "picture", full: "picture",
		"empty": "", "largest": strings.Repeat("x", limit),
	} {
		if err := f.Check(path(name)); err != nil {
			t.Errorf("Check(%q): %v", name, err)
		}
		if got, err := read(f, path(name)); err != nil || got != want {
			t.Errorf("%q: %d bytes, %v", name, len(got), err)
		}
	}
	write(t, strings.Repeat("x", limit+1), dir, "larger")
	_, err := f.Fetch(ctx, path("larger"))
	wantTooLarge(t, err)
}

// A file may grow after its size was looked at.
func TestGrowingFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := importing(t, dir)
	name := write(t, "small", dir, "growing")
	rc, err := f.Fetch(ctx, path("growing"))
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	if err := os.WriteFile(name, make([]byte, 10*limit), 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := rc.Read(make([]byte, 20*limit))
	wantTooLarge(t, err)
	if n != limit {
		t.Errorf("read %d bytes, want %d", n, limit)
	}
	_, err = rc.Read(make([]byte, 1))
	wantTooLarge(t, err)
}

func TestRefusedPaths(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	secret := write(t, "secret", outside, "secret")
	dir := filepath.Join(outside, "import")
	write(t, "picture", dir, "real.jpg")
	f := importing(t, dir)
	for link, target := range map[string]string{
		"abs": secret, "up": "../secret", "dir": outside, "updir": "..", "loop": "loop", "proc": "/proc/self/environ", "gone": "nowhere",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, pipe := range []string{"pipe"} {
		if err := syscall.Mkfifo(filepath.Join(dir, pipe), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	begin := time.Now()
	answers := map[string]bool{}
	for _, name := range []string{
		"", ".", "..", "/", "missing", "../secret", "../import/real.jpg", "a/../../secret", secret, dir, "/etc/passwd",
		"/proc/self/environ", "/dev/zero", "abs", "up", "dir/secret", "updir/secret", "loop", "proc", "gone", "pipe",
		"real.jpg/", "real.jpg/x", "real.jpg\x00.png", `..\secret`, "file:///etc/passwd", strings.Repeat("a/", 5000) + "x",
	} {
		got, err := read(f, path(name))
		if !errors.Is(err, task.ErrSourceRefused) {
			t.Errorf("%.40q: %q, %v", name, got, err)
			continue
		}
		answers[err.Error()] = true
	}
	if len(answers) != 1 {
		t.Errorf("%d distinct answers: %v", len(answers), answers)
	}
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

func TestNoImportDir(t *testing.T) {
	t.Parallel()
	f := importing(t, "")
	name := write(t, "x", t.TempDir(), "x")
	for _, name := range []string{"x", name, "/etc/passwd", "."} {
		if err := f.Check(path(name)); !errors.Is(err, task.ErrSourceRefused) {
			t.Errorf("Check(%q): %v", name, err)
		}
		if _, err := f.Fetch(ctx, path(name)); !errors.Is(err, task.ErrSourceRefused) {
			t.Errorf("Fetch(%q): %v", name, err)
		}
	}
}

// Somebody exchanges a file for a link to the outside, and for a pipe, while it
// is read.
func TestSwappedFiles(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	secret := write(t, "secret", outside, "secret")
	dir := filepath.Join(outside, "import")
	write(t, "picture", dir, "a", "real")
	f := importing(t, dir)
	if err := os.Symlink(secret, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		target := filepath.Join(dir, "swapped")
		for {
			for _, source := range []string{"a/real", "link", "pipe"} {
				select {
				case <-stop:
					return
				default:
				}
				// A hard link to each in turn, renamed over the name that is read.
				beside := target + ".new"
				_ = os.Link(filepath.Join(dir, source), beside)
				_ = os.Rename(beside, target)
				_ = os.Remove(beside)
			}
		}
	}()
	read := map[string]int{}
	deadline := time.Now().Add(20 * time.Second)
	for (read["picture"] < 500 || read["refused"] < 500) && time.Now().Before(deadline) {
		got, err := fetchPath(f, "swapped")
		if err != nil {
			got = "refused"
		}
		read[got]++
	}
	close(stop)
	<-stopped
	if read["secret"] != 0 {
		t.Errorf("the secret was read: %v", read)
	}
	if read["picture"] < 500 || read["refused"] < 500 {
		t.Errorf("the race did not happen: %v", read)
	}
}

func fetchPath(f *Fetcher, name string) (string, error) { return read(f, path(name)) }
