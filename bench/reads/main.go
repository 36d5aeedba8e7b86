package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"revela/bench/report"
	"revela/bench/rig"
)

// options say how much is measured.
type options struct {
	rounds  int
	conns   int           // keep-alive connections, one request at a time on each
	time    time.Duration // of one measurement
	warm    time.Duration // before it, uncounted
	settle  time.Duration // from the start of the servers to the first measurement
	tasks   int           // in the store
	changes int           // that the freshness is measured with
	lists   int           // keys of cached lists that an invalidation meets
	node    string        // directory of the Node stack; "" leaves it out
	profile string        // file for a CPU profile of the service; "" makes none
}

func main() {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	var o options
	flag.IntVar(&o.rounds, "rounds", 3, "how often everything is measured, in turns")
	flag.IntVar(&o.conns, "conns", 50, "keep-alive connections")
	flag.DurationVar(&o.time, "time", 3*time.Second, "length of one measurement")
	flag.DurationVar(&o.warm, "warm", 500*time.Millisecond, "time before a measurement that does not count")
	flag.DurationVar(&o.settle, "settle", 8*time.Second, "time after the start: for 7s a process guards its reads against connections in the making")
	flag.IntVar(&o.tasks, "tasks", 200, "tasks in the store")
	flag.IntVar(&o.changes, "changes", 300, "changes whose arrival in another process is timed")
	flag.IntVar(&o.lists, "lists", 100_000, "cached lists that an invalidation meets")
	flag.StringVar(&o.node, "node", "bench/stack-node", `directory of the Node stack, "" leaves it out`)
	flag.StringVar(&o.profile, "profile", "", "file for a CPU profile of the service")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r := &report.Report{Bench: "reads"}
	if err := run(ctx, o, r); err != nil {
		fmt.Fprintln(os.Stderr, "bench-reads:", err)
		os.Exit(1)
	}
	r.Table()
}

// run measures everything and stops what it started.
func run(ctx context.Context, o options, r *report.Report) (err error) {
	dir, err := os.MkdirTemp("", "bench-reads-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	redis, err := rig.StartRedis()
	if err != nil {
		return err
	}
	defer redis.Close()
	s := &stage{dir: dir, redis: redis.Addr}
	defer s.close()
	ids, err := seed(ctx, filepath.Join(dir, "data"), o)
	if err != nil {
		return fmt.Errorf("make tasks: %w", err)
	}
	if err := throughput(ctx, s, o, r, ids.finished); err != nil {
		return fmt.Errorf("throughput: %w", err)
	}
	if err := freshness(ctx, s, r, ids.pending); err != nil {
		return fmt.Errorf("freshness: %w", err)
	}
	if err := invalidation(ctx, s, o, r, redis); err != nil {
		return fmt.Errorf("invalidation: %w", err)
	}
	return nil
}
