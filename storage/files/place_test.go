package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// What a file system without hard links is given instead.
func TestRenameReplacesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"first", "second"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.rename("first", "place"); err != nil {
		t.Error(err)
	}
	if err := s.rename("second", "place"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("rename to a file: %v, want fs.ErrExist", err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "place")); err != nil || string(b) != "first" {
		t.Errorf("the place holds %q, %v", b, err)
	}
	if err := s.rename("first", "other"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("rename of nothing: %v, want fs.ErrNotExist", err)
	}
}
