package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"revela/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench/e2e:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	b := bench{report: &report.Report{Bench: "e2e", Out: stdout, Err: stderr}}
	fs := flag.NewFlagSet("bench/e2e", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.IntVar(&b.rounds, "rounds", 3, "how often everybody has a turn")
	fs.IntVar(&b.n, "n", 100, "pictures uploaded in a turn")
	fs.IntVar(&b.clients, "clients", 8, "uploads at the same time")
	fs.IntVar(&b.workers, "workers", runtime.NumCPU(), "pictures worked on at the same time")
	fs.IntVar(&b.width, "width", 4000, "pixels; the picture is as high as three quarters of it")
	app := fs.String("app", "bin/app", "Revela's executable")
	peer := fs.String("peer", "bench/stack-node", "folder of the Node stack; empty: measure Revela alone")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 || min(b.rounds, b.n, b.clients, b.workers) < 1 || b.width < 4 {
		return errors.New("positive numbers and no other arguments are expected; see -help")
	}
	path, err := filepath.Abs(*app)
	if err != nil {
		return err
	}
	b.stacks = []stack{revela(path)}
	if *peer != "" {
		if s, err := node(ctx, *peer); err != nil {
			b.report.Note("stack-node is left out: %v", err)
		} else {
			b.stacks = append(b.stacks, s)
		}
	}
	return b.run(ctx)
}
