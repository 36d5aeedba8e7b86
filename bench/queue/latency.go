package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"revela/bench/report"
	"revela/bench/rig"
)

// The pause between two lone jobs is random, so that they do not fall into step
// with anything that polls.
const minGap, maxGap = 2 * time.Millisecond, 12 * time.Millisecond

// latency measures from the call that adds a job to the call of its handler.
func (c *contender) latency(ctx context.Context, n int) (report.Metrics, error) {
	begun := make(chan time.Time, 1)
	p := c.start(ctx, func() { begun <- time.Now() })
	took, err := c.loneJobs(ctx, n, begun)
	if err = errors.Join(err, p.stop()); err != nil {
		return nil, err
	}
	return percentiles(took), nil
}

func (c *contender) loneJobs(ctx context.Context, n int, begun <-chan time.Time) (took []time.Duration, err error) {
	for i := range n {
		if err := pause(ctx, minGap+rand.N(maxGap-minGap)); err != nil {
			return nil, err
		}
		added := time.Now()
		if _, err := c.queue.Add(ctx, job(i)); err != nil {
			return nil, err
		}
		select {
		case at := <-begun:
			took = append(took, at.Sub(added))
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return took, nil
}

// percentiles of at least one duration.
func percentiles(took []time.Duration) report.Metrics {
	slices.Sort(took)
	at := func(share float64) float64 { return rig.Millis(took[int(share*float64(len(took)-1)+0.5)]) }
	return report.Metrics{"n": float64(len(took)), "p50_ms": at(0.50), "p95_ms": at(0.95), "p99_ms": at(0.99)}
}
