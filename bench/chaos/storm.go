package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// tempest is a storm under way.
type tempest struct {
	o       options
	out     io.Writer // progress
	redis   *server
	history *history
	fleet   *fleet
	feeder  *feeder
	random  *rand.Rand // of the storm's goroutine

	kills, freezes, redisKills, flushes int
	interrupted                         []interruption
	thawing                             sync.WaitGroup
}

// interruption is a task whose worker was killed while it worked on it.
type interruption struct {
	task string
	at   time.Time
}

// storm runs from the first start to the last stop, and judges. An error says
// that the storm could not be made, not that a promise was broken.
func storm(ctx context.Context, o options, out io.Writer) (*verdict, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	data, logs := filepath.Join(o.Dir, "data"), filepath.Join(o.Dir, "logs")
	if err := errors.Join(os.MkdirAll(data, 0o700), os.MkdirAll(logs, 0o700)); err != nil {
		return nil, err
	}
	fmt.Fprintln(out, "chaos: making the executable and the pictures")
	app, err := o.executable(ctx)
	if err != nil {
		return nil, err
	}
	pictures, err := newAlbum()
	if err != nil {
		return nil, err
	}
	s := &tempest{o: o, out: out, random: rand.New(rand.NewPCG(o.Seed, 0))}
	if s.history, err = openHistory(ctx, data); err != nil {
		return nil, err
	}
	defer s.history.db.Close()
	if s.redis, err = startRedis(ctx, o.Dir); err != nil {
		return nil, err
	}
	defer s.redis.close()
	said := listen(ctx, s.redis.client)
	defer func() { cancel(); <-said.done }()

	keep, endKeep := context.WithCancel(ctx)
	s.fleet = startFleet(keep, app, o.Processes, o.Workers, []string{
		"DATA_DIR=" + data, "REDIS_URL=" + s.redis.URL(),
		"QUEUE_LEASE=" + o.Lease.String(), fmt.Sprint("QUEUE_MAX_STALLED=", o.MaxStalled),
	}, logs)
	stop := sync.OnceValue(func() int { endKeep(); return s.fleet.stop() })
	defer stop()

	s.feeder = newFeeder(s.fleet, pictures)
	begun := time.Now()
	if err := s.rage(ctx); err != nil {
		return nil, err
	}
	raged := time.Since(begun)
	settled, err := s.settle(ctx)
	if err != nil {
		return nil, err
	}
	v := &verdict{o: o, raged: raged, settled: settled, kills: s.kills, freezes: s.freezes, redisKills: s.redisKills, flushes: s.flushes}
	if err := v.queue(ctx, s.redis.client); err != nil {
		return nil, err
	}
	v.badStops = stop()
	if err := v.judge(ctx, s, said, data); err != nil {
		return nil, err
	}
	return v, v.sweep(ctx, app, data, logs, s.redis.URL())
}

// rage feeds and destroys until the storm is over and all is fed.
func (s *tempest) rage(ctx context.Context) error {
	for s.fleet.url(0) == "" {
		if !every(ctx, 50*time.Millisecond) {
			return ctx.Err()
		}
	}
	feeding, endFeeding := context.WithTimeout(ctx, s.o.Duration+s.o.Settle)
	defer endFeeding()
	fed := make(chan struct{})
	go func() { defer close(fed); s.feeder.feed(feeding, s.o.Tasks, s.o.Duration) }()

	err := s.destroy(ctx)
	s.thawing.Wait()
	inTime := s.feeder.count()
	if err != nil {
		endFeeding()
	}
	<-fed
	fmt.Fprintf(s.out, "chaos: the storm is over; %d of %d tasks were accepted in it, %d after it\n", inTime, s.o.Tasks, s.feeder.count()-inTime)
	return err
}

// destroy does what is due until the storm's duration is over.
func (s *tempest) destroy(ctx context.Context) error {
	end := time.NewTimer(s.o.Duration)
	defer end.Stop()
	kill, stopKill := ticks(s.o.KillEvery)
	freeze, stopFreeze := ticks(s.o.FreezeEvery)
	redis, stopRedis := ticks(s.o.RedisKill)
	flush, stopFlush := ticks(s.o.Flush)
	say, stopSay := ticks(5 * time.Second)
	for _, stop := range []func(){stopKill, stopFreeze, stopRedis, stopFlush, stopSay} {
		defer stop()
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			return nil
		case <-kill:
			err = s.kill(ctx)
		case <-freeze:
			s.freeze()
		case <-redis:
			s.redisKills++
			if err = s.redis.kill(); err == nil {
				err = s.redis.start(ctx)
			}
		case <-flush:
			s.flushes++
			err = s.redis.client.Do(ctx, s.redis.client.B().Flushall().Build()).Error()
		case <-say:
			left, countErr := s.history.unfinished(ctx)
			err = countErr
			fmt.Fprintf(s.out, "chaos: %d kills, %d tasks accepted, %d not ended\n", s.kills, s.feeder.count(), left)
		}
		if err != nil {
			return err
		}
	}
}

// kill kills a process, which may be starting or stopped in its tracks as well,
// and notes what it was working on.
func (s *tempest) kill(ctx context.Context) error {
	p := s.fleet.any(s.random)
	if p == nil {
		return nil
	}
	p.kill()
	s.kills++
	now := time.Now()
	ids, err := s.history.heldBy(ctx, p.pid())
	for _, id := range ids {
		s.interrupted = append(s.interrupted, interruption{id, now})
	}
	return err
}

// freeze stops a process in its tracks until others have taken its work.
func (s *tempest) freeze() {
	p := s.fleet.any(s.random)
	if p == nil || p.freeze() != nil {
		return
	}
	s.freezes++
	s.thawing.Go(func() {
		select {
		case <-time.After(2 * s.o.Lease):
		case <-p.done: // killed meanwhile
		}
		_ = p.thaw() // it may have been killed
	})
}

// settle waits until every task has ended and the queue has heard of it; it
// gives up after the time that the storm's options give, and then what is left
// is stuck.
func (s *tempest) settle(ctx context.Context) (time.Duration, error) {
	begun := time.Now()
	within, cancel := context.WithTimeout(ctx, s.o.Settle)
	defer cancel()
	for first := true; ; first = false {
		left, err := s.history.unfinished(ctx)
		if err != nil {
			return 0, err
		}
		held, err := inQueue(ctx, s.redis.client)
		if err != nil {
			return 0, err
		}
		if left == 0 && held == 0 {
			return time.Since(begun), nil
		}
		if first {
			fmt.Fprintf(s.out, "chaos: waiting for %d tasks to end\n", left)
		}
		if !every(within, 100*time.Millisecond) {
			return time.Since(begun), ctx.Err()
		}
	}
}

// ticks is a ticker whose interval may be 0: then it never ticks.
func ticks(d time.Duration) (<-chan time.Time, func()) {
	if d == 0 {
		return nil, func() {}
	}
	t := time.NewTicker(d)
	return t.C, t.Stop
}
