package queue

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"revela/app/redis/redistest"
)

// blocked is a handler that waits until its context ends or it is let go.
type blocked struct {
	started chan *Job
	release chan struct{}
	causes  chan error
}

func newBlocked() blocked {
	return blocked{make(chan *Job, 16), make(chan struct{}), make(chan error, 16)}
}

func (b blocked) Process(ctx context.Context, j *Job) error {
	b.started <- j
	select {
	case <-ctx.Done():
		b.causes <- context.Cause(ctx)
		return ctx.Err()
	case <-b.release:
		return nil
	}
}
func (b blocked) Failed(context.Context, *Job, Failure) error { return nil }

// asynq#1144, #1051; redis#949: an id that a cut-off BLMOVE left in active.
func TestIDWithoutLeaseIsRecovered(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.Lease = 500 * time.Millisecond })
	add(t, q, spec("a"))
	raw(t, c, "LMOVE", pre+"waiting", pre+"active", "RIGHT", "LEFT")
	stalls := make(chan int, 1)
	run(t, q, handler{process: func(_ context.Context, j *Job) error { stalls <- j.Stalls; return nil }})
	if n := <-stalls; n != 0 {
		t.Errorf("a job that nobody began was charged %d stalls", n)
	}
	eventually(t, "completed", func() bool { return stats(t, q) == Stats{CompletedTotal: 1} })
}

// bull#308, river#1302: a worker that was paused past its lease.
func TestWorkerWithoutLeaseChangesNothing(t *testing.T) {
	t.Parallel()
	s := redistest.Shared(t)
	c := s.Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.Lease = 500 * time.Millisecond })
	ctx := t.Context()
	add(t, q, spec("a"))
	sleeper := NewPool(q, nil, Hooks{}) // claims and never renews: its process is stopped
	job := takeOne(t, sleeper)
	b := newBlocked()
	p, _ := run(t, q, b)
	second := <-b.started
	if second.Stalls != 1 || second.Attempt != 1 {
		t.Errorf("the second run has %d stalls in attempt %d, want 1 and 1: a crash is no failure", second.Stalls, second.Attempt)
	}
	// The sleeper wakes and tries everything that an owner may do.
	if err := job.Extend(ctx); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("Extend: %v", err)
	}
	if err := job.Progress(ctx, 50); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("Progress: %v", err)
	}
	if _, err := sleeper.exchange(ctx, turn{done: []*Job{job}}); err != nil {
		t.Error(err)
	}
	sleeper.handBack(ctx, job, 0)
	sleeper.handler = handler{}
	sleeper.failed(ctx, job, errors.New("late"))
	sleeper.failed(ctx, job, Permanent(errors.New("late")))
	if got := stats(t, q); got != (Stats{Active: 1}) {
		t.Errorf("after the sleeper's attempts: %+v", got)
	}
	if p.Busy() != 1 {
		t.Errorf("the owner has %d jobs", p.Busy())
	}
	close(b.release)
	eventually(t, "completed", func() bool { return stats(t, q) == Stats{CompletedTotal: 1} })
}

// takeOne takes the next job and begins it, as a pool does that is not running.
func takeOne(t *testing.T, p *Pool) *Job {
	t.Helper()
	first, err := p.exchange(t.Context(), turn{want: 1, solo: true})
	if err != nil || len(first.taken.ids)+len(first.solo.ids) != 1 {
		t.Fatalf("take: %+v, %v", first, err)
	}
	if len(first.solo.ids) > 0 {
		first.taken = first.solo
	}
	second, err := p.exchange(t.Context(), turn{taken: first.taken})
	if err != nil || len(second.begun) != 1 {
		t.Fatalf("begin: %+v, %v", second, err)
	}
	return p.attempt(second.begun[0], second.token, second.at)
}

