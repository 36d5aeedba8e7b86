package cache_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"revela/app/redis/redistest"
	"revela/cache"
	"revela/task"
)

// slack is what a busy test machine may add to a promised time.
const slack = 400 * time.Millisecond

// away takes Redis away, and brings it back.
type away struct {
	dial       dialer
	gone, back func()
	steady     bool  // its connections outlast it
	takes      int64 // how many invalidations it takes in time, of one
}

// TestRedisAway takes Redis away in several ways, changes a task meanwhile, and
// brings it back: no read fails or waits long, nothing old is read by the writer,
// and the other process sees the change when the invalidation gets through.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]func(t *testing.T) away{
		"killed": func(t *testing.T) away {
			s := ownServer(t)
			return away{dial: s.dial, gone: s.stop, back: func() {
				if err := s.start(); err != nil {
					t.Fatal(err)
				}
			}}
		},
		"hung": func(t *testing.T) away {
			s := ownServer(t)
			return away{dial: s.dial, gone: func() { s.signal(t, syscall.SIGSTOP) }, back: func() { s.signal(t, syscall.SIGCONT) }}
		},
		"slow":            func(t *testing.T) away { return slow(t, 500*time.Millisecond, away{}) },
		"slow and steady": func(t *testing.T) away { return slow(t, 500*time.Millisecond, away{steady: true}) },
		"a little slow":   func(t *testing.T) away { return slow(t, 40*time.Millisecond, away{takes: 1}) }, // of two answers one is in time
		"half-open": func(t *testing.T) away {
			s := redistest.Server(t)
			p := redistest.NewProxy(t, s.Addr)
			return away{dial: dialURL(t, "redis://"+p.Addr), gone: func() {
				p.Target(net.JoinHostPort("127.0.0.1", strconv.Itoa(redistest.FreePort(t)))) // nor is there a way in
				p.Forsake()
			}, back: func() { p.Target(s.Addr) }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			how := how(t)
			dial := how.dial
			x, unread := sample(), sample()
			r := newRepo(x, unread)
			heard := &changes{}
			steady := func(time.Time) bool { return how.steady }
			mine := newCache(t, dial, r, cache.Config{OnChange: heard.add, Steady: steady})
			other := newCache(t, dial, r, cache.Config{Steady: steady})
			for _, c := range []*cache.Cache{mine, other} {
				eventually(t, "copies in both processes", func() bool {
					before := c.Stats().LocalHits
					for what := range 3 {
						look(t, c, x.ID, what)
					}
					return c.Stats().LocalHits == before+3
				})
			}

			how.gone()
			quick(t, "a read of what has no copy here", func() { get(t, other, unread.ID) })
			want := r.bump(x.ID)
			quick(t, "Invalidate", func() { mine.Invalidate(t.Context(), x.ID) })
			for what := range 3 {
				quick(t, "a read by the writer", func() {
					if v := look(t, mine, x.ID, what); v < want && what != 2 {
						t.Errorf("way %d: version %d, want %d", what, v, want)
					}
				})
				quick(t, "a read by the other", func() { look(t, other, x.ID, what) })
			}
			survives(t, mine, x.ID, want) // only a few reads pay for finding out
			if s := mine.Stats(); s.Owed != 1-how.takes || s.Deferred != 1-how.takes || s.Fallbacks < 60 {
				t.Errorf("%+v", s)
			}

			eventually(t, "the outage to be noticed", func() bool {
				down, up := heard.counts()
				return down > up
			})

			how.back()
			eventually(t, "the debt to be paid", func() bool { return mine.Stats().Owed == 0 })
			for what := range 2 {
				if v := look(t, mine, x.ID, what); v < want {
					t.Errorf("way %d: version %d, want %d", what, v, want)
				}
				eventually(t, "the other to see the change", func() bool { return look(t, other, x.ID, what) == want })
			}
			eventually(t, "hits again", func() bool {
				before := mine.Stats().LocalHits
				get(t, mine, x.ID)
				return mine.Stats().LocalHits > before
			})
			if down, up := heard.counts(); down < 1 || up < 1 {
				t.Errorf("heard %d times that Redis is away, %d times that it is back", down, up)
			}
		})
	}
}

