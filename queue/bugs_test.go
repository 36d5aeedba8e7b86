package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"revela/app/redis/redistest"
)

// Bugs of other queues, each with a test here or in crash_test.go, fence_test.go
// and recovery_test.go; docs/queue.md has the table.

// sweepAlways looks for lost jobs without a pause until the returned function
// is called.
func sweepAlways(t *testing.T, q *Queue, hooks Hooks) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range 2 {
		p := NewPool(q, nil, hooks)
		all.Go(func() {
			for ctx.Err() == nil {
				if err := p.sweep(ctx); err != nil && ctx.Err() == nil {
					t.Errorf("sweep: %v", err)
				}
			}
		})
	}
	stop = sync.OnceFunc(func() { cancel(); all.Wait() })
	t.Cleanup(stop)
	return stop
}

// expire ends the lease of a job, as time does.
func expire(c rueidis.Client, id string) error {
	return c.Do(context.Background(), c.B().Arbitrary("ZADD", pre+"leases", "XX", "1", id).Build()).Error()
}

// river#1302: ten thousand jobs are completed at the moment at which they are
// taken for lost. Whoever comes first wins: a completed job is never touched
// again, and one that was put back runs again and completes once.
func TestRecoveryNeverOverwritesAnEnd(t *testing.T) {
	t.Parallel()
	rounds, jobs := 20, 500
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) {
		cfg.Concurrency, cfg.Lease, cfg.MaxStalls, cfg.KeepCompleted = 50, 30*time.Second, 1<<30, KeepAll
	})
	var recovered, runs atomic.Int64
	count := Hooks{Recovered: func(string) { recovered.Add(1) }}
	stop := sweepAlways(t, q, count)
	_, end := run(t, q, handler{process: func(_ context.Context, j *Job) error {
		runs.Add(1)
		if j.Stalls == 0 { // else it would go round for long
			return expire(c, j.ID)
		}
		return nil
	}}, count)
	for round := range rounds {
		newest, err := raw(t, c, "XREVRANGE", pre+"events", "+", "-", "COUNT", "1").AsXRange()
		if err != nil {
			t.Fatal(err)
		}
		from := "-"
		if len(newest) == 1 {
			from = "(" + newest[0].ID
		}
		var specs []Spec
		for i := range jobs {
			specs = append(specs, spec(fmt.Sprintf("%d-%d", round, i)))
		}
		add(t, q, specs...)
		eventually(t, "all completed", func() bool {
			return stats(t, q) == Stats{Completed: int64((round + 1) * jobs), CompletedTotal: int64((round + 1) * jobs)}
		})
		entries, err := raw(t, c, "XRANGE", pre+"events", from, "+").AsXRange()
		if err != nil {
			t.Fatal(err)
		}
		over, told := map[string]bool{}, 0
		for _, e := range entries {
			for id := range strings.SplitSeq(e.FieldValues["jobId"], ",") {
				if over[id] {
					t.Errorf("job %s was completed, and then %s", id, e.FieldValues["event"])
				}
				over[id] = over[id] || e.FieldValues["event"] == "completed"
				told++
			}
		}
		if len(over) < jobs || told < 3*jobs {
			t.Fatalf("%d events of %d jobs", told, len(over))
		}
	}
	stop()
	end()
	n := int64(rounds * jobs)
	if r := recovered.Load(); r == 0 || r == n {
		t.Errorf("%d of %d jobs were put back: it was no race", r, n)
	}
	if got := runs.Load() - recovered.Load(); got != n {
		t.Errorf("%d runs beyond those put back, want %d", got, n)
	}
	t.Logf("%d races, %d lost by the worker", n, recovered.Load())
}

// bull#850: a job is removed at the moment at which it is taken for lost, and
// does not come back.
func TestRecoveryNeverBringsBackARemovedJob(t *testing.T) {
	t.Parallel()
	const jobs = 2000
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.Concurrency, cfg.Lease, cfg.MaxStalls = 50, 30*time.Second, 1<<30 })
	stop := sweepAlways(t, q, Hooks{})
	var removed sync.Map
	run(t, q, handler{process: func(ctx context.Context, j *Job) error {
		if _, gone := removed.Load(j.ID); gone && j.Extend(ctx) == nil {
			t.Errorf("job %s is back after its removal", j.ID)
		}
		if err := expire(c, j.ID); err != nil {
			return err
		}
		err := q.Cancel(context.WithoutCancel(ctx), j.ID)
		removed.Store(j.ID, true)
		return err
	}})
	var specs []Spec
	for i := range jobs {
		specs = append(specs, spec(fmt.Sprint("j", i)))
	}
	add(t, q, specs...)
	eventually(t, "nothing is left", func() bool {
		return stats(t, q) == Stats{} && rawInt(t, c, "LLEN", pre+"waiting") == 0 && rawInt(t, c, "ZCARD", pre+"leases") == 0
	})
	stop()
	n := 0
	removed.Range(func(any, any) bool { n++; return true })
	if n != jobs {
		t.Errorf("%d jobs were removed in work, want %d", n, jobs)
	}
}

