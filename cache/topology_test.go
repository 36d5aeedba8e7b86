package cache_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"revela/app/redis/redistest"
	"revela/cache"
	"revela/task"
)

// dialURL makes clients of what redistest started.
func dialURL(t *testing.T, url string) dialer {
	t.Helper()
	scheme, rest, _ := strings.Cut(url, "://")
	hosts, master, _ := strings.Cut(rest, "/")
	return func(t *testing.T, options ...option) client {
		t.Helper()
		o := rueidis.ClientOption{InitAddress: strings.Split(hosts, ","), ConnWriteTimeout: 2 * time.Second}
		if scheme == "redis-sentinel" {
			o.Sentinel = rueidis.SentinelOption{MasterSet: master, TopologyRefreshInterval: time.Second}
		}
		for _, set := range options {
			set(&o)
		}
		c, err := rueidis.NewClient(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
}

// calls adds up what servers have been asked since they started, by command,
// without what a client does to stay connected.
func calls(t *testing.T, servers ...*redistest.S) map[string]int64 {
	t.Helper()
	sums := make(map[string]int64)
	for _, s := range servers {
		c := s.Client(t)
		info, err := c.Do(t.Context(), c.B().Info().Section("commandstats").Build()).ToString()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(info) {
			var n int64
			name, rest, ok := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":")
			if _, err := fmt.Sscanf(rest, "calls=%d,", &n); !ok || err != nil {
				continue
			}
			switch name, _, _ := strings.Cut(name, "|"); name {
			case "info", "ping", "hello", "client", "cluster", "replconf", "psync", "publish", "subscribe":
			default:
				sums[name] += n
			}
		}
	}
	return sums
}

// since returns what has grown from before to after.
func since(before, after map[string]int64) map[string]int64 {
	grown := make(map[string]int64)
	for name, n := range after {
		if n != before[name] {
			grown[name] = n - before[name]
		}
	}
	return grown
}

// warm reads in all ways until all are answered by copies in the process.
func warm(t *testing.T, c *cache.Cache, id task.ID) {
	t.Helper()
	eventually(t, "copies in the process", func() bool {
		before := c.Stats().LocalHits
		for what := range 3 {
			look(t, c, id, what)
		}
		return c.Stats().LocalHits == before+3
	})
}

// TestHotReadsAskNobody counts at the servers: with copies, no command arrives.
func TestHotReadsAskNobody(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) (string, []*redistest.S){
		"single": func(t *testing.T) (string, []*redistest.S) {
			s := redistest.Server(t)
			return strings.TrimSuffix(s.URL, "/0"), []*redistest.S{s}
		},
		"cluster": func(t *testing.T) (string, []*redistest.S) {
			n := redistest.Cluster(t, 3, 0)
			return n.URL, n.Masters
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, servers := start(t)
			r := newRepo()
			var ids []task.ID
			for range 10 { // as many as a page has
				x := sample()
				r.put(x)
				ids = append(ids, x.ID)
			}
			c := newCache(t, dialURL(t, url), r, cache.Config{Budget: 10 * time.Second, LocalTTL: time.Minute})
			for _, id := range ids {
				warm(t, c, id)
			}
			before, reads := calls(t, servers...), r.reads.Load()
			for range 50 {
				for _, id := range ids {
					get(t, c, id)
				}
				list(t, c)
				count(t, c)
			}
			if grown := since(before, calls(t, servers...)); len(grown) != 0 || r.reads.Load() != reads {
				t.Errorf("600 hot reads sent %v, and read the repository %d times", grown, r.reads.Load()-reads)
			}
		})
	}
}

// TestCluster: entries and the generation lie on different servers; no order is
// lost between them, one server's end is survived, and its return mended.
func TestCluster(t *testing.T) {
	t.Parallel()
	nodes := redistest.Cluster(t, 3, 0)
	dial := dialURL(t, nodes.URL)
	x := sample()
	for nodes.Of(t, "task:"+string(x.ID)) == nodes.Of(t, "tasks:generation") {
		x.ID = task.NewID()
	}
	r := newRepo(x)
	reader, writer := newCache(t, dial, r, patient), newCache(t, dial, r, patient)
	third := newCache(t, dial.strict(), r, patient)
	for i := range 300 {
		what := i % 2
		r.bump(x.ID)
		writer.Invalidate(t.Context(), x.ID)
		g := r.hold()
		done := make(chan struct{})
		go func() {
			defer close(done)
			lookUntil(t, reader, x.ID, what, g.entered)
		}()
		<-g.entered
		want := r.bump(x.ID)
		writer.Invalidate(t.Context(), x.ID)
		close(g.release)
		<-done
		for who, c := range map[string]*cache.Cache{"the writer": writer, "a process that keeps no copy": third} {
			if got := look(t, c, x.ID, what); got < want {
				t.Fatalf("round %d: %s sees version %d, want %d", i, who, got, want)
			}
		}
		if what == 0 {
			eventually(t, "the reader to see the change", func() bool { return look(t, reader, x.ID, what) == want })
		}
	}

	// Many readers of a cold key, in two processes.
	y := sample()
	r.put(y)
	before := r.reads.Load()
	var readers sync.WaitGroup
	for i := range 400 {
		readers.Go(func() { look(t, []*cache.Cache{reader, writer}[i%2], y.ID, 0) })
	}
	readers.Wait()
	if n := r.reads.Load() - before; n < 1 || n > 2 {
		t.Errorf("%d reads of the repository for 400 misses in two processes", n)
	}

	// The master of the generation dies, with all that it had.
	mine := newCache(t, dial, r, cache.Config{})
	other := newCache(t, dial, r, cache.Config{})
	warm(t, mine, x.ID)
	warm(t, other, x.ID)
	dead := nodes.Masters[nodes.Of(t, "tasks:generation")]
	dead.Kill()
	want := r.bump(x.ID)
	quick(t, "Invalidate", func() { mine.Invalidate(t.Context(), x.ID) })
	survives(t, mine, x.ID, want)
	alive := nodes.Masters[nodes.Of(t, "task:"+string(x.ID))].Client(t, func(o *rueidis.ClientOption) { o.DisableRetry = true })
	within(t, 30*time.Second, "the others to refuse as well", func() bool {
		err := alive.Do(t.Context(), alive.B().Get().Key("task:"+string(x.ID)).Build()).Error()
		return err != nil && strings.HasPrefix(err.Error(), "CLUSTERDOWN")
	})
	survives(t, mine, x.ID, want)
	dead.Restart()
	mends(t, r, mine, other, x.ID)
}

