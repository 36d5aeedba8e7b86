package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"revela/app/redis"
	"revela/bench/report"
	"revela/bench/rig"
	"revela/queue"
)

// inFlight is how many jobs are added at the same time.
const inFlight = 500

// contender is our queue, in the process that is measured.
type contender struct {
	redis       *rig.Redis
	conn        *redis.Conn
	queue       *queue.Queue
	concurrency int
}

// open connects to a server as the service does.
func open(ctx context.Context, r *rig.Redis, concurrency int) (*contender, error) {
	conn, err := redis.Open(ctx, redis.Config{URL: "redis://" + r.Addr}, zap.NewNop())
	if err != nil {
		return nil, err
	}
	cfg := queue.DefaultConfig()
	cfg.Concurrency = concurrency
	q, err := queue.New(conn.Client(), cfg, false)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &contender{r, conn, q, concurrency}, nil
}

func (c *contender) close() { _ = c.conn.Close() } // nothing is left to be lost

// contend works through phases and prints a line for each.
func contend(ctx context.Context, out io.Writer, addr string, phases []string, n, concurrency int) error {
	r, err := rig.DialRedis(addr)
	if err != nil {
		return err
	}
	defer r.Close()
	c, err := open(ctx, r, concurrency)
	if err != nil {
		return err
	}
	defer c.close()
	line := func(phase string, m report.Metrics) error { return printLine(out, phase, m) }
	for _, phase := range phases {
		if err := c.run(ctx, phase, n, line); err != nil {
			return fmt.Errorf("%s: %w", phase, err)
		}
	}
	return nil
}

func (c *contender) run(ctx context.Context, phase string, n int, line func(phase string, m report.Metrics) error) (err error) {
	var m report.Metrics
	switch phase {
	case "add":
		specs := jobs(0, n)
		m, err = c.measure(ctx, n, func() error { return c.addEach(ctx, specs, inFlight) })
	case "add-bulk", "fill":
		specs := jobs(0, n)
		m, err = c.measure(ctx, n, func() error { _, err := c.queue.Add(ctx, specs...); return err })
	case "process":
		m, err = c.process(ctx, n)
	case "latency":
		m, err = c.latency(ctx, n)
	case "growth":
		return c.growth(ctx, n, line)
	default:
		return errors.New("no phase of this name")
	}
	if err != nil {
		return err
	}
	return line(phase, m)
}

// printLine tells the process that started this one what a phase took.
func printLine(out io.Writer, phase string, m report.Metrics) error {
	line := map[string]any{"phase": phase}
	for name, v := range m {
		line[name] = v
	}
	return json.NewEncoder(out).Encode(line)
}

func (c *contender) measure(ctx context.Context, n int, work func() error) (report.Metrics, error) {
	cost, err := c.redis.Measure(ctx, work)
	if err != nil {
		return nil, err
	}
	return cost.PerJob(n), nil
}

// addEach adds jobs one by one, so many at the same time.
func (c *contender) addEach(ctx context.Context, specs []queue.Spec, inFlight int) error {
	var next atomic.Int64
	adders, ctx := errgroup.WithContext(ctx)
	for range inFlight {
		adders.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(specs) {
					return nil
				}
				if _, err := c.queue.Add(ctx, specs[i]); err != nil {
					return err
				}
			}
		})
	}
	return adders.Wait()
}

// process ends when Redis says that nothing waits and nothing is in work: the
// last acknowledgement is part of the work, the end of the pool is not.
func (c *contender) process(ctx context.Context, n int) (report.Metrics, error) {
	var seen atomic.Int64
	all := make(chan struct{})
	var p *pool
	m, err := c.measure(ctx, n, func() error {
		p = c.start(ctx, func() {
			if seen.Add(1) == int64(n) {
				close(all)
			}
		})
		if err := wait(ctx, all); err != nil {
			return err
		}
		return c.empty(ctx)
	})
	return m, errors.Join(err, p.stop())
}

// empty waits until the queue has neither waiting nor active jobs.
func (c *contender) empty(ctx context.Context) error {
	for {
		s, err := c.queue.Stats(ctx)
		if err != nil || s.Waiting+s.Active == 0 {
			return err
		}
		if err := pause(ctx, time.Millisecond); err != nil {
			return err
		}
	}
}
