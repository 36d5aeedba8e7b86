package redistest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"revela/app/redis/internal/child"
)

// Failover is a master with replicas under the eyes of three Sentinels, two of
// whom must agree to make a replica the master.
type Failover struct {
	URL   string // redis-sentinel://…/main
	Nodes []*S   // the first was the master in the beginning

	t     testing.TB
	watch rueidis.Client // of the first Sentinel
}

// Sentinel starts a master, its replicas and three Sentinels, and returns when
// all know one another. args are for the servers, as with Server.
func Sentinel(t testing.TB, replicas int, args ...string) *Failover {
	t.Helper()
	f := &Failover{t: t, Nodes: []*S{Server(t, args...)}}
	master := strings.Replace(f.Nodes[0].Addr, ":", " ", 1)
	for range replicas {
		f.Nodes = append(f.Nodes, Server(t, append([]string{"--replicaof", master}, args...)...))
	}
	for _, r := range f.Nodes[1:] {
		awaitInfo(t, r, "replication", "master_link_status:up")
	}
	var addrs []string
	var watchers []rueidis.Client
	for range 3 {
		addr := sentinel(t, master)
		addrs = append(addrs, addr)
		watchers = append(watchers, (&S{Addr: addr, URL: addr}).Client(t, func(o *rueidis.ClientOption) { o.DisableCache = true }))
	}
	f.URL, f.watch = "redis-sentinel://"+strings.Join(addrs, ",")+"/main", watchers[0]
	for _, w := range watchers {
		await(t, "the Sentinels know the nodes and one another", func() bool {
			m, err := w.Do(t.Context(), w.B().Arbitrary("SENTINEL", "MASTER", "main").Build()).AsStrMap()
			return err == nil && m["num-other-sentinels"] == "2" && m["num-slaves"] == fmt.Sprint(replicas) && m["flags"] == "master"
		})
	}
	return f
}

// Master is the node that the Sentinels name as the master.
func (f *Failover) Master() *S {
	f.t.Helper()
	place, err := f.watch.Do(f.t.Context(), f.watch.B().Arbitrary("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main").Build()).AsStrSlice()
	if err != nil {
		f.t.Fatalf("redistest: ask for the master: %v", err)
	}
	for _, n := range f.Nodes {
		if n.Addr == strings.Join(place, ":") {
			return n
		}
	}
	f.t.Fatalf("redistest: the master %v is none of ours", place)
	return nil
}

// sentinel starts one Sentinel and returns its address once it answers.
func sentinel(t testing.TB, master string) string {
	t.Helper()
	port := FreePort(t)
	dir := t.TempDir()
	conf := filepath.Join(dir, "sentinel.conf") // which it rewrites
	text := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor main %s 2\n"+
		"sentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 6000\n", port, dir, master)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatalf("redistest: %v", err)
	}
	bin, err := findServer()
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	proc, err := child.Start(exec.Command(bin, conf, "--sentinel"))
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	t.Cleanup(proc.Kill)
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	await(t, "a Sentinel answers", func() bool { return answers("tcp", addr) })
	return addr
}

// awaitInfo waits until the section of a server's INFO has the line.
func awaitInfo(t testing.TB, s *S, section, line string) {
	t.Helper()
	c := s.Client(t)
	await(t, s.Addr+" says "+line, func() bool {
		text, err := c.Do(t.Context(), c.B().Info().Section(section).Build()).ToString()
		return err == nil && strings.Contains(text, line+"\r\n")
	})
}

// await polls cond until it holds.
func await(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.NewTimer(readyWithin)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline.C:
			t.Fatalf("redistest: not within %s: %s", readyWithin, what)
		case <-tick.C:
		}
	}
}