func TestJobThatLosesItsWorkerTooOftenFails(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.Lease, cfg.MaxStalls = 500*time.Millisecond, 2 })
	ctx := t.Context()
	add(t, q, spec("poison"), spec("good"))
	for range 3 {
		dying := NewPool(q, nil, Hooks{})
		if job := takeOne(t, dying); job.ID != "poison" {
			t.Fatalf("%s was taken", job.ID)
		}
		eventually(t, "its lease ends", func() bool {
			return dying.sweep(ctx) == nil && stats(t, q).Active == 0
		})
	}
	var told atomic.Value
	run(t, q, handler{
		process: func(_ context.Context, j *Job) error {
			if j.ID == "poison" {
				t.Error("poison ran a fourth time")
			}
			return nil
		},
		failed: func(_ context.Context, _ *Job, f Failure) error { told.Store(f); return nil },
	})
	eventually(t, "settled", func() bool { s := stats(t, q); return s.Failed == 1 && s.CompletedTotal == 1 })
	if f, _ := told.Load().(Failure); !f.Final || !errors.Is(f.Err, ErrStalled) {
		t.Errorf("the handler was told %+v", f)
	}
	info, err := q.Job(ctx, "poison")
	if err != nil || info.FailedReason != ErrStalled.Error() || info.Stalls != 3 {
		t.Errorf("job = %+v, %v", info, err)
	}
}

// A worker that uses its lease up with work is not stalled (bullmq#2857).
func TestLongWorkKeepsItsLease(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.Lease = 500 * time.Millisecond })
	b := newBlocked()
	run(t, q, b)
	run(t, q, b)
	add(t, q, spec("a"))
	<-b.started
	first := rawInt(t, c, "ZSCORE", pre+"leases", "a")
	eventually(t, "the lease is three times as long", func() bool {
		return rawInt(t, c, "ZSCORE", pre+"leases", "a") > first+1500
	})
	if len(b.started) != 0 {
		t.Error("it ran twice")
	}
	close(b.release)
	eventually(t, "completed", func() bool { return stats(t, q) == Stats{CompletedTotal: 1} })
}

// redis-cli DEL active, DEL leases, and an id pushed a hundred times.
func TestDamageFromOutsideIsRepaired(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.Lease = 500 * time.Millisecond })
	b := newBlocked()
	run(t, q, b)
	add(t, q, spec("a"))
	<-b.started
	raw(t, c, "DEL", pre+"active")
	eventually(t, "active is mended", func() bool { return rawInt(t, c, "LLEN", pre+"active") == 1 })
	for range 100 {
		raw(t, c, "LPUSH", pre+"waiting", "a")
	}
	raw(t, c, "LPUSH", pre+"waiting", "ghost") // an id without a job: asynq#764, bull#850
	eventually(t, "copies are passed over", func() bool { return rawInt(t, c, "LLEN", pre+"waiting") == 0 })
	close(b.release)
	eventually(t, "completed", func() bool { return stats(t, q) == Stats{CompletedTotal: 1} })
	if len(b.started) != 0 {
		t.Errorf("it ran %d times more", len(b.started))
	}
}

// A key of another type in a job's place, and in that of the events, costs nobody
// but itself.
func TestForeignKeysHarmNoOtherJob(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c)
	raw(t, c, "SET", pre+"foreign", "no hash")
	raw(t, c, "SET", pre+"events", "no stream")
	raw(t, c, "LPUSH", pre+"waiting", "foreign")
	for i := range 12 {
		add(t, q, spec("good"+strconv.Itoa(i)))
	}
	run(t, q, handler{process: func(context.Context, *Job) error { return nil }})
	eventually(t, "the others completed", func() bool {
		return stats(t, q) == Stats{CompletedTotal: 12, Failed: 1, FailedTotal: 1}
	})
	if rawInt(t, c, "HEXISTS", pre+"meta", "stalledTotal") != 0 {
		t.Error("a worker is called lost")
	}
	if rawInt(t, c, "EXISTS", pre+"active", pre+"leases", pre+"owners") != 0 {
		t.Error("something is in work")
	}
}

