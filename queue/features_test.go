package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"revela/app/redis/redistest"
)

// An urgent job overtakes a backlog of thousands, and of many urgent ones every
// fifth turn is for the others.
func TestUrgentJobsOvertakeAndNobodyStarves(t *testing.T) {
	t.Parallel()
	q := newQueue(t, redistest.Shared(t).Client(t), func(cfg *Config) { cfg.Concurrency = 1 })
	if err := q.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	var specs []Spec
	for i := range 3000 {
		specs = append(specs, spec(fmt.Sprint("n", i)))
	}
	for i := range 12 {
		s := spec(fmt.Sprint("u", i))
		s.Urgent = true
		specs = append(specs, s)
	}
	later := Spec{ID: "later", Name: "n", Urgent: true, Delay: 10 * time.Millisecond}
	add(t, q, append(specs, later)...)
	if s := stats(t, q); s.Paused+s.Delayed != 3013 {
		t.Fatalf("stats = %+v", s)
	}

	first, err := q.Jobs(t.Context(), Paused, 0, 49)
	if err != nil || len(first) != 50 || first[0].ID != "u0" || first[0].Priority != "urgent" {
		t.Fatalf("the listing starts with %+v, %v", first[:min(1, len(first))], err)
	}
	at := slices.IndexFunc(first, func(j Info) bool { return j.ID == "n0" })
	if deep, err := q.Jobs(t.Context(), Paused, at+2990, at+2999); err != nil || len(deep) != 10 || deep[9].ID != "n2999" {
		t.Errorf("the end of the listing: %d jobs, %v", len(deep), err)
	}

	var mu sync.Mutex
	var order []string
	done := make(chan struct{})
	p := NewPool(q, nil, Hooks{})
	eventually(t, "the delayed one waits", func() bool {
		_, err := p.promote(t.Context())
		return err == nil && stats(t, q).Delayed == 0
	})
	run(t, q, handler{process: func(_ context.Context, j *Job) error {
		mu.Lock()
		defer mu.Unlock()
		if order = append(order, j.ID); len(order) == 20 {
			close(done)
		}
		return nil
	}})
	if err := q.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-done
	mu.Lock()
	defer mu.Unlock()
	want := strings.Fields("u0 u1 u2 u3 n0 u4 u5 u6 u7 n1 u8 u9 u10 u11 n2 later n3 n4 n5 n6")
	if !slices.Equal(order[:20], want) {
		t.Errorf("order %v\nwant  %v", order[:20], want)
	}
}

func TestIdlePoolTakesAnUrgentJobAtOnce(t *testing.T) {
	t.Parallel()
	q := newQueue(t, redistest.Shared(t).Client(t))
	started := make(chan time.Time, 1)
	run(t, q, handler{process: func(context.Context, *Job) error { started <- time.Now(); return nil }})
	var late []time.Duration
	for i := range 5 {
		s := spec(fmt.Sprint("u", i))
		s.Urgent = true
		added := time.Now()
		add(t, q, s)
		late = append(late, (<-started).Sub(added))
	}
	// Were they in a list to which nobody listens, BLMOVE would take a second each
	// time, but for the first, before which the pool was not idle yet. A busy machine
	// may hold up some of them.
	if slices.Min(late[1:]) > 700*time.Millisecond {
		t.Errorf("the jobs started after %v", late)
	}
}

