package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"revela/app/redis/redistest"
)

// lastChance is a job that may lose no other worker.
func lastChance(q *Queue, id string) Spec {
	s := spec(id)
	s.Accepted, s.Stalls = true, q.cfg.MaxStalls
	return s
}

// Jobs that may lose no other worker run alone, whichever lane has what else, and
// those that wait behind them go on afterwards.
func TestLastChanceIsAlone(t *testing.T) {
	t.Parallel()
	s := redistest.Shared(t)
	const slots, others, solos = 2 * laneSize, 400, 5
	q := newQueue(t, s.Client(t), func(cfg *Config) { cfg.Concurrency = slots })
	var inside, most atomic.Int64
	run(t, q, handler{process: func(_ context.Context, j *Job) error {
		n := inside.Add(1)
		defer inside.Add(-1)
		if j.Stalls == 0 {
			most.Store(max(most.Load(), n))
			time.Sleep(time.Millisecond)
			return nil
		}
		for range 20 {
			if n := inside.Load(); n != 1 {
				t.Errorf("%d jobs are in work beside %s", n-1, j.ID)
			}
			if n := rawInt(t, s.Client(t), "LLEN", pre+"active"); n != 1 {
				t.Errorf("%d jobs are active while %s is in work", n, j.ID)
			}
		}
		return nil
	}})
	for i := range others {
		add(t, q, spec(fmt.Sprint("other", i)))
		if i%(others/solos) == 0 {
			add(t, q, lastChance(q, fmt.Sprint("solo", i)))
		}
	}
	eventually(t, "all completed", func() bool { return stats(t, q) == Stats{CompletedTotal: others + solos} })
	if most.Load() < 2 {
		t.Error("the others had no company either")
	}
}

// While a job waits to be alone, the ones in work end, its lease is kept, and
// nothing else is taken; nobody waits for a handler that does not return.
func TestLastChanceWaitsForThoseInWork(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.Lease, cfg.JobTimeout = 500*time.Millisecond, 2*time.Second })
	started, release := make(chan string, 10), make(chan struct{})
	defer close(release)
	p, _ := run(t, q, handler{process: func(_ context.Context, j *Job) error {
		started <- j.ID
		if j.ID == "stuck" {
			<-release
		}
		return nil
	}})
	add(t, q, spec("stuck"))
	<-started
	add(t, q, lastChance(q, "last"))
	eventually(t, "it is taken", func() bool { return len(p.holds()) == 2 })
	add(t, q, spec("later"))
	first := rawInt(t, c, "ZSCORE", pre+"leases", "last")
	eventually(t, "its lease is renewed", func() bool { return rawInt(t, c, "ZSCORE", pre+"leases", "last") > first+500 })
	if info, err := q.Job(t.Context(), "later"); err != nil || info.State != Waiting {
		t.Errorf("another is %s beside one that is to be alone (%v)", info.State, err)
	}
	for _, want := range []string{"last", "later"} {
		if got := <-started; got != want {
			t.Fatalf("%s began, want %s", got, want)
		}
	}
	eventually(t, "both completed", func() bool { return stats(t, q).CompletedTotal == 2 })
}

// A job at its last chance stays one wherever it waits, and is another's when its
// pool stops.
func TestLastChanceStaysOne(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.Backoff = 0 })
	listed := func(when string) {
		t.Helper()
		if ids, err := raw(t, c, "LRANGE", pre+"solo", "0", "-1").AsStrSlice(); err != nil || !slices.Equal(ids, []string{"a"}) {
			t.Errorf("%s: solo = %v, %v", when, ids, err)
		}
	}
	a := lastChance(q, "a")
	a.Delay = time.Hour
	add(t, q, a, spec("b"))
	if err := q.Promote(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	listed("promoted")
	if got := stats(t, q); got != (Stats{Waiting: 2}) {
		t.Errorf("stats = %+v", got)
	}
	for skip, want := range []string{"a", "b"} { // it is taken first
		if jobs, err := q.Jobs(t.Context(), Waiting, skip, skip); err != nil || len(jobs) != 1 || jobs[0].ID != want {
			t.Errorf("waiting job %d = %+v, %v; want %s", skip, jobs, err, want)
		}
	}
	held, err := q.Held(t.Context(), false)
	if err != nil || !held.Has("a") {
		t.Errorf("no list holds it (%v)", err)
	}
	if n, err := q.Restore(t.Context(), "a"); err != nil || n != 0 {
		t.Errorf("it was restored: %d, %v", n, err)
	}
	raw(t, c, "DEL", pre+"solo")
	if n, err := q.Restore(t.Context(), "a"); err != nil || n != 1 {
		t.Errorf("restored %d, %v", n, err)
	}
	listed("restored")

	job := takeOne(t, NewPool(q, handler{}, Hooks{}))
	job.pool.handBack(t.Context(), job, 0)
	listed("handed back")
	job = takeOne(t, NewPool(q, handler{}, Hooks{}))
	job.pool.failed(t.Context(), job, errors.New("no"))
	if _, err := job.pool.promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	listed("retried")

	job = takeOne(t, NewPool(q, handler{}, Hooks{}))
	job.pool.failed(t.Context(), job, Permanent(errors.New("no")))
	if err := q.Retry(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if ids, err := raw(t, c, "LRANGE", pre+"waiting", "0", "0").AsStrSlice(); err != nil || !slices.Equal(ids, []string{"a"}) {
		t.Errorf("one with fresh attempts is not among the others: %v, %v", ids, err)
	}
}

// A pool that stops while a job waits to be alone does not keep it.
func TestStopLeavesTheLastChance(t *testing.T) {
	t.Parallel()
	q := newQueue(t, redistest.Shared(t).Client(t), func(cfg *Config) { cfg.Lease = time.Hour })
	b := newBlocked()
	p, stop := run(t, q, b)
	add(t, q, spec("long"))
	<-b.started
	add(t, q, lastChance(q, "last"))
	eventually(t, "it is taken", func() bool { return len(p.holds()) == 2 })
	stop()
	if got := stats(t, q); got != (Stats{Waiting: 2}) {
		t.Errorf("after the stop: %+v", got)
	}
}