// What BLMOVE moved is taken at once after an exchange that failed; left to the
// sweeper it would wait for a lease to end.
func TestWhatWasMovedOutlivesAFailedExchange(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	c := s.Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.Lease = time.Hour })
	add(t, q, spec("a"))
	raw(t, c, "LMOVE", pre+"waiting", pre+"active", "RIGHT", "LEFT")
	raw(t, c, "SET", pre+"meta", "no hash")
	failed, worked := make(chan struct{}, 100), make(chan struct{})
	p := NewPool(q, handler{process: func(context.Context, *Job) error { close(worked); return nil }},
		Hooks{Error: func(string, error) { failed <- struct{}{} }})
	l := p.lanes[0]
	l.next.moved = "a"
	life, end := context.WithCancel(t.Context())
	returned := make(chan struct{})
	go func() { l.run(life, life); close(returned) }()
	<-failed
	raw(t, c, "DEL", pre+"meta")
	select {
	case <-worked:
	case <-time.After(20 * time.Second):
		t.Error("the job was not taken")
	}
	end()
	<-returned
}

// A lane whose pool stops while Redis is away leaves what it took to others.
func TestStopLeavesWhatHasNotBegun(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	q := newQueue(t, s.Client(t))
	l := NewPool(q, handler{}, Hooks{}).lanes[0]
	l.next.moved = "a"
	s.Kill()
	stop, end := context.WithCancel(t.Context())
	end()
	returned := make(chan struct{})
	go func() { l.run(stop, t.Context()); close(returned) }()
	select {
	case <-returned:
	case <-time.After(20 * time.Second):
		t.Error("it does not return while its pool lives")
	}
}

// DEL of a job's hash leaves its id behind. A job that is added again as one
// that was accepted before runs at once; its turn would take it for one that is
// elsewhere.
func TestIDLeftBehindDoesNotHoldItsNextJob(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.KeepCompleted = KeepAll })
	for id, list := range map[string]string{"f": "failed", "c": "completed", "d": "delayed"} {
		raw(t, c, "ZADD", pre+list, "9999999999999", id)
		next := spec(id)
		next.Accepted = true
		add(t, q, next)
		if job, err := q.Job(t.Context(), id); err != nil || job.State != Waiting {
			t.Errorf("after %s: %s, %v", list, job.State, err)
		}
	}
	b := newBlocked()
	close(b.release)
	run(t, q, b)
	eventually(t, "all completed", func() bool { return stats(t, q) == Stats{Completed: 3, CompletedTotal: 3} })
}

func TestCancelReachesTheWorker(t *testing.T) {
	t.Parallel()
	s := redistest.Shared(t)
	q := newQueue(t, s.Client(t), func(cfg *Config) { cfg.Lease = 30 * time.Second }) // not by renewal
	b := newBlocked()
	run(t, q, b)
	add(t, q, spec("a"))
	<-b.started
	if err := q.Remove(t.Context(), "a"); err == nil {
		t.Error("Remove took a job from its worker")
	}
	other := newQueue(t, s.Client(t))
	// The message is a hint, so it may come before the pool listens: then once more.
	eventually(t, "the worker hears of it", func() bool {
		if err := other.Cancel(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		_ = other.tell(t.Context(), msgCancel)
		select {
		case cause := <-b.causes:
			return errors.Is(cause, ErrLeaseLost)
		case <-time.After(20 * time.Millisecond):
			return false
		}
	})
	eventually(t, "nothing is left", func() bool { return stats(t, q) == Stats{} })
}

func TestStopHandsBackWithoutSpendingAnAttempt(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c)
	b := newBlocked()
	_, stop := run(t, q, b)
	add(t, q, spec("a"), spec("b"))
	<-b.started
	<-b.started
	stop()
	if s := stats(t, q); s != (Stats{Waiting: 2}) {
		t.Errorf("after the stop: %+v", s)
	}
	for _, id := range []string{"a", "b"} {
		if info, err := q.Job(t.Context(), id); err != nil || info.AttemptsMade != 0 || info.Stalls != 0 {
			t.Errorf("job = %+v, %v", info, err)
		}
	}
	if cause := <-b.causes; !errors.Is(cause, ErrStopping) {
		t.Errorf("the work ended by %v", cause)
	}
}

func TestAttemptTimesOut(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.JobTimeout, cfg.MaxAttempts = 50*time.Millisecond, 1 })
	run(t, q, newBlocked())
	add(t, q, spec("a"))
	eventually(t, "failed", func() bool { return stats(t, q).Failed == 1 })
	if info, _ := q.Job(t.Context(), "a"); info.FailedReason == "" || info.AttemptsMade != 1 {
		t.Errorf("job = %+v", info)
	}
}

