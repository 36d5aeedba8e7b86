package queue_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"revela/app/redis"
	"revela/queue"
)

// rig is a producer and two processes' pools at work on one Redis, each with a
// connection of its own as the program makes it.
type rig struct {
	t      *testing.T
	q      *queue.Queue // the producer's
	conn   *redis.Conn
	ledger *ledger
	lossy  bool // data may be lost: then the owner adds again what the queue lost

	lost     chan struct{} // from the pools: Redis forgot, or may have forgotten
	losses   atomic.Int32
	returns  atomic.Int32 // of Redis
	refused  atomic.Int32 // Adds that failed
	errors   atomic.Int32 // steps that the pools had to repeat
	stopFeed func()
}

// lossy says that the scenario loses data that Redis had acknowledged.
func lossy(r *rig, _ *queue.Config) { r.lossy = true }

// lease sets the lease, which is 10 s otherwise: longer than the trouble, and so
// no job that has ended comes again for want of a renewal.
func lease(d time.Duration) func(*rig, *queue.Config) {
	return func(_ *rig, c *queue.Config) { c.Lease = d }
}

// newRig starts adding and working, and returns when both are under way.
func newRig(t *testing.T, cfg redis.Config, change ...func(*rig, *queue.Config)) *rig {
	t.Helper()
	r := &rig{t: t, ledger: newLedger(), lost: make(chan struct{}, 1)}
	qc := queue.DefaultConfig()
	qc.Concurrency, qc.Backoff, qc.Jitter, qc.Lease, qc.MaxStalls = 4, 50*time.Millisecond, 0, 10*time.Second, 9
	for _, f := range change {
		f(r, &qc)
	}
	r.conn, r.q = open(t, cfg, qc)
	for range 2 {
		_, q := open(t, cfg, qc)
		r.work(q)
	}
	r.feed()
	r.awaitProgress(20, "before the trouble")
	return r
}

// open connects as the program does.
func open(t *testing.T, cfg redis.Config, qc queue.Config) (*redis.Conn, *queue.Queue) {
	t.Helper()
	conn, err := redis.Open(t.Context(), cfg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	q, err := queue.New(conn.Client(), qc, conn.Cluster())
	if err != nil {
		t.Fatal(err)
	}
	return conn, q
}

// work runs a pool until the test ends.
func (r *rig) work(q *queue.Queue) {
	repair := func() {
		select {
		case r.lost <- struct{}{}:
		default:
		}
	}
	pool := queue.NewPool(q, r, queue.Hooks{
		Error: func(string, error) { r.errors.Add(1) },
		Lost:  func() { r.losses.Add(1); repair() },
		Back:  func() { r.returns.Add(1); repair() },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- pool.Run(ctx, time.Second) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("Run: %v", err)
		}
	})
}

// Process is an attempt as a task's processor makes one: it claims the record,
// works, proves its lease, and ends the record.
func (r *rig) Process(ctx context.Context, job *queue.Job) error {
	if !r.ledger.begin(job.ID, job.Token()) {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(20 * time.Millisecond)): // work
	}
	switch {
	case job.Name == "flaky" && job.Attempt == 1:
		return errors.New("the first attempt")
	case job.Name == "broken":
		return queue.Permanent(errors.New("broken"))
	}
	stale := !r.ledger.owns(job.ID, job.Token())
	if err := job.Extend(ctx); errors.Is(err, queue.ErrLeaseLost) {
		return err
	} else if err != nil {
		return queue.Postpone(err, 100*time.Millisecond)
	}
	if stale && !r.lossy { // a replica may know an older owner
		r.t.Errorf("job %s: the queue took an attempt for the owner's after it had given the job to another", job.ID)
	}
	if !r.ledger.end(job.ID, job.Token()) {
		return queue.ErrLeaseLost
	}
	return nil
}

// Failed ends the record of a job that will not be tried again.
func (r *rig) Failed(_ context.Context, job *queue.Job, f queue.Failure) error {
	if !f.Final {
		return nil
	}
	if job.Name != "broken" && job.Attempt < 3 {
		r.t.Errorf("job %s (%s) failed for good in attempt %d: %v", job.ID, job.Name, job.Attempt, f.Err)
	}
	if !r.ledger.end(job.ID, job.Token()) {
		return queue.ErrLeaseLost
	}
	return nil
}

