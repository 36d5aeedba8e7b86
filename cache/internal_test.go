package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"revela/task"
)

func TestBoundedForgetsTheOldest(t *testing.T) {
	t.Parallel()
	b := newBounded[int, int](10)
	for i := range 1000 {
		b.put(i, i)
		if len(b.young)+len(b.old) > 20 {
			t.Fatalf("%d keys after %d", len(b.young)+len(b.old), i)
		}
		for j := max(0, i-9); j <= i; j++ {
			if v, ok := b.get(j); !ok || v != j {
				t.Fatalf("%d is forgotten after %d", j, i)
			}
		}
	}
	b.remove(999)
	b.remove(985)
	if _, ok := b.get(999); ok {
		t.Error("still there")
	}
}

func TestKnownOnlyGoesForward(t *testing.T) {
	t.Parallel()
	var k known
	k.init()
	x := task.Task{ID: task.NewID(), Version: 5}
	old := task.Task{ID: x.ID, Version: 4}
	k.lose(x.ID) // never seen, not remembered
	for i, step := range []struct {
		learn       task.Task
		raw         string
		truth, want bool
	}{
		{x, "", false, true},
		{x, "raw", false, true},
		{old, "old", false, false},
		{old, "", true, false},
		{x, "", true, true},
	} {
		if got := k.learn(&step.learn, step.raw, step.truth); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
	if f, _ := k.find(x.ID); f.raw != "raw" {
		t.Error("the decoded form is lost")
	}
	moves := k.moves.Load()
	k.lose(x.ID)
	if k.learn(&x, "raw", false) || k.current(&x) || k.moves.Load() == moves {
		t.Error("a copy brings a deleted task back")
	}
	if !k.learn(&x, "", true) || !k.current(&x) || k.current(&old) {
		t.Error("the repository is not believed")
	}
}

func TestDebtsAreBounded(t *testing.T) {
	t.Parallel()
	d := debts{horizon: time.Hour}
	if d.owes("task:x", false) || d.owes("tasks:list:x", true) {
		t.Fatal("owes from the start")
	}
	for i := range maxDebts {
		d.add(task.ID(fmt.Sprint(i)))
	}
	if d.owes("task:x", false) {
		t.Fatal("owes what nobody changed")
	}
	d.add("one too many")
	if !d.owes("task:x", false) || !d.owes("tasks:list:x", true) || len(d.ids) != maxDebts {
		t.Fatal("an invalidation is forgotten")
	}
	d.blind = time.Now().Add(-1)
	if d.owes("task:one too many", false) {
		t.Error("owed for ever")
	}

	if !d.begin() || d.begin() {
		t.Fatal("two pay")
	}
	batch, _ := d.next(10)
	var again task.ID
	for id := range batch.ids {
		again = id
		d.add(id) // changed once more while it was being delivered
		break
	}
	d.paid(batch)
	if len(d.ids) != maxDebts-9 || !d.owes(taskKey(again), false) || !d.owes("tasks:list:x", true) {
		t.Fatalf("%d debts after paying 9", len(d.ids))
	}
	for {
		batch, more := d.next(1000)
		if !more {
			break
		}
		d.paid(batch)
	}
	if d.owes(taskKey(again), false) || d.owes("", true) || d.owed.Load() != 0 || d.anything.Load() || !d.begin() {
		t.Error("not paid off")
	}
}

// A copy that was seen to be right before the last invalidation proves nothing
// about it.
func TestSuspectMarkedAgainStaysOne(t *testing.T) {
	t.Parallel()
	s := suspects{keys: newBounded[string, uint64](maxSuspects)}
	s.mark("a", "b")
	before, _ := s.find("a")
	s.mark("a")
	s.clear("a", before)
	again, ok := s.find("a")
	if !ok {
		t.Fatal("cleared by a comparison from before it was marked")
	}
	s.clear("a", again)
	if _, ok := s.find("a"); ok {
		t.Error("suspect for ever")
	}
	if _, ok := s.find("b"); !ok {
		t.Error("another's mark is gone")
	}
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l life
		l.ctx, l.cancel = context.WithCancel(t.Context())
		var mu sync.Mutex
		var reply error // to a ping
		var heard []error
		b := breaker{life: &l}
		b.onChange = func(err error) {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, err)
		}
		b.ping = func(string) error {
			time.Sleep(75 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			return reply
		}
		replies := func(err error) {
			mu.Lock()
			defer mu.Unlock()
			reply = err
		}
		is := func(what string, open bool, changes ...error) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if b.open() != open || !slices.Equal(heard, changes) {
				t.Fatalf("%s: open %v, heard %v; want %v, %v", what, b.open(), heard, open, changes)
			}
		}
		late, cause := context.DeadlineExceeded, errors.New("cause")

		b.fail("k", late)
		b.fail("k", late)
		time.Sleep(time.Second)
		is("late once", false)

		replies(late)
		b.fail("k", late)
		time.Sleep(4*75*time.Millisecond + 3*cooldown/4 - 1)
		is("three pings unanswered", false)
		time.Sleep(time.Nanosecond)
		is("four pings unanswered", true, late)
		replies(nil)
		time.Sleep(cooldown)
		is("left alone", true, late)
		time.Sleep(75 * time.Millisecond)
		is("back", false, late, nil)

		b.fail("k", cause)
		b.fail("k", cause)
		is("failed", true, late, nil, cause)
		time.Sleep(75 * time.Millisecond)
		is("back at once", false, late, nil, cause, nil)

		replies(cause)
		b.fail("k", late)
		time.Sleep(75 * time.Millisecond)
		is("a ping failed", true, late, nil, cause, nil, cause)

		l.close()
		is("closed", true, late, nil, cause, nil, cause)
	})
}

