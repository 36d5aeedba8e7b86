package queue

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"revela/app/redis/redistest"
)

// waits collects what the hook is told.
func waits() (chan time.Duration, Hooks) {
	told := make(chan time.Duration, 100)
	return told, Hooks{Started: func(d time.Duration) { told <- d }}
}

// A job's wait is told when it begins, and not again: not after it was handed back,
// by its handler or a pool that stops, nor after failures or a retry by hand.
func TestAWaitIsToldOnce(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.MaxAttempts, cfg.Backoff = 2, time.Millisecond })
	told, hooks := waits()

	b := newBlocked()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- NewPool(q, b, hooks).Run(ctx, 0) }()
	add(t, q, spec("a"))
	<-b.started
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}

	runs := 0
	run(t, q, handler{process: func(context.Context, *Job) error {
		if runs++; runs < 3 {
			return Postpone(errors.New("not now"), time.Millisecond)
		}
		return errors.New("no")
	}}, hooks)
	for n := int64(1); n <= 2; n++ {
		eventually(t, "failed", func() bool { s := stats(t, q); return s.FailedTotal == n && s.Failed == 1 })
		if err := q.Retry(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "failed again", func() bool { return stats(t, q).FailedTotal == 3 })
	if n := len(told); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// The answer to a turn got lost, and the turn is repeated.
func TestAWaitIsToldAlthoughTheBeginningIsRepeated(t *testing.T) {
	t.Parallel()
	q := newQueue(t, redistest.Shared(t).Client(t))
	told, hooks := waits()
	p := NewPool(q, nil, hooks)
	add(t, q, spec("a"))
	first, err := p.exchange(t.Context(), turn{want: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		a, err := p.exchange(t.Context(), turn{taken: first.taken})
		if err != nil || len(a.begun) != 1 {
			t.Fatalf("begun: %v, %v", a.begun, err)
		}
		p.attempt(a.begun[0], a.token, a.at)
	}
	if n := len(told); n != 2 { // here both answers were seen
		t.Errorf("told %d times", n)
	}
}

// A delay is no waiting, whether it passes or is cut short by hand.
func TestADelayIsNoWait(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c)
	told, hooks := waits()
	for _, id := range []string{"due", "promoted"} {
		add(t, q, Spec{ID: id, Name: "n", Delay: time.Hour})
	}
	past(t, c, "due", time.Hour)
	past(t, c, "promoted", 20*time.Minute)
	if err := q.Promote(t.Context(), "promoted"); err != nil {
		t.Fatal(err)
	}
	if n := time.Duration(rawInt(t, c, "HGET", pre+"promoted", "delay")) * time.Millisecond; n < 20*time.Minute || n > 25*time.Minute {
		t.Errorf("the promoted one was delayed for %v", n)
	}
	run(t, q, handler{process: func(context.Context, *Job) error { return nil }}, hooks)
	eventually(t, "completed", func() bool { return stats(t, q).CompletedTotal == 2 })
	if n := len(told); n != 2 {
		t.Fatalf("told %d times", n)
	}
	for range 2 {
		if d := <-told; d > time.Minute {
			t.Errorf("a wait of %v", d)
		}
	}
}

// past makes a delayed job of an hour one that was added some time ago.
func past(t *testing.T, c rueidis.Client, id string, ago time.Duration) {
	t.Helper()
	ms := ago.Milliseconds()
	raw(t, c, "HINCRBY", pre+id, "timestamp", strconv.FormatInt(-ms, 10))
	raw(t, c, "ZINCRBY", pre+"delayed", strconv.FormatInt(-ms, 10), id)
}