func slow(t *testing.T, delay time.Duration, how away) away {
	p := redistest.NewProxy(t, redistest.Server(t).Addr)
	how.dial, how.gone, how.back = dialURL(t, "redis://"+p.Addr), func() { p.Delay(delay) }, func() { p.Delay(0) }
	return how
}

// TestInvalidationRefused lets Redis answer everything but DEL: the change must
// not be hidden by what is still cached, and gets through later.
func TestInvalidationRefused(t *testing.T) {
	t.Parallel()
	s := ownServer(t)
	dial := dialer(s.dial)
	x := sample()
	r := newRepo(x)
	mine, other := newCache(t, dial, r, patient), newCache(t, dial, r, patient)
	rdb := dial(t)
	allow := func(rule string) {
		t.Helper()
		if err := rdb.Do(t.Context(), rdb.B().AclSetuser().Username("default").Rule(rule).Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	for what := range 3 {
		look(t, mine, x.ID, what)
		look(t, other, x.ID, what)
	}
	for round := range int64(2) {
		allow("-del")
		want := r.bump(x.ID)
		mine.Invalidate(t.Context(), x.ID)
		for range 20 {
			for what := range 2 {
				if v := look(t, mine, x.ID, what); v < want {
					t.Fatalf("way %d: version %d, want %d", what, v, want)
				}
			}
		}
		fills := mine.Stats().Fills
		unrelated := sample() // is not concerned
		r.put(unrelated)
		get(t, mine, unrelated.ID)
		filled(t, mine, fills+1)
		if got := mine.Stats(); got.Owed != 1 || got.Deferred != round+1 || got.Fallbacks < 40 {
			t.Errorf("%+v", got)
		}
		allow("+del")
		eventually(t, "the debt to be paid", func() bool { return mine.Stats().Owed == 0 })
		for what := range 2 {
			eventually(t, "the other to see the change", func() bool { return look(t, other, x.ID, what) == want })
		}
	}
}

// changes is an OnChange.
type changes struct {
	mu       sync.Mutex
	down, up int
}

func (c *changes) add(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.down++
	} else {
		c.up++
	}
}

func (c *changes) counts() (down, up int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.down, c.up
}

func quick(t *testing.T, what string, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if took := time.Since(start); took > 100*time.Millisecond+slack {
		t.Errorf("%s took %v", what, took)
	}
}

// TestNobodyWaitsForAConnection: while a server hangs and others, who have time, are
// about to connect to it, rueidis makes all wait for them. No reader does.
func TestNobodyWaitsForAConnection(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	p := redistest.NewProxy(t, s.Addr)
	var dialled atomic.Int32
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{p.Addr}, ForceSingleClient: true, PipelineMultiplex: 2,
		DialCtxFn: func(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			dialled.Add(1)
			return d.DialContext(ctx, "tcp", addr)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	x := sample()
	c, err := cache.New(client, newRepo(x), cache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	s.Freeze()
	p.Cut()
	dialled.Store(0)
	var others sync.WaitGroup
	for i := range 64 { // so that each of its four connections is wanted
		others.Go(func() {
			_ = client.Do(t.Context(), client.B().Get().Key(strconv.Itoa(i)).Build()).Error() // it has time
		})
	}
	defer others.Wait()
	defer s.Thaw()
	eventually(t, "all are being made", func() bool { return dialled.Load() >= 4 })
	for range 20 {
		quick(t, "Invalidate", func() { c.Invalidate(t.Context(), x.ID) })
		for what := range 3 {
			quick(t, "a read", func() { look(t, c, x.ID, what) })
		}
	}
}

// TestBothAway checks that the repository's error comes through, and soon.
func TestBothAway(t *testing.T) {
	t.Parallel()
	s := ownServer(t)
	r := newRepo()
	c := newCache(t, s.dial, r, cache.Config{})
	s.stop()
	r.breakWith(task.ErrUnavailable)
	quick(t, "a read", func() {
		if _, err := c.Get(t.Context(), sample().ID); !errors.Is(err, task.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
}

// TestRedisForgets checks that a Redis that has lost everything, or only the
// generation, brings nothing back.
func TestRedisForgets(t *testing.T) {
	t.Parallel()
	s := ownServer(t)
	dial := dialer(s.dial)
	x := sample()
	r := newRepo(x)
	c, other := newCache(t, dial, r, patient), newCache(t, dial, r, patient)
	rdb := dial(t)
	for i := range 100 {
		for what := range 3 {
			look(t, c, x.ID, what)
			look(t, other, x.ID, what)
		}
		if i%2 == 0 {
			if err := rdb.Do(t.Context(), rdb.B().Flushall().Build()).Error(); err != nil {
				t.Fatal(err)
			}
		} else if err := rdb.Do(t.Context(), rdb.B().Del().Key("tasks:generation").Build()).Error(); err != nil {
			t.Fatal(err)
		}
		want := r.bump(x.ID)
		c.Invalidate(t.Context(), x.ID)
		for what := range 2 {
			if v := look(t, c, x.ID, what); v < want {
				t.Fatalf("round %d, way %d: version %d, want %d", i, what, v, want)
			}
		}
	}
}

// TestRedisComesBackFromASnapshot lets Redis come back as it was before a task was
// made: the list without it must not be read again, by whoever had to connect anew.
func TestRedisComesBackFromASnapshot(t *testing.T) {
	t.Parallel()
	dial := dialer(ownServer(t).dial)
	r := newRepo(sample())
	var epoch atomic.Int64
	cfg := patient
	cfg.Epoch = epoch.Load
	c, trusting := newCache(t, dial, r, cfg), newCache(t, dial, r, patient)
	rdb := dial(t)
	keys := []string{"tasks:generation", "tasks:list:2e9b6a97214ed7a66d642166c2a4df55"} // the ten newest
	snapshot := make(map[string]string)
	eventually(t, "a list is filled", func() bool {
		list(t, c)
		for _, key := range keys {
			snapshot[key], _ = rdb.Do(t.Context(), rdb.B().Get().Key(key).Build()).ToString()
		}
		return strings.Contains(snapshot[keys[1]], "{")
	})
	made := sample()
	r.put(made)
	c.Invalidate(t.Context(), made.ID)
	if n := len(list(t, c)); n != 2 {
		t.Fatalf("%d tasks after one more was made", n)
	}

	for key, value := range snapshot {
		if err := rdb.Do(t.Context(), rdb.B().Set().Key(key).Value(value).Ex(time.Minute).Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the snapshot is what others read", func() bool { return len(list(t, trusting)) == 1 })
	epoch.Add(1)
	for range 20 {
		if n := len(list(t, c)); n != 2 {
			t.Fatalf("%d tasks with Redis as it was before", n)
		}
	}
	eventually(t, "the others read the new list", func() bool { return len(list(t, trusting)) == 2 })
}

// TestRedisIsFull checks that invalidation works while Redis refuses all that
// needs memory.
func TestRedisIsFull(t *testing.T) {
	t.Parallel()
	s := ownServer(t)
	dial := dialer(s.dial)
	x := sample()
	r := newRepo(x)
	c, other := newCache(t, dial, r, patient), newCache(t, dial, r, patient)
	rdb := dial(t)
	for what := range 3 {
		look(t, c, x.ID, what)
		look(t, other, x.ID, what)
	}
	for _, value := range []string{"1", "0"} {
		if err := rdb.Do(t.Context(), rdb.B().ConfigSet().ParameterValue().ParameterValue("maxmemory", value).Build()).Error(); err != nil {
			t.Fatal(err)
		}
		want := r.bump(x.ID)
		c.Invalidate(t.Context(), x.ID)
		for what := range 2 {
			if v := look(t, c, x.ID, what); v < want {
				t.Errorf("way %d: version %d, want %d", what, v, want)
			}
			eventually(t, "the other to see the change", func() bool { return look(t, other, x.ID, what) == want })
		}
		if n := c.Stats().Deferred; n != 0 {
			t.Errorf("%d invalidations deferred", n)
		}
	}
}