func TestFullQueueRefusesNewJobsOnly(t *testing.T) {
	t.Parallel()
	q := newQueue(t, redistest.Shared(t).Client(t), func(cfg *Config) { cfg.MaxWaiting = 3 })
	add(t, q, spec("a"), Spec{ID: "later", Name: "n", Delay: time.Hour})
	if err := q.Room(t.Context()); err != nil {
		t.Errorf("Room = %v with one place left", err)
	}
	n, err := q.Add(t.Context(), spec("b"), spec("c"), spec("a"))
	if n != 1 || !errors.Is(err, ErrFull) {
		t.Errorf("Add = %d, %v; want 1 and ErrFull", n, err)
	}
	if err := q.Room(t.Context()); !errors.Is(err, ErrFull) {
		t.Errorf("Room = %v", err)
	}
	if n, err := q.Add(t.Context(), spec("a")); n != 0 || err != nil {
		t.Errorf("adding one again that waits: %d, %v", n, err)
	}
	if n, err := q.Add(t.Context(), Spec{ID: "d", Name: "n", Accepted: true}); n != 1 || err != nil {
		t.Errorf("adding an accepted one: %d, %v", n, err)
	}
	if err := q.Remove(t.Context(), "a"); err != nil { // its id stays in the list
		t.Fatal(err)
	}
	if err := q.Cancel(t.Context(), "d"); err != nil {
		t.Fatal(err)
	}
	if n, err := q.Add(t.Context(), spec("e")); n != 1 || err != nil {
		t.Errorf("after two were removed: %d, %v", n, err)
	}
}

func TestFinishedJobsAreKeptForSoLong(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.KeepCompleted = Keep{Count: All, Age: time.Hour} })
	p, _ := run(t, q, handler{process: func(context.Context, *Job) error { return nil }})
	add(t, q, spec("old"), spec("new"))
	eventually(t, "both completed", func() bool { return stats(t, q).Completed == 2 })
	raw(t, c, "ZADD", pre+"completed", fmt.Sprint(time.Now().Add(-2*time.Hour).UnixMilli()), "old")
	nudge(p.trims)
	eventually(t, "the old one is gone", func() bool { return stats(t, q).Completed == 1 })
	if _, err := q.Job(t.Context(), "old"); !errors.Is(err, ErrNoJob) {
		t.Errorf("the old job: %v", err)
	}
	if job, err := q.Job(t.Context(), "new"); err != nil || job.State != Completed {
		t.Errorf("the new job: %+v, %v", job, err)
	}
}

// Somebody deleted the lists: the jobs run all the same.
func TestJobsWithoutAListAreFound(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c)
	add(t, q, spec("a"), spec("b"), Spec{ID: "later", Name: "n", Delay: time.Hour}, Spec{ID: "u", Name: "n", Urgent: true})
	raw(t, c, "DEL", pre+"waiting", pre+"urgent")
	add(t, q, spec("listed"))
	repaired := map[Repair]int{}
	p := NewPool(q, handler{process: func(context.Context, *Job) error { return nil }},
		Hooks{Repaired: func(r Repair, n int) { repaired[r] += n }})
	for range 2 { // the second time there is nothing to do
		if err := p.audit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if repaired[Orphan] != 3 {
		t.Errorf("%d orphans, want 3", repaired[Orphan])
	}
	if s := stats(t, q); s != (Stats{Waiting: 4, Delayed: 1}) {
		t.Errorf("stats = %+v", s)
	}
}

// The answer to a claim is lost: the job was never begun, so nothing stalled.
// Redis keeps what is looked up for each job in tables, however little is in work.
func TestLeasesAndOwnersAreTables(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c)
	begun, release := make(chan string), make(chan struct{})
	run(t, q, handler{process: func(_ context.Context, j *Job) error {
		begun <- j.ID
		<-release
		return nil
	}})
	defer close(release)
	for _, id := range []string{"a", "b"} {
		add(t, q, spec(id))
		<-begun
		for key, want := range map[string]string{"leases": "skiplist", "owners": "hashtable"} {
			if got, err := raw(t, c, "OBJECT", "ENCODING", pre+key).ToString(); err != nil || got != want {
				t.Errorf("with %s, %s is a %s, %v; want a %s", id, key, got, err, want)
			}
		}
		if leases, owners := rawInt(t, c, "ZCARD", pre+"leases"), rawInt(t, c, "HLEN", pre+"owners"); leases != owners || leases > 2 {
			t.Errorf("with %s, %d leases and %d owners", id, leases, owners)
		}
	}
}