func TestFlight(t *testing.T) {
	t.Parallel()
	var l life
	l.ctx, l.cancel = context.WithCancel(context.Background())
	defer l.close()
	var f flights[int]
	finish := make(chan struct{})
	one, again, err := f.do(t.Context(), &l, "k", func(_ context.Context, publish func(int, error)) {
		publish(1, nil)
		<-finish
	})
	if one != 1 || again || err != nil {
		t.Errorf("the first: %d, %v, %v", one, again, err)
	}
	two := func(_ context.Context, publish func(int, error)) { publish(2, nil) }

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, again, err := f.do(gone, &l, "k", two); again || !errors.Is(err, context.Canceled) {
		t.Errorf("who goes away: %v, %v", again, err)
	}
	late := make(chan bool)
	go func() {
		_, again, _ := f.do(t.Context(), &l, "k", two)
		late <- again
	}()
	select {
	case <-late:
		t.Fatal("a late one does not wait for the end of the work")
	case <-time.After(20 * time.Millisecond):
	}
	f.forget("k")
	if v, again, err := f.do(t.Context(), &l, "k", two); v != 2 || again || err != nil {
		t.Errorf("after forget: %d, %v, %v", v, again, err)
	}
	close(finish)
	if !<-late {
		t.Error("a late one is not told to look again")
	}
}

func TestLateContext(t *testing.T) {
	t.Parallel()
	c := &lateContext{Context: t.Context(), deadline: time.Now().Add(time.Hour)}
	var waiting sync.WaitGroup
	for range 3 {
		waiting.Go(func() { <-c.Done() })
	}
	if err := c.Err(); err != nil {
		t.Errorf("over before its time: %v", err)
	}
	c.cancel()
	waiting.Wait()
	if err := c.Err(); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}

	unused := &lateContext{Context: t.Context(), deadline: time.Now().Add(time.Millisecond)}
	unused.cancel()
	<-unused.Done()
	if err := unused.Err(); err != context.DeadlineExceeded {
		t.Errorf("past its deadline: %v", err)
	}
}
