package tasktest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"revela/task"
)

// The size of the races.
const (
	racers = 8
	rounds = 25
)

// RepositoryConcurrent checks what a task.Repository promises to many callers
// at the same time. open returns an empty one, of which nothing else knows.
func RepositoryConcurrent(t *testing.T, open func(t *testing.T) task.Repository) {
	for name, check := range map[string]func(*testing.T, task.Repository){
		"one update wins":        oneUpdateWins,
		"no update is lost":      noUpdateIsLost,
		"one key wins":           oneKeyWins,
		"one delete wins":        oneDeleteWins,
		"impatient callers":      impatientCallers,
		"pages among insertions": pagesAmongInsertions,
		"totals among changes":   totalsAmongChanges,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, open(t))
		})
	}
}

// race runs n functions at the same moment and waits for them.
func race(n int, run func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-start
			run(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// oneWinner counts the nil errors among errs; every other must be loss.
func oneWinner(t *testing.T, what string, errs []error, loss error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, loss):
			t.Errorf("%s: %v, want %v", what, err, loss)
		}
	}
	if won != 1 {
		t.Errorf("%s: %d of %d won, want 1", what, won, len(errs))
	}
}

func oneUpdateWins(t *testing.T, repo task.Repository) {
	current := must(repo.Create(t.Context(), blank(epoch)))(t)
	for round := range rounds {
		errs := make([]error, racers)
		race(racers, func(i int) {
			mine := current
			mine.Token = fmt.Sprintf("racer %d", i)
			_, errs[i] = repo.Update(t.Context(), mine)
		})
		oneWinner(t, fmt.Sprintf("round %d", round), errs, task.ErrConflict)
		stored := must(repo.Get(t.Context(), current.ID))(t)
		if stored.Version != current.Version+1 {
			t.Fatalf("round %d went from version %d to %d", round, current.Version, stored.Version)
		}
		for i, err := range errs {
			if err == nil && stored.Token != fmt.Sprintf("racer %d", i) {
				t.Errorf("round %d: racer %d won, but %q is stored", round, i, stored.Token)
			}
		}
		current = stored
	}
}

// noUpdateIsLost counts in a record, as callers do that try again after a
// conflict.
func noUpdateIsLost(t *testing.T, repo task.Repository) {
	id := must(repo.Create(t.Context(), blank(epoch)))(t).ID
	const each = 10
	race(racers, func(int) {
		for range each {
			for {
				current, err := repo.Get(t.Context(), id)
				if err != nil {
					t.Error(err)
					return
				}
				current.Attempts++
				_, err = repo.Update(t.Context(), current)
				if err == nil {
					break
				}
				if !errors.Is(err, task.ErrConflict) {
					t.Error(err)
					return
				}
			}
		}
	})
	got := must(repo.Get(t.Context(), id))(t)
	if want := racers * each; got.Attempts != want || got.Version != int64(want)+1 {
		t.Errorf("%d updates were stored as %d, in version %d", want, got.Attempts, got.Version)
	}
}

func oneKeyWins(t *testing.T, repo task.Repository) {
	for round := range rounds {
		key := fmt.Sprintf("key %d", round)
		made, errs := make([]task.Task, racers), make([]error, racers)
		race(racers, func(i int) {
			mine := blank(epoch)
			mine.IdempotencyKey = key
			made[i], errs[i] = repo.Create(t.Context(), mine)
		})
		oneWinner(t, key, errs, task.ErrKeyTaken)
		found := must(repo.FindByKey(t.Context(), key))(t)
		for i, err := range errs {
			if err == nil {
				same(t, key, found, made[i])
			}
		}
	}
	if n := must(repo.Count(t.Context(), task.Filter{}))(t).N; n != rounds {
		t.Errorf("%d keys made %d tasks", rounds, n)
	}
}

func oneDeleteWins(t *testing.T, repo task.Repository) {
	for round := range rounds {
		id := must(repo.Create(t.Context(), blank(epoch)))(t).ID
		errs := make([]error, racers)
		race(racers, func(i int) { errs[i] = repo.Delete(t.Context(), id) })
		oneWinner(t, fmt.Sprintf("round %d", round), errs, task.ErrNotFound)
	}
}

