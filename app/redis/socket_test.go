package redis

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLongDataDir(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(dataDir(t), strings.Repeat("a long name ", 8), strings.Repeat("b", 60))
	cfg := Config{DataDir: dir, Embedded: EmbeddedServer}
	c, _ := open(t, cfg)
	set(t, c, "k", "v")
	second, _ := open(t, cfg)
	if got := get(t, second, "k"); got != "v" {
		t.Fatalf("k = %q by way of the second", got)
	}
	o, err := readOwner(c.embedded.dir)
	if err != nil {
		t.Fatal(err)
	}
	private := filepath.Dir(o.socket)
	if info, err := os.Stat(private); err != nil || info.Mode().Perm() != 0o700 || len(o.socket) > maxSocketPath {
		t.Fatalf("%s: %v, %v", o.socket, info, err)
	}
	_ = second.Close()
	_ = c.Close()
	if _, err := os.Stat(private); !os.IsNotExist(err) {
		t.Errorf("%s is left behind", private)
	}
}

func TestPrivateDirRefusesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	ours := filepath.Join(dir, "ours")
	for range 2 { // made, then found
		if err := privateDir(ours); err != nil {
			t.Fatal(err)
		}
	}
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(ours, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{open, link} {
		if err := privateDir(path); err == nil {
			t.Errorf("%s was taken", path)
		}
	}
}
