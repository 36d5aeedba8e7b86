package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// settle tells Redis how an attempt ended that did not complete its job, and lets
// go of the job. It repeats until it is through or the pool's life ends; then the
// lease ends by itself.
func (p *Pool) settle(life context.Context, job *Job, err error) {
	defer p.drop(job)
	var postponed *postponedError
	switch {
	case errors.Is(err, ErrLeaseLost): // it is somebody else's now
		p.hooks.ended(job, Deprived)
	case errors.Is(err, ErrStopping):
		p.handBack(life, job, 0)
	case errors.As(err, &postponed):
		p.handBack(life, job, postponed.delay)
	default:
		p.failed(life, job, err)
	}
}

// handBack puts a job back whose attempt does not count.
func (p *Pool) handBack(life context.Context, job *Job, delay time.Duration) {
	p.hooks.ended(job, Released)
	k := p.q.keys
	_ = p.persist(life, "hand a job back", func(ctx context.Context) error {
		return p.q.scripts.release.Exec(ctx, p.q.client,
			[]string{k.active, k.leases, k.owners, k.waiting, k.urgent, k.solo, k.delayed, k.events, k.job(job.ID)},
			[]string{job.ID, job.token, millis(delay)}).Error()
	})
}

// failed records a failed attempt, first with the handler, then in the queue.
func (p *Pool) failed(life context.Context, job *Job, err error) {
	f := Failure{Err: err, Final: isPermanent(err) || job.Attempt >= job.MaxAttempts}
	outcome := GaveUp
	if !f.Final {
		f.Delay, outcome = p.q.cfg.backoff(job.Attempt, p.random()), Retried
	}
	lost := false
	if p.persist(life, "record a failure", func(ctx context.Context) error {
		err := p.tellHandler(ctx, job, f)
		lost = errors.Is(err, ErrLeaseLost)
		if isPermanent(err) {
			p.report("record a failure", err)
			return nil
		}
		if lost {
			return nil
		}
		return err
	}) != nil {
		return
	}
	if lost {
		p.hooks.ended(job, Deprived)
		return
	}
	p.hooks.ended(job, outcome)
	k := p.q.keys
	reason, attempt := clip(err.Error(), maxReason), describe(job.Attempt, err)
	_ = p.persist(life, "fail a job", func(ctx context.Context) error {
		if f.Final {
			return p.q.scripts.fail.Exec(ctx, p.q.client,
				[]string{k.active, k.leases, k.owners, k.failed, k.meta, k.events, k.job(job.ID)},
				[]string{job.ID, job.token, reason, attempt, flag(!p.q.cfg.KeepFailed.none())}).Error()
		}
		return p.q.scripts.retry.Exec(ctx, p.q.client,
			[]string{k.active, k.leases, k.owners, k.delayed, k.events, k.job(job.ID)},
			[]string{job.ID, job.token, reason, attempt, millis(f.Delay)}).Error()
	})
	if f.Final && p.q.cfg.KeepFailed.Count > 0 {
		nudge(p.trims)
	}
}

func (p *Pool) tellHandler(ctx context.Context, job *Job, f Failure) (err error) {
	defer contain(&err)
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

// What a job keeps of its failures: the reason of the last one, and of the last ten
// (see note in prelude.lua) a text with its time, its number and the stack of a panic.
const (
	maxReason = 1024 // bytes
	maxTrace  = 4096 // bytes of each text
)

// describe is one entry of a job's stacktrace, as a JSON string.
func describe(attempt int, err error) string {
	s := fmt.Sprintf("%s attempt %d: %v", time.Now().UTC().Format(time.RFC3339), attempt, err)
	var p *PanicError
	if errors.As(err, &p) {
		s += "\n" + string(p.Stack)
	}
	b, _ := json.Marshal(clip(s, maxTrace)) // a string always encodes
	return string(b)
}

// clip bounds a text, in bytes.
func clip(s string, most int) string {
	const more = "…"
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most-len(more)], "") + more
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
