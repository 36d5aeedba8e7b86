package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"
)

// ack asks the settler to complete a job.
type ack struct {
	job  *Job
	done chan struct{} // closed when Redis has been told, or never will be
}

// ackBatch bounds how many jobs one script completes.
const ackBatch = 200

// settler is the loop that completes jobs, until ctx ends. All that came in
// while one exchange was under way go together in the next; a lone job waits
// for nothing.
func (p *Pool) settler(ctx context.Context) {
	for {
		var batch []*ack
		select {
		case <-ctx.Done():
			return
		case a := <-p.acks:
			batch = append(batch, a)
		}
		for more := true; more && len(batch) < ackBatch; {
			select {
			case a := <-p.acks:
				batch = append(batch, a)
			default:
				more = false
			}
		}
		_ = p.persist(ctx, "complete jobs", func(ctx context.Context) error { return p.complete(ctx, batch) })
		p.trim(ctx, p.q.keys.completed, p.q.cfg.KeepCompleted)
		for _, a := range batch {
			close(a.done)
		}
	}
}

func (p *Pool) complete(ctx context.Context, batch []*ack) error {
	k := p.q.keys
	keys := []string{k.active, k.leases, k.owners, k.completed, k.meta, k.events}
	args := make([]string, 1, 1+2*len(batch))
	args[0] = flag(p.q.cfg.KeepCompleted != KeepNone)
	for _, a := range batch {
		keys = append(keys, k.job(a.job.ID))
		args = append(args, a.job.ID, a.job.token)
	}
	// A 0 for a job is a lease lost, or the answer to an exchange that is
	// repeated because its first answer was lost: nothing is left to do.
	return p.q.scripts.complete.Exec(ctx, p.q.client, keys, args).Error()
}

// settle tells Redis how an attempt ended and lets go of the job. It repeats
// until it is through or the pool's life ends; then the lease ends by itself.
func (p *Pool) settle(life context.Context, job *Job, err error) {
	defer p.drop(job)
	var postponed *postponedError
	switch {
	case err == nil:
		a := &ack{job, make(chan struct{})}
		select {
		case p.acks <- a:
		case <-life.Done():
			return
		}
		select {
		case <-a.done:
		case <-life.Done():
		}
	case errors.Is(err, ErrLeaseLost):
		// It is somebody else's now.
	case errors.Is(err, ErrStopping):
		p.release(life, job, 0)
	case errors.As(err, &postponed):
		p.release(life, job, postponed.delay)
	default:
		p.failed(life, job, err)
	}
}

// trim removes the oldest finished jobs beyond those to be kept. What it misses
// the next call finds.
func (p *Pool) trim(ctx context.Context, key string, keep Keep) {
	if keep <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	ids, err := p.q.client.Do(ctx, p.q.client.B().Zrange().Key(key).
		Min("0").Max(strconv.Itoa(-int(keep)-1)).Build()).AsStrSlice()
	if err == nil {
		_, err = p.q.removeAll(ctx, ids)
	}
	if err != nil {
		p.report("remove finished jobs", err)
	}
}

func (p *Pool) drop(job *Job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held[job.ID] == job {
		delete(p.held, job.ID)
	}
}

func (p *Pool) release(life context.Context, job *Job, delay time.Duration) {
	k := p.q.keys
	_ = p.persist(life, "hand a job back", func(ctx context.Context) error {
		return p.q.scripts.release.Exec(ctx, p.q.client,
			[]string{k.active, k.leases, k.owners, k.waiting, k.delayed, k.events, k.job(job.ID)},
			[]string{job.ID, job.token, millis(delay)}).Error()
	})
}

// failed records a failed attempt, first with the handler, then in the queue.
func (p *Pool) failed(life context.Context, job *Job, err error) {
	var permanent *permanentError
	f := Failure{Err: err, Final: errors.As(err, &permanent) || job.Attempt >= job.MaxAttempts}
	if !f.Final {
		f.Delay = p.q.cfg.backoff(job.Attempt, p.random())
	}
	lost := false
	if p.persist(life, "record a failure", func(ctx context.Context) error {
		err := p.tellHandler(ctx, job, f)
		lost = errors.Is(err, ErrLeaseLost)
		if lost {
			return nil
		}
		return err
	}) != nil || lost {
		return
	}

	k := p.q.keys
	reason, attempt := err.Error(), describe(job.Attempt, err)
	defer p.trim(life, k.failed, p.q.cfg.KeepFailed)
	_ = p.persist(life, "fail a job", func(ctx context.Context) error {
		if f.Final {
			return p.q.scripts.fail.Exec(ctx, p.q.client,
				[]string{k.active, k.leases, k.owners, k.failed, k.meta, k.events, k.job(job.ID)},
				[]string{job.ID, job.token, reason, attempt, flag(p.q.cfg.KeepFailed != KeepNone)}).Error()
		}
		return p.q.scripts.retry.Exec(ctx, p.q.client,
			[]string{k.active, k.leases, k.owners, k.delayed, k.events, k.job(job.ID)},
			[]string{job.ID, job.token, reason, attempt, millis(f.Delay)}).Error()
	})
}

func (p *Pool) tellHandler(ctx context.Context, job *Job, f Failure) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = recovered(v)
		}
	}()
	return p.handler.Failed(ctx, job, f)
}

// progress stores a job's progress if it is still the worker's.
func (p *Pool) progress(ctx context.Context, job *Job, value string) error {
	k := p.q.keys
	n, err := p.q.scripts.progress.Exec(ctx, p.q.client,
		[]string{k.owners, k.events, k.job(job.ID)}, []string{job.ID, job.token, value}).AsInt64()
	if err != nil {
		return fmt.Errorf("queue: progress of job %s: %w", job.ID, err)
	}
	if n == 0 {
		return ErrLeaseLost
	}
	return nil
}

// maxTrace bounds what one attempt adds to a job's stacktrace, in bytes.
const maxTrace = 4096

// describe is one entry of a job's stacktrace, as a JSON string.
func describe(attempt int, err error) string {
	s := fmt.Sprintf("%s attempt %d: %v", time.Now().UTC().Format(time.RFC3339), attempt, err)
	var p *PanicError
	if errors.As(err, &p) {
		s += "\n" + string(p.Stack)
	}
	b, _ := json.Marshal(s[:min(len(s), maxTrace)]) // a string always encodes
	return string(b)
}

func recovered(v any) error { return &PanicError{Value: v, Stack: debug.Stack()} }

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
