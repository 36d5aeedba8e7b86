package main

import (
	"context"
	"errors"
	"sync/atomic"

	"revela/bench/report"
	"revela/bench/rig"
	"revela/queue"
)

const (
	fewWaiting  = 100 // what a long queue is compared with
	growthTurns = 20  // of each queue, on a batch of as many jobs as a pool has workers
	growthViews = 25  // how often each view is read in a turn
)

// grown is a queue of some length whose steps are measured. It is for one
// goroutine.
type grown struct {
	*contender
	ledger ledger
	next   int // number of the next job
}

// growth measures what single steps cost with few and with many waiting jobs:
// two queues, each on a server of its own, in turns.
func (c *contender) growth(ctx context.Context, n int, line func(phase string, m report.Metrics) error) error {
	redis, err := rig.StartRedis()
	if err != nil {
		return err
	}
	defer redis.Close()
	beside, err := open(ctx, redis, c.concurrency)
	if err != nil {
		return err
	}
	defer beside.close()

	few, many := &grown{contender: beside}, &grown{contender: c}
	if err := errors.Join(few.grow(ctx, fewWaiting), many.grow(ctx, n)); err != nil {
		return err
	}
	for _, turn := range []func(*grown, context.Context) error{(*grown).work, (*grown).views, (*grown).remove, (*grown).afterRemove} {
		for range growthTurns {
			if err := errors.Join(turn(few, ctx), turn(many, ctx)); err != nil {
				return err
			}
		}
	}
	for i, s := range few.ledger.steps {
		if err := line("growth-"+s.name, compare(s, many.ledger.steps[i], fewWaiting, n)); err != nil {
			return err
		}
	}
	return nil
}

// grow makes the queue as long as it shall be.
func (g *grown) grow(ctx context.Context, n int) error {
	g.ledger.redis, g.next = g.redis, n
	if _, err := g.queue.Add(ctx, jobs(0, n)...); err != nil {
		return err
	}
	return g.redis.Rest(ctx)
}

// add adds a batch of jobs one after the other.
func (g *grown) add(ctx context.Context) ([]queue.Spec, error) {
	specs := jobs(g.next, g.concurrency)
	g.next += len(specs)
	return specs, g.ledger.measure(ctx, "add", len(specs), func() error { return g.addEach(ctx, specs, 1) })
}

// work adds a batch and lets a pool work on as many. The pool holds what it
// takes until it has a batch; then it is told to take no more, and lets them
// end. So the one step is told from the other. Claiming pays for the pool's start.
func (g *grown) work(ctx context.Context) error {
	if _, err := g.add(ctx); err != nil {
		return err
	}
	var taken atomic.Int64
	all, release := make(chan struct{}), make(chan struct{})
	var p *pool
	err := g.ledger.measure(ctx, "claim", g.concurrency, func() error {
		p = g.start(ctx, func() {
			if taken.Add(1) == int64(g.concurrency) {
				close(all)
			}
			<-release
		})
		return wait(ctx, all)
	})
	if err != nil {
		close(release)
		return errors.Join(err, p.stop())
	}
	return g.ledger.measure(ctx, "ack", g.concurrency, func() error {
		p.cancel()
		close(release)
		return p.stop()
	})
}

// views reads what the dashboard and the API show of a queue.
func (g *grown) views(ctx context.Context) error {
	err := g.ledger.repeat(ctx, "stats", growthViews, func() error { _, err := g.queue.Stats(ctx); return err })
	for _, state := range []queue.State{queue.Waiting, queue.Active, queue.Delayed, queue.Completed, queue.Failed} {
		if err != nil {
			return err
		}
		err = g.list(ctx, "list-"+string(state), state)
	}
	return err
}

func (g *grown) list(ctx context.Context, name string, state queue.State) error {
	return g.ledger.repeat(ctx, name, growthViews, func() error {
		_, err := g.queue.Jobs(ctx, state, 0, queue.MaxPage-1)
		return err
	})
}

// remove adds a batch and removes it while it waits.
func (g *grown) remove(ctx context.Context) error {
	specs, err := g.add(ctx)
	if err != nil {
		return err
	}
	return g.ledger.measure(ctx, "remove", len(specs), func() error {
		for _, s := range specs {
			if err := g.queue.Remove(ctx, s.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

func (g *grown) afterRemove(ctx context.Context) error {
	return g.list(ctx, "list-waiting-after-remove", queue.Waiting)
}
