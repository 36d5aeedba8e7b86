package files_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"revela/storage/files"
	"revela/task"
	"revela/task/tasktest"
)

var ctx = context.Background()

const crashed = "0123456789abcdef01234567"

func TestFiles(t *testing.T) {
	t.Parallel()
	tasktest.Files(t, func(t *testing.T) task.Files { return open(t, t.TempDir()) })
}

func open(t *testing.T, dir string) *files.Store {
	t.Helper()
	s, err := files.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", file, file + "/below"} {
		if s, err := files.Open(dir); err == nil {
			t.Errorf("Open(%q): no error", dir)
			s.Close()
		}
	}
}

// The places and names are part of the contract with the operator.
func TestLayout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	commit(t, s, "storage/images/"+crashed+"/original.png", "o")
	commit(t, s, "output/"+crashed+"/800/abc.png", "v")
	if err := s.Keep(ctx, crashed); err != nil {
		t.Fatal(err)
	}
	want := []string{"output/" + crashed + "/800/abc.png", "storage/images/" + crashed + "/original.png"}
	if got := tree(t, dir); !slices.Equal(got, want) {
		t.Errorf("files are %q, want %q", got, want)
	}
	info, err := os.Stat(filepath.Join(dir, "output", crashed))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o027 != 0 {
		t.Errorf("directory mode %v lets strangers in", info.Mode())
	}
}

func TestDiscardRemovesDirectories(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	for _, name := range []string{"storage/images/" + crashed, "output/" + crashed + "/800"} {
		st, err := s.Stage(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Discard(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "output", crashed)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory above is still there: %v", err)
	}
}

// A failed Commit has done its Discard.
func TestFailedCommitLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	if err := os.MkdirAll(filepath.Join(dir, "output", crashed, "800", "taken", "x"), 0o750); err != nil {
		t.Fatal(err)
	}
	st, err := s.Stage(ctx, "output/"+crashed+"/800")
	if err != nil {
		t.Fatal(err)
	}
	// It says ErrExist of finished files only.
	if err := st.Commit("output/" + crashed + "/800/taken"); err == nil || errors.Is(err, fs.ErrExist) {
		t.Errorf("Commit over a directory: %v", err)
	}
	commit(t, s, "output/"+crashed+"/900", "a file")
	if st, err = s.Stage(ctx, "output/"+crashed); err != nil {
		t.Fatal(err)
	}
	if err := st.Commit("output/" + crashed + "/900/x"); err == nil || errors.Is(err, fs.ErrExist) {
		t.Errorf("Commit below a file: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "output", crashed, "900")); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, dir); len(got) != 0 {
		t.Errorf("left %q", got)
	}
}

// The place is known late where it has a checksum in it.
func TestCommitIntoAnotherDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	st, err := s.Stage(ctx, "output/"+crashed)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Commit("output/" + crashed + "/800/x.png"); err != nil {
		t.Error(err)
	}
	if st, err = s.Stage(ctx, "output/"+crashed); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveTask(ctx, crashed); err != nil {
		t.Fatal(err)
	}
	if err := st.Commit("output/" + crashed + "/1024/x.png"); err == nil {
		t.Error("Commit of a removed file: no error")
	}
	if got := everything(t, dir); len(got) != 0 {
		t.Errorf("left %q", got)
	}
}

func TestFailedStageLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "output", crashed), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"output/" + crashed, "output/" + crashed + "/800"} {
		if _, err := s.Stage(ctx, name); err == nil {
			t.Errorf("Stage(%q): no error", name)
		}
	}
	if got, want := tree(t, dir), []string{"output/" + crashed}; !slices.Equal(got, want) {
		t.Errorf("files are %q, want %q", got, want)
	}
}

// Links, pipes and other guests in the directory lead nowhere.
func TestPlantedFiles(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := open(t, dir)
	in := func(name string) string { return filepath.Join(dir, "output", name) }
	for link, target := range map[string]string{
		"file": secret, "dir": outside, "up": "../..", "proc": "/proc/self/environ", "gone": "nowhere", "self": "self",
	} {
		if err := os.Symlink(target, in(link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(in("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file", "dir/secret", "up/x", "proc", "gone", "self", "pipe", "dir"} {
		if f, err := s.Open(ctx, "output/"+name); err == nil {
			t.Errorf("Open(%q): no error", name)
			f.Close()
		}
	}
	for _, name := range []string{"dir", "dir/below", "file", "up", "gone", "self", "pipe"} {
		if st, err := s.Stage(ctx, "output/"+name); err == nil {
			t.Errorf("Stage(%q): no error", name)
			st.Discard()
		}
	}
	st, err := s.Stage(ctx, "output/real")
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Commit("output/dir/stolen"); err == nil {
		t.Error("Commit through a link: no error")
	}
	for _, name := range []string{"file", "gone", "pipe"} {
		if st, err = s.Stage(ctx, "output/real"); err != nil {
			t.Fatal(err)
		}
		if err := st.Commit("output/" + name); err == nil || errors.Is(err, fs.ErrExist) {
			t.Errorf("Commit over %s: %v", name, err)
		}
	}
	if err := os.Symlink(outside, in(crashed)); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveTask(ctx, crashed); err != nil {
		t.Errorf("RemoveTask of a link: %v", err)
	}
	if _, err := s.Sweep(ctx, time.Now().Add(time.Hour), never(t)); err != nil {
		t.Errorf("Sweep past links: %v", err)
	}
	for _, link := range []string{"file", "dir", "up", "proc", "gone", "self", "pipe"} {
		if _, err := os.Lstat(in(link)); err != nil {
			t.Errorf("a guest was removed: %v", err)
		}
	}
	if got := tree(t, outside); !slices.Equal(got, []string{"secret"}) {
		t.Errorf("outside holds %q", got)
	}
}

func BenchmarkCommit(b *testing.B) {
	s, err := files.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	data := make([]byte, 200_000)
	for b.Loop() {
		id := string(task.NewID())
		st, err := s.Stage(ctx, "output/"+id+"/800")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := st.Write(data); err != nil {
			b.Fatal(err)
		}
		if err := st.Commit("output/" + id + "/800/x.jpg"); err != nil {
			b.Fatal(err)
		}
	}
}

func commit(t *testing.T, s *files.Store, name, content string) {
	t.Helper()
	st, err := s.Stage(ctx, filepath.Dir(name))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Discard()
	if _, err := st.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := st.Commit(name); err != nil {
		t.Fatal(err)
	}
}

func never(t *testing.T) func(task.ID) (bool, error) {
	return func(id task.ID) (bool, error) {
		t.Errorf("Sweep asked for %s", id)
		return false, nil
	}
}

func child(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), helper+"="+role, "REVELA_FILES_DIR="+dir)
	return cmd
}

// tree lists the files below dir, everything the directories too, hidden only
// the hidden files.
func tree(t *testing.T, dir string) []string { return list(t, dir, false) }

func hidden(t *testing.T, dir string) []string {
	return slices.DeleteFunc(list(t, dir, false), func(s string) bool {
		return !strings.HasPrefix(filepath.Base(s), ".")
	})
}

func everything(t *testing.T, dir string) []string {
	return slices.DeleteFunc(list(t, dir, true), func(s string) bool {
		return s == "storage" || s == "storage/images" || s == "output"
	})
}

func list(t *testing.T, dir string, dirs bool) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && name != dir && (dirs || !d.IsDir()) {
			names = append(names, name[len(dir)+1:])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
