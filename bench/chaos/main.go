// Command chaos holds the service to its promises while its processes die. It
// starts a redis-server and several processes of the real executable, which
// share one data directory and one Redis, uploads thousands of small pictures,
// and meanwhile kills a random process every second with SIGKILL and starts it
// again, and now and then stops one in its tracks until others have its work: a
// dead worker cannot complete a task twice, one that wakes up late can. On
// request it also kills or empties Redis. When all tasks have ended it compares what the clients were told, the
// records and their history, the events, the queue and the files, and ends with
// status 1 if any promise was broken.
//
// Progress and the summary go to stderr, one JSON line with the figures to
// stdout. What a figure proves is said where it is made: see verdict.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options is one storm. Zero turns off what has an interval.
type options struct {
	Processes   int           // at least 2: they serve and work by turns
	Workers     int           // in each process
	Tasks       int           // uploads, spread over Duration
	Duration    time.Duration // of the storm
	KillEvery   time.Duration // SIGKILL for a random process
	FreezeEvery time.Duration // SIGSTOP for a random process, SIGCONT after two leases
	RedisKill   time.Duration // SIGKILL for Redis, which starts again on its append-only file
	Flush       time.Duration // FLUSHALL
	Settle      time.Duration // how long tasks may take to end after the storm
	Lease       time.Duration
	MaxStalled  int
	Seed        uint64 // of what is killed; the same seed kills in the same order
	Dir         string // for data and logs
	App         string // the executable; built if empty
}

// defaults differ from the service's in two settings. With a lease of 10 s an
// interrupted task would wait ten kills for its next run, so the lease is 2 s;
// and since kills are as frequent here as in no data centre, a task may lose
// more workers than the usual two before it is given up. --lease=10s
// --max-stalled=2 shows the service's own.
func defaults() options {
	return options{
		Processes: 4, Workers: 2, Tasks: 10_000, Duration: time.Minute, KillEvery: time.Second, FreezeEvery: 5 * time.Second,
		Settle: 10 * time.Minute, Lease: 2 * time.Second, MaxStalled: 10, Seed: 1,
	}
}

func (o *options) flags(out io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	f.SetOutput(out)
	f.IntVar(&o.Processes, "processes", o.Processes, "processes of the executable, at least 2")
	f.IntVar(&o.Workers, "workers", o.Workers, "workers in each process")
	f.IntVar(&o.Tasks, "tasks", o.Tasks, "uploads, spread over the duration")
	f.DurationVar(&o.Duration, "duration", o.Duration, "how long the storm lasts")
	f.DurationVar(&o.KillEvery, "kill-every", o.KillEvery, "kill -9 a random process so often")
	f.DurationVar(&o.FreezeEvery, "freeze-every", o.FreezeEvery, "stop a random process for two leases so often; 0 never")
	f.DurationVar(&o.RedisKill, "redis-kill", 0, "kill -9 Redis so often; 0 never")
	f.DurationVar(&o.Flush, "flush", 0, "FLUSHALL so often; 0 never")
	f.DurationVar(&o.Settle, "settle", o.Settle, "how long tasks may take to end after the storm")
	f.DurationVar(&o.Lease, "lease", o.Lease, "QUEUE_LEASE of the processes")
	f.IntVar(&o.MaxStalled, "max-stalled", o.MaxStalled, "QUEUE_MAX_STALLED of the processes")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "of what is killed")
	f.StringVar(&o.Dir, "dir", "", "directory for data and logs, kept; default: a temporary one, kept if a promise was broken")
	f.StringVar(&o.App, "app", "", "the executable; default: it is built")
	return f
}

func (o *options) check() error {
	switch {
	case o.Processes < 2:
		return fmt.Errorf("--processes=%d: at least 2 are expected, one that serves and one that works", o.Processes)
	case o.Workers < 1 || o.Tasks < 1:
		return errors.New("--workers and --tasks: at least 1 is expected")
	case o.Duration <= 0 || o.KillEvery < 0 || o.FreezeEvery < 0 || o.RedisKill < 0 || o.Flush < 0 || o.Settle <= 0:
		return errors.New("durations may not be negative, --duration and --settle not 0")
	}
	return nil
}

// run is the command; it returns its exit status: 0 when every promise was
// kept, 1 when not or when the storm could not be made, 2 for wrong usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := defaults()
	if err := o.flags(stderr).Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if err := o.check(); err != nil {
		fmt.Fprintln(stderr, "chaos:", err)
		return 2
	}
	kept := o.Dir != ""
	if !kept {
		dir, err := os.MkdirTemp("", "revela-chaos-")
		if err != nil {
			fmt.Fprintln(stderr, "chaos:", err)
			return 1
		}
		o.Dir = dir
	}
	v, err := storm(ctx, o, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "chaos: %v\nchaos: data and logs are in %s\n", err, o.Dir)
		return 1
	}
	v.print(stderr)
	v.json(stdout, stderr)
	if v.broken() {
		fmt.Fprintf(stderr, "chaos: a promise was broken; data and logs are in %s\n", o.Dir)
		return 1
	}
	if !kept {
		_ = os.RemoveAll(o.Dir) // a temporary directory left behind harms nobody
	}
	return 0
}

// executable is the program under test, built unless it was named.
func (o options) executable(ctx context.Context) (string, error) {
	if o.App != "" {
		return filepath.Abs(o.App)
	}
	bin := filepath.Join(o.Dir, "app")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "revela").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the executable: %w\n%s", err, out)
	}
	return bin, nil
}
