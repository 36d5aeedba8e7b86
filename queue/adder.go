package queue

import (
	"context"
	"slices"
	"sync"
)

// adder puts jobs that are added one by one, at the same time, into common
// scripts: entering a script costs Redis as much as adding a job. Whoever comes
// while exchanges are under way goes with the next.
type adder struct {
	add func(context.Context, []Spec) ([]int64, error)

	mu     sync.Mutex
	coming []*addition
	busy   int // exchanges under way
}

// exchanges is how many additions are under way at once: one at Redis, one that
// is being made or read here.
const exchanges = 2

// addition is a job that is being added.
type addition struct {
	spec Spec
	done chan struct{} // closed when n or err is there
	n    int64
	err  error
}

// join adds a job and returns what the script says of it. When ctx ends first
// the job may have been added or not.
func (a *adder) join(ctx context.Context, s Spec) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	own := &addition{spec: s, done: make(chan struct{})}
	a.mu.Lock()
	a.coming = append(a.coming, own)
	if a.busy < exchanges {
		a.busy++
		go a.run()
	}
	a.mu.Unlock()
	select {
	case <-own.done:
		return own.n, own.err
	case <-ctx.Done():
		a.leave(own)
		return 0, ctx.Err()
	}
}

// leave forgets an addition whose caller waits no more, unless it is under way.
func (a *adder) leave(own *addition) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.Index(a.coming, own); i >= 0 {
		a.coming = slices.Delete(a.coming, i, i+1)
	}
}

// run adds what is coming until nothing is. The callers' contexts do not reach
// it: each bounds only its own wait.
func (a *adder) run() {
	for batch := a.next(); len(batch) > 0; batch = a.next() {
		specs := make([]Spec, len(batch))
		for i, own := range batch {
			specs[i] = own.spec
		}
		ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
		answers, err := a.add(ctx, specs)
		cancel()
		for i, own := range batch {
			if err == nil {
				own.n = answers[i]
			}
			own.err = err
			close(own.done)
		}
	}
}

// next takes the next batch; with none the exchange is over.
func (a *adder) next() []*addition {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := min(len(a.coming), addBatch)
	batch := slices.Clone(a.coming[:n]) // what is left moves when somebody leaves
	a.coming = a.coming[n:]
	if len(batch) == 0 {
		a.coming = nil
		a.busy--
	}
	return batch
}
