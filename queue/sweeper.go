package queue

import (
	"context"
	"fmt"
	"time"
)

// sweeper is the loop that puts back the jobs of lost workers, of any pool,
// until ctx ends. With a lease of 10 s a job is back at the latest 12.5 s
// after its worker died.
func (p *Pool) sweeper(ctx context.Context) {
	every := min(max(p.q.cfg.Lease/4, 200*time.Millisecond), 2500*time.Millisecond)
	for sleep(ctx, every) {
		if err := p.sweep(ctx); err != nil {
			p.report("sweep", err)
		}
	}
}

func (p *Pool) sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	k := p.q.keys
	expired, err := p.q.scripts.sweep.Exec(ctx, p.q.client,
		[]string{k.active, k.leases, k.waiting, k.meta}, []string{millis(p.q.cfg.Lease)}).AsStrSlice()
	if err != nil {
		return fmt.Errorf("queue: sweep: %w", err)
	}
	for _, id := range expired {
		n, err := p.q.scripts.recover.Exec(ctx, p.q.client,
			[]string{k.active, k.leases, k.owners, k.waiting, k.meta, k.events, k.job(id)}, []string{id}).AsInt64()
		if err != nil {
			return fmt.Errorf("queue: recover %s: %w", id, err)
		}
		if n == 1 && p.hooks.Recovered != nil {
			p.hooks.Recovered(id)
		}
	}
	return nil
}