// A handler that ignores its context: reported, its job given up, its slot
// taken until it returns.
func TestStuckHandlerKeepsItsSlot(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) {
		cfg.JobTimeout, cfg.MaxAttempts, cfg.Concurrency = 50*time.Millisecond, 1, 1
	})
	release, stuck := make(chan struct{}), make(chan string, 1)
	p, _ := run(t, q, handler{process: func(context.Context, *Job) error { <-release; return nil }},
		Hooks{Stuck: func(id string, _ time.Duration) { stuck <- id }})
	add(t, q, spec("a"), spec("b"))
	if id := <-stuck; id != "a" {
		t.Errorf("stuck: %s", id)
	}
	eventually(t, "a failed", func() bool { return stats(t, q).Failed == 1 })
	if s := stats(t, q); s.Waiting != 1 {
		t.Errorf("the slot was given away: %+v", s)
	}
	if p.Busy() != 1 || p.Stuck() != 1 {
		t.Errorf("%d busy, %d stuck, want 1 and 1", p.Busy(), p.Stuck())
	}
	close(release)
	eventually(t, "b completed", func() bool { return stats(t, q).CompletedTotal == 1 })
	eventually(t, "nobody is in work", func() bool { return p.Busy() == 0 && p.Stuck() == 0 })
	if s := stats(t, q); s.Failed != 1 {
		t.Errorf("the late answer changed the failed job: %+v", s)
	}
}

// A store that is away when a failure is recorded: the queue waits for it.
func TestFailureIsRecordedBeforeTheQueueMovesOn(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.MaxAttempts = 1 })
	var tries atomic.Int32
	run(t, q, handler{
		process: func(context.Context, *Job) error { return errors.New("broken") },
		failed: func(context.Context, *Job, Failure) error {
			if s := stats(t, q); s.Active != 1 || s.Failed != 0 {
				t.Errorf("before the record: %+v", s)
			}
			if tries.Add(1) < 3 {
				return errors.New("the store is away")
			}
			return nil
		},
	})
	add(t, q, spec("a"))
	eventually(t, "failed", func() bool { return stats(t, q).Failed == 1 })
	if tries.Load() != 3 {
		t.Errorf("%d tries, want 3", tries.Load())
	}
}

func TestPostponedJobKeepsItsAttempts(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c)
	var runs atomic.Int32
	run(t, q, handler{process: func(_ context.Context, j *Job) error {
		if j.Attempt != 1 {
			t.Errorf("attempt %d", j.Attempt)
		}
		if runs.Add(1) < 5 {
			return Postpone(errors.New("the store is away"), 10*time.Millisecond)
		}
		return nil
	}})
	add(t, q, spec("a"))
	eventually(t, "completed", func() bool { return stats(t, q).CompletedTotal == 1 })
}

// asynq PR 926, bullmq#4479, #4585, #1658: Redis is away at the moment of the
// ack, and longer than a blocked pop waits.
func TestOutageAtTheMomentOfTheAck(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t, "--appendonly", "yes", "--appendfsync", "always")
	c := s.Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.Lease = 5 * time.Second })
	b := newBlocked()
	var failed atomic.Int32
	run(t, q, b, Hooks{Error: func(string, error) { failed.Add(1) }})
	add(t, q, spec("a"), Spec{ID: "late", Name: "n", Delay: 2 * time.Second})
	<-b.started
	s.Kill()
	close(b.release) // the ack meets a dead server
	eventually(t, "steps fail", func() bool { return failed.Load() > 3 })
	<-time.After(1500 * time.Millisecond) // longer than the blocked pop
	s.Restart()
	eventually(t, "both completed", func() bool {
		got, err := q.Stats(t.Context())
		return err == nil && got == Stats{CompletedTotal: 2}
	})
	add(t, q, spec("next"))
	eventually(t, "and the next one", func() bool { return stats(t, q).CompletedTotal == 3 })
}

