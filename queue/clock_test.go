//go:build linux

package queue

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"revela/app/redis/redistest"
)

// wrongClock replaces the calls by which a program asks for the time of day.
const wrongClock = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long off(void) { const char *s = getenv("CLOCK_OFFSET"); return s ? atol(s) : 0; }

int gettimeofday(struct timeval *tv, void *tz) {
	struct timespec ts;
	(void)tz;
	int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
	int r = real(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec + off();
	tv->tv_usec = ts.tv_nsec / 1000;
	return r;
}

int clock_gettime(clockid_t c, struct timespec *ts) {
	int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
	int r = real(c, ts);
	if (c == CLOCK_REALTIME) ts->tv_sec += off();
	return r;
}

time_t time(time_t *t) {
	struct timeval tv;
	gettimeofday(&tv, 0);
	if (t) *t = tv.tv_sec;
	return tv.tv_sec;
}
`

// The clock of this process and that of Redis are an hour apart, in both
// directions: nothing is due an hour early or late, no lease ends early or never,
// because only Redis's clock counts (F18).
func TestClocksThatAreAnHourApart(t *testing.T) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		if cc, err = exec.LookPath("gcc"); err != nil {
			t.Skip("a C compiler makes the wrong clock: apt-get install gcc")
		}
	}
	dir := t.TempDir()
	source, lib := filepath.Join(dir, "clock.c"), filepath.Join(dir, "clock.so")
	if err := os.WriteFile(source, []byte(wrongClock), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-o", lib, source, "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, offset := range map[string]string{"ahead": "3600", "behind": "-3600"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CLOCK_OFFSET", offset)
			t.Setenv("LD_PRELOAD", lib) // for redis-server: a Go program asks the kernel by itself
			s := redistest.Server(t)
			c := s.Client(t)
			q := newQueue(t, c, func(cfg *Config) { cfg.Lease, cfg.Backoff = 500*time.Millisecond, 300*time.Millisecond })
			server, err := q.now(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if apart := time.Until(server).Abs(); apart < 59*time.Minute || apart > 61*time.Minute {
				t.Fatalf("the clocks are %v apart, want an hour", apart)
			}

			// A worker is lost and another works long; the wrong clock neither
			// keeps the one's lease nor ends the other's.
			w := startWorker(t, orders{Addr: s.Addr, Concurrency: 1, Lease: 500 * time.Millisecond})
			w.order("run")
			add(t, q, Spec{ID: "lost", Name: "hold"})
			w.hear(1, "begun")
			w.kill()
			begun := time.Now()
			add(t, q, Spec{ID: "later", Name: "n", Delay: 500 * time.Millisecond}, spec("retried"), spec("long"))
			at := map[string]*atomic.Int64{"lost": {}, "later": {}, "retried": {}, "long": {}}
			var long atomic.Int32
			run(t, q, handler{process: func(ctx context.Context, j *Job) error {
				at[j.ID].Store(int64(time.Since(begun)))
				switch {
				case j.ID == "retried" && j.Attempt == 1:
					return errors.New("again")
				case j.ID == "long":
					long.Add(1)
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(1500 * time.Millisecond): // three leases of work
					}
				}
				return nil
			}})
			eventually(t, "all completed", func() bool { return stats(t, q) == Stats{CompletedTotal: 4} })
			for id, least := range map[string]time.Duration{"lost": 200 * time.Millisecond, "later": 500 * time.Millisecond, "retried": 300 * time.Millisecond} {
				if got := time.Duration(at[id].Load()); got < least {
					t.Errorf("%s ran after %v, want %v at least", id, got, least)
				}
			}
			if n := long.Load(); n != 1 {
				t.Errorf("the long job ran %d times", n)
			}
		})
	}
}
