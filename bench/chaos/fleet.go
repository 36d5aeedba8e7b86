package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// fleet keeps a number of processes running: whichever ends is started again.
type fleet struct {
	app   string
	env   []string
	dir   string // of logs
	died  atomic.Int64
	wg    sync.WaitGroup
	mu    sync.Mutex
	seats []*process // the current life at each place; nil between two lives
}

// startFleet starts n processes that serve and work by turns; all have workers.
// They live until ctx ends and wait is called.
func startFleet(ctx context.Context, app string, n, workers int, env []string, dir string) *fleet {
	f := &fleet{app: app, env: env, dir: dir, seats: make([]*process, n)}
	for i := range n {
		args := []string{"serve", fmt.Sprint("--workers=", workers)}
		if i%2 == 1 {
			args[0] = "worker"
		}
		f.wg.Go(func() { f.keep(ctx, i, args) })
	}
	return f
}

// keep runs one life after the other at a place.
func (f *fleet) keep(ctx context.Context, seat int, args []string) {
	for ctx.Err() == nil {
		p, err := launch(f.app, args, f.env, filepath.Join(f.dir, fmt.Sprintf("%d-%s.log", seat, args[0])))
		if err != nil { // the machine is out of something; what it costs is seen in the figures
			f.died.Add(1)
			every(ctx, time.Second)
			continue
		}
		f.set(seat, p)
		select {
		case <-p.done:
			f.set(seat, nil)
			if !p.bidden.Load() {
				f.died.Add(1)
				every(ctx, 200*time.Millisecond)
			}
		case <-ctx.Done():
		}
	}
}

func (f *fleet) set(seat int, p *process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seats[seat] = p
}

// living are the processes that run now.
func (f *fleet) living() []*process {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []*process
	for _, p := range f.seats {
		if p != nil && p.alive() {
			all = append(all, p)
		}
	}
	return all
}

// any picks a living process; nil if there is none.
func (f *fleet) any(random *rand.Rand) *process {
	all := f.living()
	if len(all) == 0 {
		return nil
	}
	return all[random.IntN(len(all))]
}

// url is where the n-th upload may go; "" while nobody serves.
func (f *fleet) url(n int) string {
	var serving []string
	for _, p := range f.living() {
		if a := p.address.Load(); a != nil && *a != "" {
			serving = append(serving, "http://"+*a+"/api/v1")
		}
	}
	if len(serving) == 0 {
		return ""
	}
	return serving[n%len(serving)]
}

// stop ends all by SIGTERM, once the context of the fleet has ended, and
// returns how many of them did not end well.
func (f *fleet) stop() (bad int) {
	f.wg.Wait()
	var failed atomic.Int64
	var stopping sync.WaitGroup
	for _, p := range f.living() {
		stopping.Go(func() {
			if p.terminate(time.Minute) != 0 {
				failed.Add(1)
			}
		})
	}
	stopping.Wait()
	return int(failed.Load())
}