// TestSentinel: the master dies, a replica takes its place, and caching goes on
// there, with what could not be made known meanwhile.
func TestSentinel(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(s *redistest.S) (undo func()){
		"dies":  func(s *redistest.S) func() { s.Kill(); return func() {} },
		"hangs": func(s *redistest.S) func() { s.Freeze(); return s.Thaw },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nodes := redistest.Sentinel(t, 1)
			dial := dialURL(t, nodes.URL)
			x := sample()
			r := newRepo(x)
			mine, other := newCache(t, dial, r, cache.Config{}), newCache(t, dial, r, cache.Config{})
			warm(t, mine, x.ID)
			warm(t, other, x.ID)

			old := nodes.Master()
			undo := end(old)
			want := r.bump(x.ID)
			quick(t, "Invalidate", func() { mine.Invalidate(t.Context(), x.ID) })
			survives(t, mine, x.ID, want)
			eventually(t, "another master", func() bool { return nodes.Master() != old })
			mends(t, r, mine, other, x.ID)
			undo() // and comes back as a replica, which changes nothing
			mends(t, r, mine, other, x.ID)
		})
	}
}

// TestFrozenNode: one node of a cluster hangs, be it a task's or the generation's. The
// others answer, which is no reason to go on waiting for it.
func TestFrozenNode(t *testing.T) {
	t.Parallel()
	nodes := redistest.Cluster(t, 3, 0, "--cluster-node-timeout", "60000")
	r := newRepo()
	for what, key := range map[int]string{0: "task:", 1: "tasks:generation"} {
		x := sample()
		if what == 0 { // on another node than the generation
			for nodes.Of(t, key+string(x.ID)) == nodes.Of(t, "tasks:generation") {
				x = sample()
			}
			key += string(x.ID)
		}
		r.put(x)
		heard := &changes{}
		c := newCache(t, dialURL(t, nodes.URL), r, cache.Config{OnChange: heard.add})
		look(t, c, x.ID, what)
		node := nodes.Masters[nodes.Of(t, key)]
		node.Freeze()
		late := 0
		for range 200 {
			start := time.Now()
			look(t, c, x.ID, what)
			if time.Since(start) > 50*time.Millisecond {
				late++
			}
		}
		if down, _ := heard.counts(); late > 20 || down == 0 {
			t.Errorf("%s: %d of 200 reads waited; heard %d times that Redis is away", key, late, down)
		}
		node.Thaw()
	}
}

// survives reads through a cache whose Redis is in trouble: nothing fails, waits
// long or shows what was before the change to version want.
func survives(t *testing.T, c *cache.Cache, id task.ID, want int64) {
	t.Helper()
	late := 0
	for i := range 60 {
		what := i % 3
		start := time.Now()
		if v := look(t, c, id, what); what != 2 && v < want {
			t.Errorf("way %d: version %d, want %d", what, v, want)
		}
		took := time.Since(start)
		if took > 100*time.Millisecond+slack {
			t.Errorf("a read took %v", took)
		}
		if took > 20*time.Millisecond {
			late++
		}
	}
	if late > 20 {
		t.Errorf("%d of 60 reads waited for Redis", late)
	}
}

// mends waits until a change by one process gets through to the other, and both
// are served by copies again.
func mends(t *testing.T, r *repo, mine, other *cache.Cache, id task.ID) {
	t.Helper()
	within(t, 30*time.Second, "the debt to be paid", func() bool { return mine.Stats().Owed == 0 })
	want := r.bump(id)
	mine.Invalidate(context.WithoutCancel(t.Context()), id)
	for what := range 2 {
		if v := look(t, mine, id, what); v < want {
			t.Errorf("way %d: version %d, want %d", what, v, want)
		}
		within(t, 30*time.Second, "the other to see the change", func() bool { return look(t, other, id, what) == want })
	}
	for _, c := range []*cache.Cache{mine, other} {
		within(t, 30*time.Second, "hits again", func() bool {
			before := c.Stats().LocalHits
			look(t, c, id, 0)
			look(t, c, id, 1)
			return c.Stats().LocalHits == before+2
		})
	}
}