// asynq#764: the recovery of a job whose hash is gone does not go on for ever.
func TestRecoveryLetsGoOfAJobThatIsGone(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.Lease = 500 * time.Millisecond })
	for _, id := range []string{"owned", "popped"} {
		raw(t, c, "LPUSH", pre+"active", id)
	}
	raw(t, c, "ZADD", pre+"leases", "1", "owned")
	raw(t, c, "HSET", pre+"owners", "owned", "a worker that died")
	run(t, q, handler{process: func(_ context.Context, j *Job) error {
		if j.ID != "real" {
			t.Errorf("%s ran", j.ID)
		}
		return nil
	}}, Hooks{
		Error:     func(op string, err error) { t.Errorf("%s: %v", op, err) },
		Recovered: func(id string) { t.Errorf("%s was put back", id) },
	})
	add(t, q, spec("real"))
	eventually(t, "nothing is left of them", func() bool {
		return stats(t, q) == Stats{CompletedTotal: 1} &&
			rawInt(t, c, "ZCARD", pre+"leases") == 0 && rawInt(t, c, "HLEN", pre+"owners") == 0
	})
}

// bull#2329: a job that waits for its next attempt is nobody's. It is looked at
// in one step, all the time.
func TestDelayedJobHasNoOwner(t *testing.T) {
	t.Parallel()
	const jobs = 500
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.Concurrency, cfg.Backoff = 20, time.Hour })
	run(t, q, handler{process: func(context.Context, *Job) error { return errors.New("again") }})
	var specs []Spec
	for i := range jobs {
		specs = append(specs, spec(fmt.Sprint("j", i)))
	}
	add(t, q, specs...)
	eventually(t, "all are delayed", func() bool {
		answer, err := raw(t, c, "EVAL", `
			local owned = {}
			for _, id in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do owned[id] = true end
			for _, id in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do owned[id] = true end
			for _, id in ipairs(redis.call('HKEYS', KEYS[4])) do owned[id] = true end
			local delayed, both = redis.call('ZRANGE', KEYS[1], 0, -1), 0
			for _, id in ipairs(delayed) do if owned[id] then both = both + 1 end end
			return { #delayed, both }`,
			"4", pre+"delayed", pre+"active", pre+"leases", pre+"owners").AsIntSlice()
		if err != nil {
			t.Fatal(err)
		}
		if answer[1] != 0 {
			t.Errorf("%d of %d delayed jobs have an owner", answer[1], answer[0])
		}
		return answer[0] == jobs
	})
}

// An id that stands in waiting a hundred times, taken by eight workers, is one
// job: also while its retries are due (F21).
func TestAHundredCopiesAreOneJob(t *testing.T) {
	t.Parallel()
	s := redistest.Shared(t)
	c := s.Client(t)
	q := newQueue(t, c)
	add(t, q, spec("once"), spec("thrice"))
	for range 100 {
		raw(t, c, "LPUSH", pre+"waiting", "once", "thrice")
	}
	var once, thrice, inside atomic.Int32
	h := handler{process: func(_ context.Context, j *Job) error {
		if inside.Add(1) > 2 {
			t.Error("a copy runs beside its job")
		}
		defer inside.Add(-1)
		if j.ID == "once" {
			once.Add(1)
			return nil
		}
		if thrice.Add(1) < 3 {
			for range 20 { // more of them, while it is in work and delayed
				raw(t, c, "LPUSH", pre+"waiting", "thrice")
			}
			return errors.New("again")
		}
		return nil
	}}
	run(t, q, h)
	run(t, newQueue(t, s.Client(t)), h)
	eventually(t, "completed", func() bool { return stats(t, q) == Stats{CompletedTotal: 2} })
	if once.Load() != 1 || thrice.Load() != 3 {
		t.Errorf("runs: %d and %d, want 1 and 3", once.Load(), thrice.Load())
	}
}

// A hundred pools are stopped in the middle of their work: it goes back each
// time, and no attempt and no stall is charged for it (F23).
func TestAHundredStopsSpendNothing(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c)
	ids := []string{"a", "b", "c", "d"}
	for _, id := range ids {
		add(t, q, spec(id))
	}
	for range 100 {
		b := newBlocked()
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- NewPool(q, b, Hooks{}).Run(ctx, 0) }()
		for range ids {
			if j := <-b.started; j.Attempt != 1 || j.Stalls != 0 {
				t.Errorf("job %s: attempt %d, %d stalls", j.ID, j.Attempt, j.Stalls)
			}
		}
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if s := stats(t, q); s != (Stats{Waiting: 4}) {
			t.Fatalf("after a stop: %+v", s)
		}
	}
	for _, id := range ids {
		if info, err := q.Job(t.Context(), id); err != nil || info.AttemptsMade != 0 || info.Stalls != 0 {
			t.Errorf("job = %+v, %v", info, err)
		}
	}
}

// Eight callers add the same ten thousand ids at the same time: each is one job
// (F22; how records keep a job that has ended from being added again is the
// Reconciler's, see app).
func TestAddingInARaceIsAddingOnce(t *testing.T) {
	t.Parallel()
	const jobs, callers = 10_000, 8
	s := redistest.Shared(t)
	q := newQueue(t, s.Client(t), func(cfg *Config) {
		cfg.KeepCompleted, cfg.Concurrency, cfg.Lease = KeepAll, 20, time.Minute // an attempt that is lost runs again
	})
	var added, runs atomic.Int64
	run(t, q, handler{process: func(context.Context, *Job) error { runs.Add(1); return nil }})
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := 0; i < jobs; i += 50 {
				var specs []Spec
				for k := range 50 {
					specs = append(specs, spec(fmt.Sprint("j", i+k)))
				}
				n, err := q.Add(context.Background(), specs...)
				if err != nil {
					t.Error(err)
				}
				added.Add(int64(n))
			}
		})
	}
	all.Wait()
	eventually(t, "all completed", func() bool { return stats(t, q) == Stats{Completed: jobs, CompletedTotal: jobs} })
	if added.Load() != jobs || runs.Load() != jobs {
		t.Errorf("%d added, %d runs, want %d", added.Load(), runs.Load(), jobs)
	}
}
