package main

import (
	"context"
	"fmt"
	"os"

	"revela/bench/report"
	"revela/bench/rig"
)

// bench is one run: everybody in turns on one server.
type bench struct {
	report      *report.Report
	rounds      int
	concurrency int
	n           map[string]*int // number of jobs by kind of turn; 0 leaves the kind out
	others      []string        // peers asked for
	dir         string          // where they are
	temp        string          // where they are built
}

func (b *bench) run(ctx context.Context) error {
	var err error
	if b.temp, err = os.MkdirTemp("", "revela-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.temp)
	peers, err := b.peers(ctx)
	if err != nil {
		return err
	}
	redis, err := rig.StartRedis()
	if err != nil {
		return err
	}
	defer redis.Close()

	for round := 1; round <= b.rounds; round++ {
		for _, t := range []turn{oneByOne, inBulk, lone, fill} {
			if err := b.everybody(ctx, redis, peers, t, round); err != nil {
				return err
			}
		}
	}
	if err := b.everybody(ctx, redis, peers, grow, b.rounds); err != nil {
		return err
	}
	b.report.Table()
	return nil
}

// everybody who can gets a turn, unless it is left out.
func (b *bench) everybody(ctx context.Context, redis *rig.Redis, peers []peer, t turn, round int) error {
	if *b.n[t.kind] == 0 {
		return nil
	}
	b.report.Note("round %d of %d: %v", round, b.rounds, t.phases)
	for _, p := range peers {
		if p.does(t) {
			if err := b.turn(ctx, redis, p, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// turn lets a peer do a turn on an empty server at rest.
func (b *bench) turn(ctx context.Context, redis *rig.Redis, p peer, t turn) error {
	if err := redis.Reset(ctx); err != nil {
		return err
	}
	empty, err := redis.Memory(ctx)
	if err != nil {
		return err
	}
	n, lines := *b.n[t.kind], 0
	err = p.run(ctx, redis.Addr, t, n, b.concurrency, func(phase string, m report.Metrics) {
		lines++
		if t.kind != fill.kind {
			b.report.Add(phase, p.who, m)
		}
	})
	if err != nil {
		return err
	}
	if lines == 0 {
		return fmt.Errorf("%s: %v: measured nothing", p.who, t.phases)
	}
	if t.kind != fill.kind {
		return nil
	}
	if err := redis.Rest(ctx); err != nil {
		return err
	}
	full, err := redis.Memory(ctx)
	if err != nil {
		return err
	}
	b.report.Add("memory", p.who, report.Metrics{"n": float64(n), "bytes_per_job": float64(full-empty) / float64(n)})
	return nil
}
