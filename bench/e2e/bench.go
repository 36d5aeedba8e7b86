package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"revela/bench/report"
	"revela/bench/rig"
	"revela/imaging/imagetest"
)

// bench is one run: all stacks in turns on one redis-server.
type bench struct {
	report  *report.Report
	stacks  []stack
	rounds  int
	n       int // pictures a turn
	clients int
	workers int
	width   int // pixels
}

func (b *bench) run(ctx context.Context) error {
	picture := imagetest.JPEG(imagetest.Photo(b.width, b.width*3/4))
	u, err := newUpload(picture)
	if err != nil {
		return err
	}
	redis, err := rig.StartRedis()
	if err != nil {
		return err
	}
	defer redis.Close()
	b.report.Note("a JPEG of %d x %d pixels, %d kB, %d times; %d clients, %d workers",
		b.width, b.width*3/4, len(picture)/1000, b.n, b.clients, b.workers)
	for round := 1; round <= b.rounds; round++ {
		for _, s := range b.stacks {
			b.report.Note("round %d of %d: %s", round, b.rounds, s.who)
			m, err := b.turn(ctx, redis, s, u)
			if err != nil {
				return fmt.Errorf("%s: %w", s.who, err)
			}
			b.report.Add("upload-to-completed", s.who, m)
		}
	}
	b.report.Table()
	return nil
}

// turn measures a stack that has just been started, on an empty Redis and an
// empty directory, after it has done a picture for each worker.
func (b *bench) turn(ctx context.Context, redis *rig.Redis, s stack, u upload) (m report.Metrics, err error) {
	if err := redis.Reset(ctx); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "revela-e2e-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	srv, err := s.start(ctx, redis.Addr, dir, b.workers)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, srv.stop()) }()
	if _, err := load(ctx, srv.url, u, b.workers, b.workers); err != nil {
		return nil, err
	}

	before, unknown := rig.ReadProc(srv.cmd.Process.Pid)
	var r result
	cost, err := redis.Measure(ctx, func() (err error) { r, err = load(ctx, srv.url, u, b.n, b.clients); return err })
	if err != nil {
		return nil, err
	}
	n := float64(b.n)
	m = report.Metrics{
		"n": n, "wall_s": r.wall.Seconds(), "tasks_s": n / r.wall.Seconds(),
		"redis_ms_per_task": rig.Millis(cost.Redis) / n,
		"upload_p50_ms":     rig.Millis(percentile(r.uploads, 0.50)),
		"upload_p99_ms":     rig.Millis(percentile(r.uploads, 0.99)),
	}
	if unknown == nil {
		after, err := rig.ReadProc(srv.cmd.Process.Pid)
		if err != nil {
			return nil, err
		}
		m["cpu_ms_per_task"] = rig.Millis(after.CPU-before.CPU) / n
		m["peak_rss_mb"] = float64(after.PeakRSS) / 1e6
	}
	return m, nil
}

// percentile of sorted durations, of which there is one at least.
func percentile(sorted []time.Duration, share float64) time.Duration {
	return sorted[int(share*float64(len(sorted)-1)+0.5)]
}
