package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Handler does the work of jobs. Its methods are called from many goroutines.
type Handler interface {
	// Process makes one attempt. Its context ends when the attempt times out,
	// the lease is lost or the pool stops; the cause says which. nil completes
	// the job; Permanent and Postpone mark errors that are not simply retried.
	Process(ctx context.Context, job *Job) error
	// Failed records that the attempt failed, before the queue does. It is
	// called for timeouts, panics and lost workers as well, and again until it
	// returns nil, ErrLeaseLost or an error that is Permanent: that the failure
	// cannot be recorded.
	Failed(ctx context.Context, job *Job, f Failure) error
}

// Failure is how an attempt ended.
type Failure struct {
	Err   error
	Final bool          // there will be no other attempt
	Delay time.Duration // until the next one, if not final
}

// Pool takes jobs from a queue and hands them to a handler, a bounded number
// at a time, and repairs what other pools left behind.
type Pool struct {
	q       *Queue
	handler Handler
	hooks   Hooks
	id      string         // host:pid:random
	random  func() float64 // jitter, in [0,1)

	lanes  []*lane
	tokens atomic.Uint64 // how many this pool has made
	hurry  chan struct{} // from control to the heartbeat
	trims  chan struct{} // from those who end jobs to the trimmer
	gone   chan struct{} // from lanes to the compactor

	inside atomic.Int64 // handlers that have not returned
	stuck  atomic.Int64 // those of them whose attempts have ended without them

	mu       sync.Mutex
	held     map[string]*Job // jobs with a lease, by id
	coming   int             // jobs that lanes asked for and that are not held yet
	solo     string          // id of the held job that is to run alone, or does; see solo.go
	stopping bool            // work ends as soon as it begins
}

// NewPool makes a pool of q's Concurrency workers. Run starts it.
func NewPool(q *Queue, h Handler, hooks Hooks) *Pool {
	host, _ := os.Hostname()
	p := &Pool{
		q: q, handler: h, hooks: hooks,
		id:     fmt.Sprintf("%s:%d:%s", host, os.Getpid(), rand.Text()[:8]),
		random: mathrand.Float64,
		hurry:  make(chan struct{}, 1),
		trims:  make(chan struct{}, 1),
		gone:   make(chan struct{}, 1),
		held:   make(map[string]*Job),
	}
	p.lanes = newLanes(p, q.cfg.Concurrency)
	return p
}

// ID names the pool in tokens and events.
func (p *Pool) ID() string { return p.id }

// The deadlines of a pool's steps.
const (
	stepTimeout  = 5 * time.Second // one exchange with Redis
	stuckAfter   = 3 * time.Second // a handler that has not returned so long after its context ended
	handBackTime = 8 * time.Second // after the grace period, to end work and tell Redis
)

// Run works until ctx ends. Then it takes no more jobs, lets work finish for
// at most grace, ends what is left and hands it back without counting the
// attempt. It returns an error if a handler did not return even then; the
// leases of its jobs end by themselves.
func (p *Pool) Run(ctx context.Context, grace time.Duration) error {
	life, endLife := context.WithCancel(context.WithoutCancel(ctx))
	var loops sync.WaitGroup
	for _, loop := range []func(context.Context){
		p.heartbeat, p.sweeper, p.promoter, p.trimmer, p.compactor, p.auditor, p.control,
	} {
		loops.Go(func() { loop(life) })
	}
	defer loops.Wait()
	defer endLife()

	idle := make(chan struct{})
	loops.Go(func() {
		var lanes sync.WaitGroup
		for _, l := range p.lanes {
			lanes.Go(func() { l.run(ctx, life) })
		}
		lanes.Wait()
		close(idle)
	})
	<-ctx.Done()
	if waitFor(idle, grace) {
		return nil
	}
	p.endWork()
	if waitFor(idle, handBackTime) {
		return nil
	}
	if n := p.inside.Load(); n > 0 {
		return fmt.Errorf("queue: %d jobs did not stop; other workers take them over when their leases end", n)
	}
	p.report("hand jobs back", errors.New("the server could not be told; the leases end by themselves"))
	return nil
}

// Busy is how many slots are taken by a handler.
func (p *Pool) Busy() int { return int(p.inside.Load()) }

// Stuck is how many slots are taken by a handler that does not return although its
// attempt has ended.
func (p *Pool) Stuck() int { return int(p.stuck.Load()) }

// hold notes that the lease of a job that came is to be renewed.
func (p *Pool) hold(job *Job) {
	p.mu.Lock()
	former, stopping := p.held[job.ID], p.stopping
	p.held[job.ID] = job
	p.coming--
	p.mu.Unlock()
	if former != nil { // its lease ended, and the job came back to this very pool
		former.end(ErrLeaseLost)
	}
	if stopping {
		job.end(ErrStopping)
	}
}

// holds lists the jobs whose leases are to be renewed.
func (p *Pool) holds() []*Job {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Values(p.held))
}

// endWork ends the work on all jobs, and on those that are still to begin.
func (p *Pool) endWork() {
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	for _, job := range p.holds() {
		job.end(ErrStopping)
	}
}

// drop notes that a job's lease is not to be renewed any more.
func (p *Pool) drop(job *Job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if held := p.held[job.ID]; held != nil && held.token == job.token {
		delete(p.held, job.ID)
		p.fewer()
	}
}

// persist repeats a step until it succeeds or the pool's life ends, with a
// deadline of its own for each try.
func (p *Pool) persist(life context.Context, op string, step func(context.Context) error) error {
	for n := 1; ; n++ {
		try, cancel := context.WithTimeout(life, stepTimeout)
		err := step(try)
		cancel()
		if err == nil || life.Err() != nil {
			return err
		}
		p.report(op, err)
		if !sleep(life, reconnectDelay(n)) {
			return err
		}
	}
}

func (p *Pool) report(op string, err error) {
	if !errors.Is(err, context.Canceled) {
		p.hooks.failed(op, err)
	}
}

// reconnectDelay is how long to wait after the n-th failure in a row, the
// first being 1.
func reconnectDelay(n int) time.Duration {
	return min(time.Duration(n)*50*time.Millisecond, 2*time.Second)
}

// sleep waits for d and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func waitFor(done <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}
