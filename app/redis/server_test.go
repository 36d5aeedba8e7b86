package redis

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
)

func TestCutLogIsReadUpToTheCut(t *testing.T) {
	t.Parallel()
	cfg, file := withLog(t)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, info.Size()-3); err != nil {
		t.Fatal(err)
	}
	c, _ := open(t, cfg)
	if a, b := get(t, c, "a"), get(t, c, "b"); a != "1" || b != "" {
		t.Fatalf("a = %q, b = %q; want the last write gone and the one before kept", a, b)
	}
}

func TestBrokenLogIsMovedAsideAndTheServerStarts(t *testing.T) {
	t.Parallel()
	cfg, file := withLog(t)
	log, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append([]byte("garbage\r\n"), log...), 0o600); err != nil {
		t.Fatal(err)
	}
	c, logs := open(t, cfg)
	if got := get(t, c, "a"); got != "" {
		t.Fatalf("a = %q", got)
	}
	set(t, c, "k", "v")
	moved, err := filepath.Glob(filepath.Join(cfg.DataDir, "redis", "appendonly*.broken-*"))
	if err != nil || len(moved) != 1 {
		t.Fatalf("moved aside: %q, %v", moved, err)
	}
	if logs.FilterLevelExact(zap.ErrorLevel).Len() != 1 {
		t.Error("the loss was not logged as an error")
	}
}

// withLog leaves behind a data directory with a = 1 and then b = 2 in its log,
// and returns the log's file.
func withLog(t *testing.T) (Config, string) {
	t.Helper()
	cfg := Config{DataDir: dataDir(t), Embedded: EmbeddedServer}
	c, _ := open(t, cfg)
	set(t, c, "a", "1")
	set(t, c, "b", "2")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(cfg.DataDir, "redis", "appendonlydir", "*.incr.aof"))
	if err != nil || len(files) != 1 {
		t.Fatalf("log files: %q, %v", files, err)
	}
	return cfg, files[0]
}

func TestServerProgramMissing(t *testing.T) {
	t.Setenv("PATH", dataDir(t)) // so this test is not parallel
	err := openFails(t, Config{DataDir: dataDir(t), Embedded: EmbeddedServer}, 5*time.Second)
	for _, want := range []string{"redis-server", "valkey-server", "REDIS_URL"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
	c, _ := open(t, Config{DataDir: dataDir(t)})
	if !strings.HasPrefix(c.Describe(), "in-process") {
		t.Errorf("Describe = %q", c.Describe())
	}
	set(t, c, "k", "v")
}

func TestServerThatCannotStart(t *testing.T) {
	bin := dataDir(t)
	script := "#!/bin/sh\necho 'no luck today'\nexit 3\n"
	if err := os.WriteFile(filepath.Join(bin, "redis-server"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	dir := dataDir(t)
	err := openFails(t, Config{DataDir: dir}, 5*time.Second)
	for _, want := range []string{"exit status 3", "no luck today"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	// The directory is free again.
	c, _ := open(t, Config{DataDir: dir, Embedded: EmbeddedProcess})
	set(t, c, "k", "v")
}

func TestLeftOverServerIsEndedFirst(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	place := filepath.Join(dir, "redis")
	if err := os.MkdirAll(place, 0o700); err != nil {
		t.Fatal(err)
	}
	bin, err := findServer()
	if err != nil {
		t.Fatal(err)
	}
	left, err := startServer(t.Context(), bin, place, filepath.Join(place, socketName), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(left.proc.Kill)
	c, _ := open(t, Config{DataDir: dir, Embedded: EmbeddedServer})
	<-left.ended()
	set(t, c, "k", "v")
}