// impatientCallers give up at any moment. Each change happens wholly or not at
// all, those that were confirmed did happen, and the store works on.
func impatientCallers(t *testing.T, repo task.Repository) {
	id := must(repo.Create(t.Context(), blank(epoch)))(t).ID
	var confirmed, left atomic.Int64
	race(racers, func(i int) {
		for n := range rounds * 2 {
			current, err := repo.Get(t.Context(), id)
			if err != nil {
				t.Error(err)
				return
			}
			current.Attempts++
			ctx, cancel := context.WithCancel(t.Context())
			given := make(chan struct{})
			go func() {
				defer close(given)
				spin(n * 500) // from before the call to after it
				cancel()
			}()
			_, err = repo.Update(ctx, current)
			<-given
			switch {
			case err == nil:
				confirmed.Add(1)
			case errors.Is(err, context.Canceled):
				left.Add(1)
			case !errors.Is(err, task.ErrConflict):
				t.Errorf("racer %d: %v", i, err)
			}
		}
	})
	got := must(repo.Get(t.Context(), id))(t)
	if int64(got.Attempts)+1 != got.Version {
		t.Errorf("%d changes made version %d", got.Attempts, got.Version)
	}
	if n := int64(got.Attempts); n < confirmed.Load() || n > confirmed.Load()+left.Load() {
		t.Errorf("%d changes are stored, %d were confirmed and %d left unknown", n, confirmed.Load(), left.Load())
	}
	// A change of somebody who has left may still be on its way.
	for range racers * rounds {
		_, err := repo.Update(t.Context(), got)
		if err == nil {
			return
		}
		if !errors.Is(err, task.ErrConflict) {
			t.Fatal(err)
		}
		got = must(repo.Get(t.Context(), id))(t)
	}
	t.Error("the record changes although all have left")
}

// spin passes a little time without a timer, whose grain is too coarse here.
func spin(n int) {
	var x atomic.Int64
	for range n {
		x.Add(1)
	}
}

// pagesAmongInsertions: a walk by cursor meets each earlier task exactly once,
// whatever is inserted meanwhile.
func pagesAmongInsertions(t *testing.T, repo task.Repository) {
	want := seed(t, repo, 30)
	stop := make(chan struct{})
	var inserting sync.WaitGroup
	inserting.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			newer := blank(epoch.Add(1e9))
			if _, err := repo.Create(t.Context(), newer); err != nil {
				t.Error(err)
				return
			}
		}
	})
	defer inserting.Wait()
	defer close(stop)
	for range 5 {
		after := task.Cursor{CreatedAt: epoch.Add(1e8), ID: task.NewID()}
		got := walk(t, repo, task.Query{Limit: 4, After: after}, func(q *task.Query, page []task.Task) {
			last := page[len(page)-1]
			q.After = task.Cursor{CreatedAt: last.CreatedAt, ID: last.ID}
		})
		if ids(got) != ids(want) {
			t.Errorf("a walk among insertions:\n got %s\nwant %s", ids(got), ids(want))
		}
	}
}

// totalsAmongChanges: whatever many do to many tasks at once, every total is
// right in the end.
func totalsAmongChanges(t *testing.T, repo task.Repository) {
	race(racers, func(i int) {
		for n := range rounds / 2 {
			made, err := repo.Create(t.Context(), blank(epoch))
			if err != nil {
				t.Error(err)
				return
			}
			for step := range (i + n) % 4 {
				made.Status = task.Statuses()[(i+n+step)%len(task.Statuses())]
				if made, err = repo.Update(t.Context(), made); err != nil {
					t.Error(err)
					return
				}
			}
			if (i+n)%5 == 0 {
				if err := repo.Delete(t.Context(), made.ID); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	listed := map[task.StatusSet]int64{}
	for _, one := range walk(t, repo, task.Query{Limit: 100}, func(q *task.Query, page []task.Task) { q.Offset += len(page) }) {
		listed[0]++
		listed[task.Only(one.Status)]++
	}
	for _, status := range task.Statuses() {
		if listed[task.Only(status)] == 0 {
			t.Fatalf("no %s tasks: the test would prove nothing", status)
		}
	}
	for set, n := range listed {
		same(t, "Count of "+set.String(), must(repo.Count(t.Context(), task.Filter{Statuses: set}))(t), task.Total{N: n, Exact: true})
	}
}
