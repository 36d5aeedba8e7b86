package redis

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"revela/app/redis/redistest"
)

func TestOpenByHost(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t, "--requirepass", "hush")
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	p, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	c, logs := open(t, Config{Host: host, Port: p, Password: "hush", DB: 5})
	set(t, c, "k", "v")
	inFive := s.Client(t, func(o *rueidis.ClientOption) { o.Password, o.SelectDB = "hush", 5 })
	if v, err := inFive.Do(t.Context(), inFive.B().Get().Key("k").Build()).ToString(); err != nil || v != "v" {
		t.Fatalf("k in database 5 = %q, %v", v, err)
	}
	list, err := c.Client().Do(t.Context(), c.Client().B().ClientList().Build()).ToString()
	if err != nil || !strings.Contains(list, "name=revela ") {
		t.Fatalf("no client is called revela: %v\n%s", err, list)
	}
	if d := c.Describe(); !strings.HasPrefix(d, "redis ") || !strings.HasSuffix(d, " at "+s.Addr) {
		t.Errorf("Describe = %q", d)
	}
	if !c.Tracking() || c.Cluster() {
		t.Errorf("Tracking = %t, Cluster = %t", c.Tracking(), c.Cluster())
	}
	if n := logs.FilterMessage("connected to redis").FilterField(zap.String("addr", s.Addr)).Len(); n != 1 {
		t.Errorf("%d lines say that we connected, want 1", n)
	}
}

func TestOpenByUnixSocket(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	c, _ := open(t, Config{URL: "unix://" + s.Socket + "?db=3"})
	set(t, c, "k", "v")
	if !strings.HasSuffix(c.Describe(), s.Socket) {
		t.Errorf("Describe = %q", c.Describe())
	}
}

func TestOpenWithoutTheRightToTrackingGoesWithout(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	admin := s.Client(t)
	if err := admin.Do(t.Context(), admin.B().Arbitrary("ACL", "SETUSER", "app", "on", ">hush", "~*", "&*",
		"+@all", "-client|tracking", "-info", "-config").Build()).Error(); err != nil {
		t.Fatal(err)
	}
	c, logs := open(t, Config{URL: "redis://app:hush@" + s.Addr})
	if c.Tracking() {
		t.Fatal("Tracking without the right to it")
	}
	if logs.FilterMessageSnippet("no client-side caching").Len() != 1 {
		t.Error("the fall-back was not logged")
	}
	set(t, c, "k", "v")
	cmd := c.Client().B().Get().Key("k").Cache()
	if v, err := c.Client().DoCache(t.Context(), cmd, time.Minute).ToString(); err != nil || v != "v" {
		t.Fatalf("DoCache = %q, %v", v, err)
	}
	if w := c.Warnings(t.Context()); len(w) != 0 {
		t.Errorf("warnings without the right to INFO: %q", w)
	}
}

func TestOpenRefusedFailsAtOnceWithAHint(t *testing.T) {
	t.Parallel()
	locked := redistest.Server(t, "--requirepass", "hush")
	free := redistest.Server(t)
	for _, tt := range []struct{ name, url, want string }{
		{"wrong password", "redis://:wrong-hush@" + locked.Addr, "check the user and password"},
		{"no password", "redis://" + locked.Addr, "REDIS_PASSWORD"},
		{"database", "redis://" + free.Addr + "/99", "databases"},
		{"cluster", "redis://" + free.Addr + "," + free.Addr, "several addresses"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := openFails(t, Config{URL: tt.url}, 5*time.Second)
			if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("%q does not say %q and where", err, tt.want)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("%q shows a password", err)
			}
		})
	}
}