func (r *rig) spec(i int) queue.Spec {
	s := queue.Spec{ID: fmt.Sprintf("j%05d", i), Name: "good", Data: []byte(`{}`)}
	switch {
	case i%10 == 3:
		s.Name = "flaky"
	case i%25 == 9:
		s.Name = "broken"
	case i%10 == 7:
		s.Delay = time.Duration(100+i%200) * time.Millisecond
	}
	return s
}

// feed adds one job after another, each until it is accepted, and, where data
// may be lost, adds again what the queue has lost.
func (r *rig) feed() {
	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loops.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ctx.Err() == nil; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			s := r.spec(i)
			try, done := context.WithTimeout(ctx, 2*time.Second)
			_, err := r.q.Add(try, s)
			done()
			if err != nil {
				r.refused.Add(1)
				r.ledger.doubt(s.ID)
				continue
			}
			r.ledger.accept(s.ID)
			i++
		}
	})
	r.stopFeed = sync.OnceFunc(func() { cancel(); loops.Wait() })
	r.t.Cleanup(r.stopFeed)
	if !r.lossy {
		return
	}
	repair, end := context.WithCancel(context.Background())
	var repairing sync.WaitGroup
	repairing.Go(func() {
		for repair.Err() == nil {
			select {
			case <-repair.Done():
			case <-r.lost:
				r.reconcile(repair)
			case <-time.After(time.Second):
				r.reconcile(repair)
			}
		}
	})
	r.t.Cleanup(func() { end(); repairing.Wait() })
}

// reconcile does what the tasks' Reconciler does, with the ledger for a store.
// What fails the next call does.
func (r *rig) reconcile(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	ids := r.ledger.open()
	held, err := r.q.Held(ctx, false)
	if err != nil {
		return
	}
	lost, err := held.Lost(ctx, ids)
	if err != nil {
		return
	}
	for _, id := range lost {
		var i int
		if _, err := fmt.Sscanf(id, "j%d", &i); err != nil {
			r.t.Errorf("%s: %v", id, err)
		}
		s := r.spec(i)
		s.Delay = 0
		if n, err := r.q.Add(ctx, s); err != nil || n == 1 {
			continue
		}
		_, _ = r.q.Restore(ctx, id)
	}
}

// awaitProgress waits until n more jobs have ended and returns how long the
// first of them took.
func (r *rig) awaitProgress(n int, when string) time.Duration {
	r.t.Helper()
	from, began := r.ledger.ended(), time.Now()
	var first time.Duration
	eventually(r.t, "jobs end "+when, func() bool {
		now := r.ledger.ended()
		if first == 0 && now > from {
			first = time.Since(began)
		}
		return now >= from+n
	})
	return first
}

// finish is called when the trouble is over: work must go on by itself, and
// every job that was accepted must end, once.
func (r *rig) finish(mayRunAgain bool) {
	r.t.Helper()
	resumed := r.awaitProgress(20, "after the trouble")
	r.stopFeed()
	eventually(r.t, "every accepted job has ended", func() bool { return len(r.ledger.open()) == 0 })
	eventually(r.t, "the queue is empty", func() bool {
		s, err := r.q.Stats(r.t.Context())
		return err == nil && s.Waiting == 0 && s.Active == 0 && s.Delayed == 0
	})
	if !r.lossy && !mayRunAgain {
		s, err := r.q.Stats(r.t.Context())
		if n := r.ledger.completions(); err != nil || s.CompletedTotal+s.FailedTotal != int64(n) {
			r.t.Errorf("the queue ended %d + %d jobs, the workers %d (%v)", s.CompletedTotal, s.FailedTotal, n, err)
		}
	}
	r.t.Logf("work went on %v after the trouble; %s; %d adds refused, %d steps repeated, %d losses noticed",
		resumed.Round(time.Millisecond), r.ledger.verdict(r.t, r.lossy || mayRunAgain), r.refused.Load(), r.errors.Load(), r.losses.Load())
}

// during lets the trouble last.
func during(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-t.Context().Done():
	case <-time.After(d):
	}
}

// receive waits for what comes from c.
func receive[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(40 * time.Second):
		t.Fatalf("not within 40 s: %s", what)
		panic("unreachable")
	}
}

// eventually polls cond until it holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(40 * time.Second)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within 40 s: %s", what)
		}
	}
}
