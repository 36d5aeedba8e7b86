package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// sweeper is the loop that puts back the jobs of lost workers, of any pool,
// until ctx ends. With a lease of 10 s a job is back at the latest 12.5 s
// after its worker died.
func (p *Pool) sweeper(ctx context.Context) {
	every := min(max(p.q.cfg.Lease/4, 200*time.Millisecond), 2500*time.Millisecond)
	for sleep(ctx, every) {
		err := p.sweep(ctx)
		p.hooks.swept(err == nil)
		if err != nil {
			p.report("sweep", err)
		}
	}
}

func (p *Pool) sweep(ctx context.Context) error {
	look, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	k := p.q.keys
	answer, err := p.q.scripts.sweep.Exec(look, p.q.client,
		[]string{k.active, k.leases, k.waiting, k.urgent, k.solo, k.meta}, []string{millis(p.q.cfg.Lease)}).ToArray()
	if err != nil {
		return fmt.Errorf("queue: sweep: %w", err)
	}
	for i, kind := range []Repair{Leaseless, Unlisted} {
		n, err := answer[i].AsInt64()
		if err != nil {
			return fmt.Errorf("queue: sweep: %w", err)
		}
		p.hooks.repaired(kind, int(n))
	}
	expired, err := texts(answer[2:])
	if err != nil {
		return fmt.Errorf("queue: sweep: %w", err)
	}
	var errs []error
	for _, id := range expired {
		err := p.recover(ctx, id)
		if err == nil {
			continue
		}
		errs = append(errs, fmt.Errorf("queue: recover %s: %w", id, err))
		if _, answered := rueidis.IsRedisErr(err); !answered {
			break // the others would fare no better
		}
	}
	return errors.Join(errs...)
}

// recover takes a job whose lease has ended from its worker.
func (p *Pool) recover(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	k := p.q.keys
	n, err := p.q.scripts.recover.Exec(ctx, p.q.client,
		[]string{k.active, k.leases, k.owners, k.waiting, k.urgent, k.solo, k.meta, k.events, k.job(id)},
		[]string{id, strconv.Itoa(p.q.cfg.MaxStalls)}).AsInt64()
	if err != nil {
		return err
	}
	switch n {
	case 1:
		p.hooks.repaired(Stalled, 1)
		p.hooks.recovered(id)
	case 2:
		p.hooks.repaired(Ghost, 1)
	case 3:
		p.hooks.repaired(Unbegun, 1)
		p.hooks.recovered(id)
	}
	return nil
}