func TestLossIsNoticedAndLostJobsAreNamed(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c)
	ctx := t.Context()
	lost := make(chan struct{}, 10)
	b := newBlocked()
	run(t, q, b, Hooks{Lost: func() { lost <- struct{}{} }})
	add(t, q, spec("a"))
	<-b.started
	eventually(t, "an epoch", func() bool { return rawInt(t, c, "HEXISTS", pre+"meta", "epoch") == 1 })
	eventually(t, "the promoter knows it", func() bool { // it looks every half second
		raw(t, c, "FLUSHDB")
		select {
		case <-lost:
			return true
		case <-time.After(700 * time.Millisecond):
			return false
		}
	})
	if cause := <-b.causes; !errors.Is(cause, ErrLeaseLost) {
		t.Errorf("the work ended by %v", cause)
	}

	if err := q.Pause(ctx); err != nil {
		t.Fatal(err)
	}
	add(t, q, spec("held"), spec("listless"), Spec{ID: "later", Name: "n", Delay: time.Hour})
	raw(t, c, "LREM", pre+"waiting", "0", "listless")
	held, err := q.Held(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	got, err := held.Lost(ctx, []string{"held", "listless", "later", "never"})
	if err != nil || !slices.Equal(got, []string{"listless", "never"}) {
		t.Errorf("Lost = %v, %v", got, err)
	}
	if n, err := q.Restore(ctx, "held", "listless", "later", "never"); err != nil || n != 1 {
		t.Errorf("Restore = %d, %v; want 1, the listless one", n, err)
	}
	if s := stats(t, q); s.Paused != 2 || s.Delayed != 1 {
		t.Errorf("stats = %+v", s)
	}
}

func TestScriptsMayBeFlushed(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	c := s.Client(t)
	q := newQueue(t, c)
	run(t, q, handler{process: func(context.Context, *Job) error {
		raw(t, c, "SCRIPT", "FLUSH")
		return nil
	}})
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		add(t, q, spec(id))
		raw(t, c, "SCRIPT", "FLUSH")
	}
	eventually(t, "all completed", func() bool { return stats(t, q).CompletedTotal == 5 })
}

// Redis dies between the claim and the begin, and the pool is told to stop.
func TestStopWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	q := newQueue(t, s.Client(t))
	add(t, q, spec("a"))
	p := NewPool(q, handler{}, Hooks{})
	done := make(chan error, 1)
	s.Kill()
	ctx, end := context.WithCancel(context.Background())
	go func() { done <- p.Run(ctx, 0) }()
	end()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("Run: %v, although no handler was left", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the pool does not stop without Redis")
	}
}

// A job that comes back to the pool which lost it: its first run is ended.
func TestSamePoolTakesItsLostJobAgain(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.Lease = 30 * time.Second }) // no renewal comes to help
	b := newBlocked()
	run(t, q, b)
	add(t, q, spec("a"))
	<-b.started
	raw(t, c, "HDEL", pre+"owners", "a")
	raw(t, c, "ZREM", pre+"leases", "a")
	raw(t, c, "LREM", pre+"active", "0", "a")
	raw(t, c, "LPUSH", pre+"waiting", "a")
	<-b.started
	if cause := <-b.causes; !errors.Is(cause, ErrLeaseLost) {
		t.Errorf("the first run ended by %v", cause)
	}
	close(b.release)
	eventually(t, "completed", func() bool { return stats(t, q) == Stats{CompletedTotal: 1} })
}

func TestOnlyTheNewestFinishedJobsAreKept(t *testing.T) {
	t.Parallel()
	q := newQueue(t, redistest.Shared(t).Client(t), func(cfg *Config) { cfg.KeepCompleted, cfg.KeepFailed = Keep{Count: 2}, Keep{Count: 3} })
	run(t, q, handler{process: func(_ context.Context, j *Job) error {
		if j.Name == "bad" {
			return Permanent(errors.New("broken"))
		}
		return nil
	}})
	for _, id := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
		add(t, q, spec("good"+id), Spec{ID: "bad" + id, Name: "bad"})
	}
	eventually(t, "all ended and trimmed", func() bool {
		return stats(t, q) == Stats{Completed: 2, Failed: 3, CompletedTotal: 8, FailedTotal: 8}
	})
}
