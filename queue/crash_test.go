package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"revela/app/redis/redistest"
)

// A worker is killed at each message between it and Redis that names its job:
// as it asks, and as it is answered. Whatever it had taken by then, popped but
// not claimed, claimed but not begun, done but not acknowledged, runs again,
// and its crash burns no attempt although there is only one.
// machinery#253 and rq#580 (a job lost between pop and register),
// asynq#1144 and #1051 (active without a lease), asynq#1015 (burned retry).
func TestWorkerKilledAtEachMessage(t *testing.T) {
	t.Parallel()
	const points = 10
	var killed atomic.Int32
	t.Run("at", func(t *testing.T) {
		for at := 1; at <= points; at++ {
			t.Run(fmt.Sprint(at), func(t *testing.T) {
				t.Parallel()
				s := redistest.Shared(t)
				q := newQueue(t, s.Client(t), func(cfg *Config) { cfg.Lease, cfg.MaxAttempts = 500*time.Millisecond, 1 })
				var w *worker
				wire := tripwire(t, s.Addr, "victim", at, func() { w.kill() })
				w = startWorker(t, orders{Addr: wire.addr, DB: s.DB, Concurrency: 1, Lease: 500 * time.Millisecond})
				w.order("run")
				eventually(t, "it waits for a job", func() bool { return rawInt(t, s.Client(t), "HEXISTS", pre+"meta", "epoch") == 1 })
				add(t, q, spec("victim"))
				eventually(t, "it was killed, or is through", func() bool {
					return wire.tripped.Load() || stats(t, q).CompletedTotal == 1
				})
				if wire.tripped.Load() {
					killed.Add(1)
				}
				w.kill()
				var again atomic.Int32
				run(t, q, handler{process: func(_ context.Context, j *Job) error {
					if j.Attempt != 1 || j.Stalls > 1 {
						t.Errorf("after the crash: attempt %d, %d stalls", j.Attempt, j.Stalls)
					}
					again.Add(1)
					return nil
				}})
				eventually(t, "completed", func() bool { return stats(t, q) == Stats{CompletedTotal: 1} })
				if n := again.Load(); n > 1 {
					t.Errorf("it ran %d times after the crash", n)
				}
			})
		}
	})
	// Ask, claim and complete, each with its answer, name the job at least.
	if n := killed.Load(); n < 4 || n == points {
		t.Errorf("killed at %d of %d messages: want 4 at least, and one that ended before", n, points)
	}
}

// wire stands between a helper and Redis.
type wire struct {
	addr    string
	tripped atomic.Bool
}

// tripwire passes everything on, until the at-th message that holds word: that
// one it keeps, and calls kill.
func tripwire(t *testing.T, server, word string, at int, kill func()) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	wr := &wire{addr: l.Addr().String()}
	var seen atomic.Int32
	var all sync.WaitGroup
	pass := func(to, from net.Conn) {
		defer to.Close()
		defer from.Close()
		for buf := make([]byte, 64<<10); ; {
			n, err := from.Read(buf)
			if bytes.Contains(buf[:n], []byte(word)) && int(seen.Add(1)) == at {
				kill()
				wr.tripped.Store(true)
				return
			}
			if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
				return
			}
		}
	}
	all.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", server)
			if err != nil {
				_ = near.Close()
				continue
			}
			all.Go(func() { pass(far, near) })
			all.Go(func() { pass(near, far) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() }) // the helper was killed before, and its connections with it
	return wr
}

// A job that takes its worker's process with it does so three times, and is
// then failed for it. The others go on, and complete, even those that are in work
// beside it each time.
func TestPoisonEndsAfterThreeProcesses(t *testing.T) {
	t.Parallel()
	s := redistest.Shared(t)
	q := newQueue(t, s.Client(t))
	add(t, q, Spec{ID: "poison", Name: "poison"},
		Spec{ID: "beside", Name: "burn", Data: []byte("100000000")}, Spec{ID: "beside too", Name: "burn", Data: []byte("100000000")})
	for i := range 40 {
		add(t, q, spec(fmt.Sprint("good", i)))
	}
	deaths := 0
	for state := Waiting; state != Failed; {
		w := startWorker(t, orders{Addr: s.Addr, DB: s.DB, Concurrency: 3, Lease: 500 * time.Millisecond, MaxStalls: 2})
		w.order("run")
		eventually(t, "the process died, or the job failed", func() bool {
			info, err := q.Job(t.Context(), "poison")
			if err != nil {
				t.Fatal(err)
			}
			state = info.State
			select {
			case <-w.done:
				return true
			default:
				return state == Failed
			}
		})
		select {
		case <-w.done:
			deaths++
		default:
			eventually(t, "the others completed", func() bool { return stats(t, q) == Stats{Failed: 1, FailedTotal: 1, CompletedTotal: 42} })
		}
		w.kill()
	}
	info, err := q.Job(t.Context(), "poison")
	if err != nil || deaths != 3 || info.Stalls != 3 || info.FailedReason != ErrStalled.Error() {
		t.Errorf("%d deaths, then %+v, %v", deaths, info, err)
	}
}

// Processes are killed again and again while delayed jobs become due: each of
// them is promoted in one step, so it is either delayed or waiting (F20).
func TestKilledWhilePromoting(t *testing.T) {
	t.Parallel()
	const jobs, kills = 1000, 10
	s := redistest.Shared(t)
	q := newQueue(t, s.Client(t), func(cfg *Config) { cfg.MaxStalls = 1000 })
	for kill := range kills {
		var specs []Spec
		for i := range jobs / kills {
			specs = append(specs, Spec{ID: fmt.Sprintf("j%d-%d", kill, i), Name: "n", Delay: time.Duration(i%10) * 30 * time.Millisecond})
		}
		add(t, q, specs...)
		w := startWorker(t, orders{Addr: s.Addr, DB: s.DB, Concurrency: 4, Lease: 500 * time.Millisecond, MaxStalls: 1000})
		w.order("run")
		w.hear(10, "done")
		w.kill()
	}
	run(t, q, handler{process: func(context.Context, *Job) error { return nil }})
	eventually(t, "all completed", func() bool { return stats(t, q) == Stats{CompletedTotal: jobs} })
}

// Work that keeps every CPU busy for three leases, and looks at nothing, is
// still work: nobody takes it away (bullmq#2857, #3183).
func TestBusyLoopsKeepTheirLeases(t *testing.T) {
	t.Parallel()
	s := redistest.Shared(t)
	const lease = 3 * time.Second
	q := newQueue(t, s.Client(t), func(cfg *Config) { cfg.Lease = lease })
	procs := runtime.NumCPU()
	w := startWorker(t, orders{Addr: s.Addr, DB: s.DB, Concurrency: 2 * procs, Lease: lease, Procs: procs})
	burn, err := json.Marshal(3 * lease)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 * procs {
		add(t, q, Spec{ID: fmt.Sprint("busy", i), Name: "burn", Data: burn})
	}
	w.order("run")
	eventually(t, "all are in work", func() bool { return stats(t, q).Active == int64(2*procs) })
	run(t, q, handler{process: func(_ context.Context, j *Job) error {
		t.Errorf("job %s was taken from a worker that works", j.ID)
		return nil
	}})
	w.hear(2*procs, "done")
	eventually(t, "completed", func() bool { return stats(t, q) == Stats{CompletedTotal: int64(2 * procs)} })
}
