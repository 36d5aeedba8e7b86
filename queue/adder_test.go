package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"revela/app/redis/redistest"
)

func TestAdditionsGoTogether(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var sizes []int
	gate := make(chan struct{})
	a := adder{add: func(_ context.Context, specs []Spec) ([]int64, error) {
		mu.Lock()
		sizes = append(sizes, len(specs))
		mu.Unlock()
		<-gate
		answers := make([]int64, len(specs))
		for i, s := range specs {
			if s.ID != "old" {
				answers[i] = added
			}
		}
		return answers, nil
	}}
	const n = 1200
	var callers sync.WaitGroup
	join := func(id string, want int64) {
		callers.Go(func() {
			if got, err := a.join(t.Context(), spec(id)); err != nil || got != want {
				t.Errorf("%s: %d, %v", id, got, err)
			}
		})
	}
	coming := func(n int) func() bool {
		return func() bool { a.mu.Lock(); defer a.mu.Unlock(); return len(a.coming) == n }
	}
	// underWay and the others: where all who have come are.
	all := func() (underWay, others int) {
		mu.Lock()
		for _, size := range sizes {
			underWay += size
		}
		mu.Unlock()
		a.mu.Lock()
		defer a.mu.Unlock()
		return underWay, len(a.coming)
	}
	for i := range n - 1 {
		join(fmt.Sprint("j", i), 1)
	}
	join("old", 0)
	eventually(t, "all have come, and some wait", func() bool {
		underWay, others := all()
		return underWay+others == n && others > 0
	})

	ctx, leave := context.WithCancel(t.Context())
	a.mu.Lock()
	before := len(a.coming)
	a.mu.Unlock()
	left := make(chan error, 1)
	go func() {
		_, err := a.join(ctx, spec("impatient"))
		left <- err
	}()
	eventually(t, "the impatient one is there", coming(before+1))
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the impatient one: %v", err)
	}
	eventually(t, "it has left", coming(before))

	close(gate)
	callers.Wait()
	eventually(t, "no exchange is left", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.busy == 0 })
	mu.Lock()
	defer mu.Unlock()
	if len(sizes) > 8 {
		t.Errorf("%d jobs took %d exchanges: %v", n, len(sizes), sizes)
	}
	for _, size := range sizes {
		if size > addBatch {
			t.Errorf("an exchange of %d jobs", size)
		}
	}
}

func TestAddingWhileRedisHangs(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	q := newQueue(t, s.Client(t))
	add(t, q, spec("before"))
	s.Freeze()
	var callers sync.WaitGroup
	for i := range 20 {
		callers.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			began := time.Now()
			if _, err := q.Add(ctx, spec(fmt.Sprint("hung", i))); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Add = %v", err)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("a caller with 300 ms waited %v", took)
			}
		})
	}
	callers.Wait()
	s.Thaw()
	add(t, q, spec("after"))
	if _, err := q.Job(t.Context(), "after"); err != nil {
		t.Error(err)
	}
}