func TestOpenGivesUpWhereNobodyAnswers(t *testing.T) {
	t.Parallel()
	plain, frozen := redistest.Server(t), redistest.Server(t)
	frozen.Freeze()
	t.Cleanup(frozen.Thaw)
	for name, tt := range map[string]struct{ scheme, addr, hint string }{
		"nobody listens":     {"redis://", fmt.Sprintf("127.0.0.1:%d", redistest.FreePort(t)), "REDIS_URL"},
		"frozen":             {"redis://", frozen.Addr, "REDIS_URL"},
		"does not speak TLS": {"rediss://", plain.Addr, "instead of rediss://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const bound = 700 * time.Millisecond
			err := openFails(t, Config{URL: tt.scheme + tt.addr, ConnectTimeout: bound}, bound+2*time.Second)
			for _, want := range []string{tt.addr, "did not answer for 700ms", tt.hint} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	if c, err := Open(ctx, Config{Host: "127.0.0.1", Port: redistest.FreePort(t)}, zap.NewNop()); err == nil {
		_ = c.Close()
		t.Fatal("opened")
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Fatalf("Open outlived its context by %s", took)
	}
}

func TestOpenWaitsForALateServer(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	s.Kill()
	core, logs := observer.New(zap.WarnLevel)
	opened := make(chan error, 1)
	go func() {
		c, err := Open(t.Context(), Config{URL: s.URL}, zap.New(core))
		if err == nil {
			err = c.Close()
		}
		opened <- err
	}()
	eventually(t, "the first try failed", func() bool { return logs.FilterMessage("cannot connect to redis").Len() > 0 })
	s.Restart()
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
}

func TestClientComesBackAfterARestart(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t, "--appendonly", "yes", "--appendfsync", "always")
	c, logs := open(t, Config{URL: s.URL})
	set(t, c, "k", "v")
	s.Kill()
	eventually(t, "a ping fails", func() bool { return c.Ping(t.Context()) != nil })
	eventually(t, "the third try failed", func() bool {
		_ = c.Ping(t.Context())
		for _, e := range logs.FilterMessage("cannot connect to redis").All() {
			if n := e.ContextMap()["attempt"].(int64); e.ContextMap()["retry_in"] != backoff(int(n)) {
				t.Fatalf("after attempt %d the next was to come in %v", n, e.ContextMap()["retry_in"])
			}
		}
		c.health.mu.Lock()
		defer c.health.mu.Unlock()
		return c.health.nodes[s.Addr].fails >= 3
	})
	s.Restart()
	if got := get(t, c, "k"); got != "v" {
		t.Fatalf("k = %q after the restart", got)
	}
	if logs.FilterMessage("lost the connection to redis").Len() == 0 {
		t.Error("the loss was not logged")
	}
	again := logs.FilterMessage("connected to redis").All()
	if len(again) != 2 || again[1].ContextMap()["failed_attempts"].(int64) < 3 {
		t.Errorf("connected: %v", again)
	}
}

// A server whose machine froze keeps its connections open; only silence tells.
func TestClientNoticesAFrozenServer(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	c, logs := open(t, Config{URL: s.URL})
	set(t, c, "k", "v")
	s.Freeze()
	began := time.Now()
	if err := c.Ping(t.Context()); err == nil {
		t.Fatal("a frozen server answered")
	}
	if took := time.Since(began); took > replyTimeout+3*time.Second {
		t.Errorf("noticed only after %s", took)
	}
	// Its kernel still accepts connections, which must not count as an answer.
	eventually(t, "a new connection failed too", func() bool {
		_ = c.Ping(t.Context())
		for _, e := range logs.FilterMessage("cannot connect to redis").All() {
			if strings.Contains(e.ContextMap()["error"].(string), "no answer to the greeting") {
				return true
			}
		}
		return false
	})
	s.Thaw()
	if got := get(t, c, "k"); got != "v" {
		t.Fatalf("k = %q", got)
	}
}

func TestWarningsNameWhatEndangersTheQueue(t *testing.T) {
	t.Parallel()
	risky := redistest.Server(t, "--maxmemory-policy", "allkeys-lru")
	c, _ := open(t, Config{URL: risky.URL})
	w := strings.Join(c.Warnings(t.Context()), "\n")
	for _, want := range []string{risky.Addr, "allkeys-lru", "CONFIG SET maxmemory-policy noeviction", "CONFIG SET appendonly yes"} {
		if !strings.Contains(w, want) {
			t.Errorf("%q does not say %q", w, want)
		}
	}
	sound := redistest.Server(t, "--appendonly", "yes")
	c, _ = open(t, Config{URL: sound.URL})
	if w := c.Warnings(t.Context()); len(w) != 0 {
		t.Errorf("a sound server is warned of: %q", w)
	}
	replica := redistest.Server(t, "--appendonly", "yes", "--replicaof", strings.Replace(sound.Addr, ":", " ", 1))
	c, _ = open(t, Config{URL: replica.URL})
	if w := c.Warnings(t.Context()); len(w) != 1 || !strings.Contains(w[0], "replica") {
		t.Errorf("a replica is warned of with %q", w)
	}
}
