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
	ends := func() int { return logs.FilterMessageSnippet("the embedded redis ended").Len() }
	starts := func() int { return logs.FilterMessage("the embedded redis runs").Len() }
	for n := 1; n <= 3; n++ {
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
		// A client may be back before the probe that completes the start. Killed in
		// between, the server would be one that could not start, not one that ended.
		eventually(t, "the start was logged", func() bool { return starts() == n })
		if got := ends(); got != n {
			t.Fatalf("%d lines about %d ends", got, n)
		}
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
