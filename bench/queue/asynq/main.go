// Command asynq is asynq as a contender: asynq host:port PHASE,… N CONCURRENCY.
// What the phases are is told in ../doc.go. It is a module of its own, so that
// Revela does not depend on a peer.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// adders is how many goroutines add. asynq has a connection for each command
// that is under way, so more of them only wait for each other.
const adders = 64

// options make three attempts in all; the backoff is exponential by default,
// and a completed task is removed.
var options = []asynq.Option{asynq.MaxRetry(2)}

type contender struct {
	opt         asynq.RedisClientOpt
	redis       *redis.Client // for looking only
	client      *asynq.Client
	n           int
	concurrency int
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
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
	opt := asynq.RedisClientOpt{Addr: args[0], PoolSize: max(adders, concurrency) + 10}
	c := &contender{opt, redis.NewClient(&redis.Options{Addr: args[0]}), asynq.NewClient(opt), n, concurrency}
	for phase := range strings.SplitSeq(args[1], ",") {
		var work func() error
		switch phase {
		case "add":
			work = func() error { return c.add(ctx, nil) }
		case "fill":
			work = func() error { return c.add(ctx, func(id string) asynq.Option { return asynq.TaskID(id) }) }
		case "process":
			work = func() error { return c.process(ctx) }
		default:
			return fmt.Errorf("%s: no phase of this name", phase)
		}
		line, err := c.measure(ctx, work)
		if err != nil {
			return fmt.Errorf("%s: %w", phase, err)
		}
		line["phase"] = phase
		if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// add adds n tasks one by one from many goroutines.
func (c *contender) add(ctx context.Context, own func(id string) asynq.Option) error {
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range adders {
		g.Go(func() error {
			for i := next.Add(1) - 1; i < int64(c.n); i = next.Add(1) - 1 {
				id := fmt.Sprintf("6ab13b805eed5eed5e%06x", i)
				data, err := json.Marshal(map[string]any{
					"taskId": id, "imagePath": "storage/images/" + id + "/original.jpg", "timestamp": time.Now().UnixMilli(),
				})
				if err != nil {
					return err
				}
				opts := options
				if own != nil {
					opts = []asynq.Option{options[0], own(id)}
				}
				if _, err := c.client.EnqueueContext(ctx, asynq.NewTask("process-image", data), opts...); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// process ends when Redis says that nothing waits and nothing is in work.
func (c *contender) process(ctx context.Context) error {
	var seen atomic.Int64
	all := make(chan struct{})
	// The server is left running: its end would take seconds, and this process
	// ends anyway.
	srv := asynq.NewServer(c.opt, asynq.Config{Concurrency: c.concurrency, LogLevel: asynq.ErrorLevel})
	err := srv.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		if seen.Add(1) == int64(c.n) {
			close(all)
		}
		return nil
	}))
	if err != nil {
		return err
	}
	<-all
	for {
		left, err := c.redis.LLen(ctx, "asynq:{default}:active").Result()
		if err != nil || left == 0 {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}
