package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"revela/bench/report"
)

// selfArg makes this program our contender.
const selfArg = "revela"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench/queue:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == selfArg {
		return runContender(ctx, args[1:], stdout)
	}
	b := bench{report: &report.Report{Bench: "queue", Out: stdout, Err: stderr}}
	fs := flag.NewFlagSet("bench/queue", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.IntVar(&b.rounds, "rounds", 3, "how often everybody has a turn; growth is measured once")
	fs.IntVar(&b.concurrency, "c", 50, "jobs worked on at the same time")
	b.n = map[string]*int{
		"throughput": fs.Int("n", 20_000, "jobs added and processed; 0: not measured"),
		"latency":    fs.Int("latency", 500, "lone jobs on an idle queue; 0: not measured"),
		"memory":     fs.Int("memory", 100_000, "waiting jobs whose memory is measured; 0: not measured"),
		"growth":     fs.Int("growth", 1_000_000, "waiting jobs of a long queue, about 1 GB in Redis; 0: not measured"),
	}
	peers := fs.String("peers", "bullmq,asynq", "whom to measure beside, comma-separated")
	fs.StringVar(&b.dir, "dir", "bench/queue", "folder of this program's source, with the peers")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 || b.rounds < 1 || b.concurrency < 1 {
		return fmt.Errorf("a round and a worker at least, and no other arguments are expected; see -help")
	}
	if *peers != "" {
		b.others = strings.Split(*peers, ",")
	}
	return b.run(ctx)
}

// runContender takes the arguments that every contender takes; see the package's
// documentation.
func runContender(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 4 {
		return fmt.Errorf("host:port, phases, a number of jobs and a concurrency are expected")
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	concurrency, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	return contend(ctx, stdout, args[0], strings.Split(args[1], ","), n, concurrency)
}
