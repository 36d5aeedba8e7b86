package redis

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"go.uber.org/zap"
)

func TestChildKeepsDataFromOneOpenToTheNext(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: dataDir(t), Embedded: EmbeddedServer}
	c, _ := open(t, cfg)
	set(t, c, "k", "v")
	pid := serverPid(t, c)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if alive(pid) {
		t.Fatalf("redis-server %d lives after Close", pid)
	}
	for _, name := range []string{"owner", "redis.sock"} {
		if _, err := os.Lstat(filepath.Join(cfg.DataDir, "redis", name)); !os.IsNotExist(err) {
			t.Errorf("%s is left behind: %v", name, err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatalf("a second Close: %v", err)
	}

	c, _ = open(t, cfg)
	if got := get(t, c, "k"); got != "v" {
		t.Fatalf("k = %q in the next life", got)
	}
	if d, want := c.Describe(), "(embedded, "+filepath.Join(cfg.DataDir, "redis")+")"; !strings.HasPrefix(d, "redis ") || !strings.HasSuffix(d, want) {
		t.Errorf("Describe = %q", d)
	}
	if !c.Tracking() {
		t.Error("no client-side caching on the child")
	}
}

func TestChildIsPrivateAndSafe(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: dataDir(t), Embedded: EmbeddedServer}
	c, _ := open(t, cfg)
	info, err := os.Stat(filepath.Join(cfg.DataDir, "redis", "redis.sock"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	info, err = os.Stat(filepath.Join(cfg.DataDir, "redis"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its folder: %v, %v", info, err)
	}
	conf, err := c.Client().Do(t.Context(), c.Client().B().ConfigGet().
		Parameter("port", "maxmemory-policy", "appendonly", "appendfsync", "aof-load-truncated").Build()).AsStrMap()
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range map[string]string{
		"port": "0", "maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "everysec", "aof-load-truncated": "yes",
	} {
		if conf[k] != want {
			t.Errorf("%s = %q, want %q", k, conf[k], want)
		}
	}
	if w := c.Warnings(t.Context()); len(w) != 0 {
		t.Errorf("warnings about our own server: %q", w)
	}
}

func TestKilledChildIsStartedAgainWithItsData(t *testing.T) {
	t.Parallel()
	c, logs := open(t, Config{DataDir: dataDir(t), Embedded: EmbeddedServer})
	set(t, c, "k", "v")
	for range 3 {
		pid := serverPid(t, c)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the client resumes on another server", func() bool {
			info := map[string]string{}
			readInfo(t.Context(), c.Client(), "server", info)
			return info["process_id"] != "" && info["process_id"] != strconv.Itoa(pid)
		})
		if got := get(t, c, "k"); got != "v" {
			t.Fatalf("k = %q after kill -9", got)
		}
	}
	if n := logs.FilterMessageSnippet("the embedded redis ended").Len(); n != 3 {
		t.Errorf("%d lines about 3 ends", n)
	}
	if n := logs.FilterMessage("the embedded redis runs").Len(); n != 3 {
		t.Errorf("%d lines about 3 starts", n)
	}
}

func TestChildDiesWithItsParent(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	parent := startHelper(t, dir, EmbeddedServer)
	o, err := readOwner(filepath.Join(dir, "redis"))
	if err != nil || o.pid != parent.Process.Pid {
		t.Fatalf("owner = %+v, %v, want process %d", o, err, parent.Process.Pid)
	}
	if probe(o.socket) != serving {
		t.Fatal("the child does not answer")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the child is gone", func() bool { return probe(o.socket) == absent })
	c, _ := open(t, Config{DataDir: dir, Embedded: EmbeddedServer})
	set(t, c, "k", "v")
}

func TestAnotherProcessSharesTheServerAndTakesOver(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	first := startHelper(t, dir, EmbeddedServer)
	c, logs := open(t, Config{DataDir: dir, Embedded: EmbeddedServer})
	if logs.FilterMessage("using the embedded redis of another process").Len() != 1 {
		t.Fatal("the second process does not use the first's server")
	}
	set(t, c, "k", "v")
	pid := serverPid(t, c)
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	eventually(t, "the second process took over", func() bool {
		return logs.FilterMessage("the embedded redis runs").Len() == 1
	})
	if got := get(t, c, "k"); got != "v" {
		t.Fatalf("k = %q after the take-over", got)
	}
	t.Logf("took over in %s", time.Since(began))
	if now := serverPid(t, c); now == pid {
		t.Fatalf("process %d still serves", pid)
	}
	// And a third finds the second's.
	startHelper(t, dir, EmbeddedServer)
}

func TestManyProcessesShareOneServer(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: dataDir(t), Embedded: EmbeddedServer}
	conns := make([]*Conn, 4)
	var wg sync.WaitGroup
	for i := range conns {
		wg.Go(func() {
			var err error
			if conns[i], err = Open(t.Context(), cfg, zap.NewNop()); err != nil {
				t.Errorf("Open %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	set(t, conns[0], "k", "v")
	// Whoever closes, the rest goes on.
	for i, c := range conns {
		eventually(t, "the next one has a server", func() bool { return c.Ping(t.Context()) == nil })
		if got := get(t, c, "k"); got != "v" {
			t.Fatalf("k = %q on %d", got, i)
		}
		if err := c.Close(); err != nil {
			t.Fatalf("Close %d: %v", i, err)
		}
	}
}

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

func TestClientSideCacheOnTheChildIsInvalidated(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: dataDir(t), Embedded: EmbeddedServer}
	reader, _ := open(t, cfg)
	writer, _ := open(t, cfg)
	read := func() rueidis.RedisResult {
		return reader.Client().DoCache(t.Context(), reader.Client().B().Get().Key("k").Cache(), time.Minute)
	}
	set(t, writer, "k", "old")
	eventually(t, "the read comes from the cache", func() bool { return read().IsCacheHit() })
	set(t, writer, "k", "new")
	eventually(t, "the foreign write is seen", func() bool {
		v, err := read().ToString()
		return err == nil && v == "new"
	})
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

func TestOpenEmbeddedEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := dataDir(t)
	if c, err := Open(ctx, Config{DataDir: dir, Embedded: EmbeddedServer}, zap.NewNop()); err == nil {
		_ = c.Close()
		t.Fatal("opened")
	}
	open(t, Config{DataDir: dir, Embedded: EmbeddedServer})
}