func TestLostClaimIsNoStall(t *testing.T) {
	t.Parallel()
	q := newQueue(t, redistest.Shared(t).Client(t), func(cfg *Config) { cfg.Lease, cfg.MaxStalls = 500*time.Millisecond, 0 })
	add(t, q, spec("a"))
	if a, err := NewPool(q, nil, Hooks{}).exchange(t.Context(), turn{want: 1}); err != nil || len(a.taken.ids) != 1 {
		t.Fatal(a, err)
	}
	unbegun := make(chan int, 1)
	run(t, q, handler{process: func(context.Context, *Job) error { return nil }}, Hooks{Repaired: func(r Repair, n int) {
		if r == Unbegun {
			unbegun <- n
		}
	}})
	eventually(t, "completed", func() bool { return stats(t, q) == Stats{CompletedTotal: 1} })
	if n := <-unbegun; n != 1 {
		t.Errorf("%d repairs", n)
	}
}

// A failure that cannot be recorded does not keep its worker for ever.
func TestFailureThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	q := newQueue(t, redistest.Shared(t).Client(t), func(cfg *Config) { cfg.Concurrency = 1 })
	run(t, q, handler{
		process: func(_ context.Context, j *Job) error {
			if j.ID == "bad" {
				return Permanent(errors.New("broken"))
			}
			return nil
		},
		failed: func(context.Context, *Job, Failure) error { return Permanent(errors.New("cannot be written")) },
	})
	add(t, q, spec("bad"), spec("good"))
	eventually(t, "both ended", func() bool { return stats(t, q) == Stats{Failed: 1, FailedTotal: 1, CompletedTotal: 1} })
}

func TestHooksTellHowAttemptsEnd(t *testing.T) {
	t.Parallel()
	q := newQueue(t, redistest.Shared(t).Client(t), func(cfg *Config) { cfg.MaxAttempts, cfg.Backoff = 2, time.Millisecond })
	var mu sync.Mutex
	ended := map[Ended]int{}
	var waits []time.Duration
	hooks := Hooks{
		Started: func(d time.Duration) { mu.Lock(); defer mu.Unlock(); waits = append(waits, d) },
		Ended: func(e Ended) {
			mu.Lock()
			defer mu.Unlock()
			if e.Ran < 0 || e.Ran > time.Minute {
				t.Errorf("it ran for %v", e.Ran)
			}
			e.Ran = 0
			ended[e]++
		},
	}
	if err := q.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	add(t, q, spec("good"), spec("bad"), spec("late"))
	if age, err := q.Oldest(t.Context()); err != nil || age < 0 || age > time.Minute {
		t.Errorf("Oldest = %v, %v", age, err)
	}
	postponed := false
	run(t, q, handler{process: func(_ context.Context, j *Job) error {
		switch {
		case j.ID == "bad":
			return errors.New("broken")
		case j.ID == "late" && !postponed:
			postponed = true
			return Postpone(errors.New("not now"), time.Millisecond)
		}
		return nil
	}}, hooks)
	eventually(t, "a while has passed", func() bool {
		age, err := q.Oldest(t.Context())
		return err == nil && age >= 20*time.Millisecond
	})
	now := spec("now") // is taken first, and younger
	now.Urgent = true
	add(t, q, now)
	if age, err := q.Oldest(t.Context()); err != nil || age < 20*time.Millisecond {
		t.Errorf("Oldest behind an urgent job = %v, %v", age, err)
	}
	if err := q.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all ended", func() bool { s := stats(t, q); return s.CompletedTotal == 3 && s.FailedTotal == 1 })
	mu.Lock()
	defer mu.Unlock()
	want := map[Ended]int{
		{Outcome: Done, Attempt: 1}: 3, {Outcome: Released, Attempt: 1}: 1,
		{Outcome: Retried, Attempt: 1}: 1, {Outcome: GaveUp, Attempt: 2}: 1,
	}
	if !maps.Equal(ended, want) {
		t.Errorf("ended %v, want %v", ended, want)
	}
	if len(waits) != 4 || slices.Min(waits) < 0 || slices.Max(waits) < 20*time.Millisecond {
		t.Errorf("waits %v, want one for each job", waits)
	}
	if age, err := q.Oldest(t.Context()); err != nil || age != 0 {
		t.Errorf("Oldest of an empty queue = %v, %v", age, err)
	}
}
