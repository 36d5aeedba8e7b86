package queue

import (
	"context"
	"fmt"
	"time"
)

// heartbeat is the loop that renews the leases of this pool's jobs, beside
// their work and not in it, until ctx ends. A job that turns out to be
// somebody else's has its context ended.
func (p *Pool) heartbeat(ctx context.Context) {
	tick := time.NewTicker(p.q.cfg.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-p.hurry:
		}
		jobs := p.holds()
		for len(jobs) > 0 {
			batch := jobs[:min(len(jobs), turnSize)]
			jobs = jobs[len(batch):]
			held, err := p.renew(ctx, batch)
			if err != nil {
				p.report("renew leases", err)
				break
			}
			for i, job := range batch {
				if !held[i] {
					job.end(ErrLeaseLost)
				}
			}
		}
	}
}

// renew extends leases and reports for each job whether it is still held.
func (p *Pool) renew(ctx context.Context, jobs []*Job) ([]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, p.q.cfg.Lease/3)
	defer cancel()
	args := make([]string, 1, 1+2*len(jobs))
	args[0] = millis(p.q.cfg.Lease)
	for _, j := range jobs {
		args = append(args, j.ID, j.token)
	}
	n, err := p.q.scripts.renew.Exec(ctx, p.q.client, []string{p.q.keys.leases, p.q.keys.owners}, args).AsIntSlice()
	if err != nil {
		return nil, fmt.Errorf("queue: renew: %w", err)
	}
	held := make([]bool, len(jobs))
	for i := range n {
		held[i] = n[i] == 1
	}
	return held, nil
}
