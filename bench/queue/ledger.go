package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"revela/bench/report"
	"revela/bench/rig"
)

// ledger adds up what the steps of the queue cost, by their name. It is for one
// goroutine.
type ledger struct {
	redis *rig.Redis
	steps []step
}

type step struct {
	name string
	n    int // how often it was done
	cost rig.Cost
}

// measure does a step n times in one go and adds its cost.
func (l *ledger) measure(ctx context.Context, name string, n int, work func() error) error {
	cost, err := l.redis.Measure(ctx, work)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	i := slices.IndexFunc(l.steps, func(s step) bool { return s.name == name })
	if i < 0 {
		i = len(l.steps)
		l.steps = append(l.steps, step{name: name})
	}
	l.steps[i].n += n
	l.steps[i].cost.Add(cost)
	return nil
}

// repeat measures n calls of op.
func (l *ledger) repeat(ctx context.Context, name string, n int, op func() error) error {
	return l.measure(ctx, name, n, func() error {
		for range n {
			if err := op(); err != nil {
				return err
			}
		}
		return nil
	})
}

// compare puts a step's cost with few waiting jobs beside that with many.
func compare(few, many step, fewJobs, manyJobs int) report.Metrics {
	m := report.Metrics{"n": float64(few.n)}
	add := func(what string, a, b time.Duration) {
		f, l := rig.Micros(a)/float64(few.n), rig.Micros(b)/float64(many.n)
		m[fmt.Sprintf("%s_us_at_%d", what, fewJobs)] = f
		m[fmt.Sprintf("%s_us_at_%d", what, manyJobs)] = l
		if f > 0 { // the clock of the server's processor time may be coarse
			m[what+"_ratio"] = l / f
		}
	}
	add("redis", few.cost.Redis, many.cost.Redis)
	add("wall", few.cost.Wall, many.cost.Wall)
	return m
}
