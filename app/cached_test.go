package app_test

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"revela/app/redis/redistest"
	"revela/imaging/imagetest"
)

// Reads while Redis is slow, half-open, hung or dead: none fails, they come from
// the store about as fast as without a cache, the log stays quiet, and when
// Redis is well again they are cached again.
func TestReadsWhileRedisIsInTrouble(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(s *redistest.S, p *redistest.Proxy) (mend func()){
		"slow by 500 ms": func(_ *redistest.S, p *redistest.Proxy) func() {
			p.Delay(500 * time.Millisecond)
			return func() { p.Delay(0) }
		},
		"half-open": func(s *redistest.S, p *redistest.Proxy) func() {
			p.Target(net.JoinHostPort("127.0.0.1", strconv.Itoa(redistest.FreePort(t))))
			p.Forsake()
			return func() { p.Target(s.Addr) }
		},
		"hung": func(s *redistest.S, _ *redistest.Proxy) func() { s.Freeze(); return s.Thaw },
		"dead": func(s *redistest.S, _ *redistest.Proxy) func() { s.Kill(); return s.Restart },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Server(t)
			proxy := redistest.NewProxy(t, server.Addr)
			p := start(t, t.TempDir(), []string{"serve", "--workers=1"}, "REDIS_URL=redis://"+proxy.Addr)
			id := upload(t, p.URL, "a.jpg", imagetest.JPEG(imagetest.Photo(900, 700))).JSON(t)["taskId"].(string)
			waitStatus(t, p.URL, id, "completed")
			paths := []string{"/api/v1/tasks/" + id, "/api/v1/tasks?limit=10", "/api/v1/tasks?status=completed"}

			read := func(d time.Duration) (took []time.Duration) {
				tick := time.NewTicker(10 * time.Millisecond)
				defer tick.Stop()
				for begin := time.Now(); time.Since(begin) < d; <-tick.C {
					for _, path := range paths {
						sent := time.Now()
						if a := get(t, p.URL+path); a.Status != 200 {
							t.Errorf("%s answered %d: %s", path, a.Status, a.Body)
						}
						took = append(took, time.Since(sent))
					}
				}
				slices.Sort(took)
				return took
			}
			read(8 * time.Second) // until the connections are no longer new
			mend := trouble(server, proxy)
			logged, begin := len(troubles(p)), time.Now()
			took := read(13 * time.Second) // connections are given up after five, and tried again and again
			seconds := time.Since(begin).Seconds()
			lines := troubles(p)[logged:]
			if p50, most := took[len(took)/2], took[len(took)-1]; p50 > 50*time.Millisecond || most > 100*time.Millisecond+slack {
				t.Errorf("reads took %v (median) and %v (the longest)", p50, most)
			}
			if most := int(seconds) + 1; len(lines) > most {
				t.Errorf("%d lines in %.1f s, at most %d are expected:\n%s", len(lines), seconds, most, strings.Join(lines, "\n"))
			}
			t.Logf("%d reads: median %v, p99 %v, worst %v; %d log lines in %.1f s",
				len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1], len(lines), seconds)

			mend()
			eventually(t, "reads are cached again", func() bool {
				before := counter(t, p, "cache_hits_total")
				for _, path := range paths {
					get(t, p.URL+path)
				}
				return counter(t, p, "cache_hits_total") >= before+3
			})
		})
	}
}

// troubles are the lines of a process' log but those of its requests.
func troubles(p *process) (lines []string) {
	for line := range strings.Lines(p.log.String()) {
		if !strings.Contains(line, `"msg":"request"`) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// slack is what a busy test machine may add to a promised time.
const slack = 400 * time.Millisecond

// counter reads one of our metrics.
func counter(t *testing.T, p *process, name string) int {
	t.Helper()
	found := regexp.MustCompile(`(?m)^revela_` + name + ` (\S+)$`).FindSubmatch(get(t, p.URL+"/metrics").Body)
	if found == nil {
		t.Fatalf("no metric %s", name)
	}
	n, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// drops deletes a key over and over until stop is called.
func drops(t *testing.T, s *redistest.S, key string) (stop func()) {
	c := s.Client(t)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			_ = c.Do(ctx, c.B().Del().Key(key).Build()).Error() // the end of ctx is one
		}
	})
	return func() { cancel(); wg.Wait() }
}

// Each counter of the cache in /metrics counts what its help says.
func TestCacheMetrics(t *testing.T) {
	t.Parallel()
	server := redistest.Server(t)
	p := start(t, t.TempDir(), []string{"serve", "--workers=1"}, "REDIS_URL="+server.URL)
	id := upload(t, p.URL, "a.jpg", imagetest.JPEG(imagetest.Photo(90, 70))).JSON(t)["taskId"].(string)
	waitStatus(t, p.URL, id, "completed")
	names := []string{"hits", "local_hits", "misses", "fills", "refused", "waits", "uncached", "loads", "invalidations", "deferred", "fallbacks"}
	read := func() map[string]int {
		now := map[string]int{}
		for _, name := range names {
			now[name] = counter(t, p, "cache_"+name+"_total")
		}
		return now
	}
	task := func() { get(t, p.URL+"/api/v1/tasks/"+id) }
	settled := func() { // until the task is in the cache, and nothing is on its way there
		t.Helper()
		last := map[string]int{}
		eventually(t, "nothing to change", func() bool {
			before := read()
			task()
			now := read()
			same := fmt.Sprint(last) == fmt.Sprint(before) && now["hits"] == before["hits"]+1 && now["fills"] == before["fills"]
			last = now
			return same
		})
	}
	grows := func(what string, do func(), want map[string]int) {
		t.Helper()
		before := read()
		do()
		after := read()
		for _, name := range names {
			if got := after[name] - before[name]; got != want[name] {
				t.Errorf("%s: %s grew by %d, want %d", what, name, got, want[name])
			}
		}
	}
	settled()
	grows("ten reads of a cached task", func() {
		for range 10 {
			task()
		}
	}, map[string]int{"hits": 10, "local_hits": 10})
	grows("a page far down, with its total", func() { get(t, p.URL+"/api/v1/tasks?page=50&status=failed,cancelled") }, map[string]int{"uncached": 2})

	c := server.Client(t)
	key := "task:" + id
	words(t, c, "DEL", key)
	before := read()
	eventually(t, "a miss and its fill", func() bool { task(); return read()["fills"] == before["fills"]+1 })
	if now := read(); now["misses"] != before["misses"]+1 {
		t.Errorf("%d misses for one fill", now["misses"]-before["misses"])
	}

	settled()
	words(t, c, "SET", key, "4?another process", "PX", "3000") // which fills it, as it seems
	before = read()
	eventually(t, "a wait", func() bool { task(); return read()["waits"] > before["waits"] })
	words(t, c, "DEL", key)

	settled()
	stop := drops(t, server, key) // a change during every fill, as it seems
	before = read()
	eventually(t, "a refused fill", func() bool { task(); return read()["refused"] > before["refused"] })
	stop()

	settled()
	grows("a retry that is refused", func() { do(t, "POST", p.URL+"/api/v1/tasks/"+id+"/retry", nil) }, nil)
	grows("a delete", func() { do(t, "DELETE", p.URL+"/api/v1/tasks/"+id, nil) }, map[string]int{"invalidations": 1})

	server.Kill()
	before = read()
	eventually(t, "fallbacks", func() bool { get(t, p.URL+"/api/v1/tasks"); return read()["fallbacks"] >= before["fallbacks"]+10 })
}
