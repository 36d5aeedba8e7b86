package queue

import (
	"context"
	"encoding/json"
	"errors"
	cmdline "flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"go.uber.org/goleak"

	"revela/app/redis/redistest"
)

// atOnce is how many tests run at the same time at least. Most of them wait for
// a lease, an outage or a server most of the time.
const atOnce = 8

func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) != "" {
		os.Exit(help())
	}
	cmdline.Parse()
	if runtime.GOMAXPROCS(0) < atOnce {
		if err := cmdline.Set("test.parallel", strconv.Itoa(atOnce)); err != nil {
			panic(err)
		}
	}
	// A client closed while it waits to look for new nodes sleeps on, for a
	// second at most; nothing can wake it.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"))
}

// handler is a Handler made of functions.
type handler struct {
	process func(context.Context, *Job) error
	failed  func(context.Context, *Job, Failure) error
}

func (h handler) Process(ctx context.Context, j *Job) error { return h.process(ctx, j) }
func (h handler) Failed(ctx context.Context, j *Job, f Failure) error {
	if h.failed == nil {
		return nil
	}
	return h.failed(ctx, j, f)
}

func newQueue(t *testing.T, client rueidis.Client, change ...func(*Config)) *Queue {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Concurrency, cfg.Backoff, cfg.Jitter, cfg.Lease = 4, 50*time.Millisecond, 0, time.Second
	for _, f := range change {
		f(&cfg)
	}
	q, err := New(client, cfg, false)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// run starts a pool and stops it with the test, or by the returned function.
func run(t *testing.T, q *Queue, h Handler, hooks ...Hooks) (*Pool, func()) {
	t.Helper()
	var hk Hooks
	for _, x := range hooks {
		hk = x
	}
	p := NewPool(q, h, hk)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx, time.Second) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return p, stop
}

func add(t *testing.T, q *Queue, specs ...Spec) {
	t.Helper()
	if _, err := q.Add(t.Context(), specs...); err != nil {
		t.Fatal(err)
	}
}

func spec(id string) Spec { return Spec{ID: id, Name: "n", Data: []byte(`{"id":"` + id + `"}`)} }

func stats(t *testing.T, q *Queue) Stats {
	t.Helper()
	s, err := q.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// patience is long enough for machines that have much else to do.
const patience = 3 * time.Minute

// eventually polls cond until it holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// raw sends a command of words.
func raw(t *testing.T, c rueidis.Client, words ...string) rueidis.RedisResult {
	t.Helper()
	r := c.Do(t.Context(), c.B().Arbitrary(words...).Build())
	if err := r.Error(); err != nil && !rueidis.IsRedisNil(err) {
		t.Fatalf("%v: %v", words, err)
	}
	return r
}

func rawInt(t *testing.T, c rueidis.Client, words ...string) int64 {
	t.Helper()
	n, err := raw(t, c, words...).AsInt64()
	if err != nil {
		t.Fatalf("%v: %v", words, err)
	}
	return n
}

const pre = "bull:image-processing:"

// What an operator's scripts see in Redis, by names written out here.
func TestKeysAndHashAreTheContract(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.Backoff, cfg.MaxAttempts = time.Hour, 2 })
	before := time.Now().UnixMilli()
	add(t, q, spec("w1"), spec("w2"), Spec{ID: "later", Name: "n", Data: []byte(`{}`), Delay: time.Hour})

	if ids, _ := raw(t, c, "LRANGE", pre+"waiting", "0", "-1").AsStrSlice(); !slices.Equal(ids, []string{"w2", "w1"}) {
		t.Errorf("waiting = %v, want the newest on the left", ids)
	}
	if due := rawInt(t, c, "ZSCORE", pre+"delayed", "later"); due < before+3_599_000 || due > before+3_610_000 {
		t.Errorf("delayed score %d is not an hour after %d", due, before)
	}
	if n := rawInt(t, c, "GET", pre+"id"); n != 3 {
		t.Errorf("id = %d, want 3", n)
	}
	h, err := raw(t, c, "HGETALL", pre+"w1").AsStrMap()
	if err != nil {
		t.Fatal(err)
	}
	if h["name"] != "n" || h["data"] != `{"id":"w1"}` || h["attemptsMade"] != "0" {
		t.Errorf("hash = %v", h)
	}
	var opts struct {
		Attempts int
		Backoff  struct {
			Type  string
			Delay int
		}
		RemoveOnComplete, RemoveOnFail bool
	}
	if err := json.Unmarshal([]byte(h["opts"]), &opts); err != nil || opts.Attempts != 2 || opts.Backoff.Type != "exponential" || !opts.RemoveOnComplete || opts.RemoveOnFail {
		t.Errorf("opts = %s (%v)", h["opts"], err)
	}
	if ts, _ := strconv.ParseInt(h["timestamp"], 10, 64); ts < before-1000 || ts > before+10_000 {
		t.Errorf("timestamp = %s", h["timestamp"])
	}

	started, finish := make(chan string, 2), make(chan error)
	run(t, q, handler{process: func(ctx context.Context, j *Job) error { started <- j.ID; return <-finish }})
	<-started
	<-started
	if n := rawInt(t, c, "LLEN", pre+"active"); n != 2 {
		t.Errorf("active has %d ids, want 2", n)
	}
	if n := rawInt(t, c, "ZCARD", pre+"leases"); n != 2 {
		t.Errorf("leases has %d ids, want 2", n)
	}
	finish <- nil
	finish <- Permanent(errors.New("broken"))
	eventually(t, "both settled", func() bool { s := stats(t, q); return s.CompletedTotal == 1 && s.Failed == 1 })
	failed, _ := raw(t, c, "ZRANGE", pre+"failed", "0", "-1").AsStrSlice()
	h, _ = raw(t, c, "HGETALL", pre+failed[0]).AsStrMap()
	if h["failedReason"] != "broken" || h["attemptsMade"] != "1" || h["processedOn"] == "" || h["finishedOn"] == "" || !strings.HasPrefix(h["stacktrace"], `["`) {
		t.Errorf("failed hash = %v", h)
	}
	done := map[string]string{"w1": "w2", "w2": "w1"}[failed[0]]
	if n := rawInt(t, c, "EXISTS", pre+done); n != 0 {
		t.Errorf("the completed job %s is still there", done)
	}
	entries, err := raw(t, c, "XRANGE", pre+"events", "-", "+").AsXRange()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{} // ids by event: one entry may name several
	for _, e := range entries {
		seen[e.FieldValues["event"]] += len(strings.Split(e.FieldValues["jobId"], ","))
	}
	if want := map[string]int{"waiting": 2, "delayed": 1, "active": 2, "completed": 1, "failed": 1}; !maps.Equal(seen, want) {
		t.Errorf("events of %v jobs, want %v", seen, want)
	}
	if typ, _ := raw(t, c, "TYPE", pre+"meta").ToString(); typ != "hash" {
		t.Errorf("meta is a %s", typ)
	}
}

func TestAddingTwiceIsAddingOnce(t *testing.T) {
	t.Parallel()
	q := newQueue(t, redistest.Shared(t).Client(t))
	for want := 1; want >= 0; want-- {
		if n, err := q.Add(t.Context(), spec("a")); err != nil || n != want {
			t.Fatalf("Add = %d, %v; want %d", n, err, want)
		}
	}
	if s := stats(t, q); s.Waiting != 1 {
		t.Errorf("waiting = %d, want 1", s.Waiting)
	}
}

func TestEveryJobRunsOnceAcrossPools(t *testing.T) {
	t.Parallel()
	server := redistest.Shared(t)
	const n = 2000
	var runs sync.Map
	var count atomic.Int64
	h := handler{process: func(_ context.Context, j *Job) error {
		if _, twice := runs.LoadOrStore(j.ID, true); twice {
			t.Errorf("job %s ran twice", j.ID)
		}
		count.Add(1)
		return nil
	}}
	var q *Queue
	for range 4 {
		q = newQueue(t, server.Client(t))
		run(t, q, h)
	}
	specs := make([]Spec, n)
	for i := range specs {
		specs[i] = spec(fmt.Sprint("j", i))
	}
	add(t, q, specs...)
	eventually(t, "all done", func() bool { return stats(t, q).CompletedTotal == n })
	if got := count.Load(); got != n {
		t.Errorf("%d runs, want %d", got, n)
	}
	if s := stats(t, q); s != (Stats{CompletedTotal: n}) {
		t.Errorf("stats = %+v", s)
	}
}

func TestRetriesBackOffExponentiallyThenFail(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.MaxAttempts, cfg.Backoff = 4, 100*time.Millisecond })
	var at []time.Time
	var failures []Failure
	run(t, q, handler{
		process: func(_ context.Context, j *Job) error {
			at = append(at, time.Now())
			return fmt.Errorf("no %d", j.Attempt)
		},
		failed: func(_ context.Context, _ *Job, f Failure) error { failures = append(failures, f); return nil },
	})
	add(t, q, spec("a"))
	eventually(t, "failed", func() bool { return stats(t, q).Failed == 1 })
	if len(at) != 4 || len(failures) != 4 {
		t.Fatalf("%d attempts, %d failures told, want 4", len(at), len(failures))
	}
	for i, f := range failures {
		if want := i == 3; f.Final != want {
			t.Errorf("failure %d: final = %v", i+1, f.Final)
		}
		if want := 100 * time.Millisecond << i; i < 3 && f.Delay != want {
			t.Errorf("failure %d: delay %v, want %v", i+1, f.Delay, want)
		}
		if i > 0 && at[i].Sub(at[i-1]) < 100*time.Millisecond<<(i-1) {
			t.Errorf("attempt %d came %v after the one before", i+1, at[i].Sub(at[i-1]))
		}
	}
	info, err := q.Job(t.Context(), "a")
	if err != nil || info.State != Failed || info.AttemptsMade != 4 || len(info.Stacktrace) != 4 || info.FailedReason != "no 4" {
		t.Errorf("job = %+v, %v", info, err)
	}
}

// A thousand jobs that fail at once: each has its attempts and no more, none comes
// early, and they do not come back all at once.
func TestStormOfFailures(t *testing.T) {
	t.Parallel()
	const n, attempts, backoff = 1000, 3, 200 * time.Millisecond
	q := newQueue(t, redistest.Shared(t).Client(t), func(cfg *Config) {
		cfg.Concurrency, cfg.MaxAttempts, cfg.Backoff, cfg.Jitter, cfg.Lease = 20, attempts, backoff, 1, 10*time.Second
	})
	type retry struct {
		runs int
		due  time.Time
	}
	var (
		mu    sync.Mutex
		jobs  = make(map[string]retry, n)
		extra float64 // of the backoff, after first attempts; in all
	)
	run(t, q, handler{
		process: func(_ context.Context, j *Job) error {
			mu.Lock()
			defer mu.Unlock()
			was := jobs[j.ID]
			if early := time.Until(was.due); early > 2*time.Millisecond { // Redis cuts both off, time and delay
				t.Errorf("attempt %d of %s came %v early", j.Attempt, j.ID, early)
			}
			was.runs++
			jobs[j.ID] = was
			return errors.New("away")
		},
		failed: func(_ context.Context, j *Job, f Failure) error {
			mu.Lock()
			defer mu.Unlock()
			jobs[j.ID] = retry{jobs[j.ID].runs, time.Now().Add(f.Delay)} // Redis counts from later on
			if j.Attempt == 1 {
				extra += f.Delay.Seconds()/backoff.Seconds() - 1
			}
			return nil
		},
	})
	specs := make([]Spec, n)
	for i := range specs {
		specs[i] = spec(fmt.Sprint("j", i))
	}
	add(t, q, specs...)
	eventually(t, "all have failed", func() bool { return stats(t, q) == Stats{Failed: n, FailedTotal: n} })
	mu.Lock()
	defer mu.Unlock()
	for id, j := range jobs {
		if j.runs != attempts {
			t.Errorf("job %s: %d attempts, want %d", id, j.runs, attempts)
		}
	}
	if mean := extra / n; len(jobs) != n || mean < 0.45 || mean > 0.55 { // evenly spread from 0 to 1
		t.Errorf("%d jobs came back after the backoff and %.2f of it, on average; want %d and 0.5", len(jobs), mean, n)
	}
}

func TestJitterStaysInItsShare(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	for attempt, base := range map[int]time.Duration{1: 2 * time.Second, 2: 4 * time.Second, 3: 8 * time.Second} {
		if lo, hi := cfg.backoff(attempt, 0), cfg.backoff(attempt, 0.999999); lo != base || hi < base*119/100 || hi > base*12/10 {
			t.Errorf("backoff(%d) is %v to %v, want %v to 1.2 times that", attempt, lo, hi, base)
		}
	}
	if got := cfg.backoff(4000, 1); got != maxBackoff {
		t.Errorf("backoff(4000) = %v", got)
	}
}

func TestPermanentErrorsAndPanics(t *testing.T) {
	t.Parallel()
	q := newQueue(t, redistest.Shared(t).Client(t), func(cfg *Config) { cfg.MaxAttempts = 1 })
	run(t, q, handler{process: func(_ context.Context, j *Job) error {
		if j.ID == "panic" {
			panic("oh")
		}
		return Permanent(errors.New("broken"))
	}})
	add(t, q, spec("panic"), spec("perm"))
	eventually(t, "both failed", func() bool { return stats(t, q).Failed == 2 })
	info, err := q.Job(t.Context(), "panic")
	if err != nil || info.FailedReason != "panic: oh" || !strings.Contains(info.Stacktrace[0], "queue_test.go") {
		t.Errorf("job = %+v, %v", info, err)
	}
	if info, _ = q.Job(t.Context(), "perm"); info.AttemptsMade != 1 || info.FailedReason != "broken" {
		t.Errorf("job = %+v", info)
	}
}

func TestRetryPromoteRemoveClean(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c)
	ctx := t.Context()
	var ok atomic.Bool
	_, stop := run(t, q, handler{process: func(context.Context, *Job) error {
		if ok.Load() {
			return nil
		}
		return Permanent(errors.New("broken"))
	}})
	add(t, q, spec("f1"), spec("f2"), Spec{ID: "d", Name: "n", Delay: time.Hour})
	eventually(t, "two failed", func() bool { return stats(t, q).Failed == 2 })

	var state *StateError
	if err := q.Retry(ctx, "d"); !errors.As(err, &state) || state.State != Delayed {
		t.Errorf("Retry of a delayed job: %v", err)
	}
	if err := q.Promote(ctx, "f1"); !errors.As(err, &state) || state.State != Failed {
		t.Errorf("Promote of a failed job: %v", err)
	}
	for _, f := range []func(context.Context, string) error{q.Retry, q.Promote, q.Remove} {
		if err := f(ctx, "none"); !errors.Is(err, ErrNoJob) {
			t.Errorf("a job that is not there: %v", err)
		}
	}
	ok.Store(true)
	if err := errors.Join(q.Retry(ctx, "f1"), q.Promote(ctx, "d")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both completed", func() bool { return stats(t, q).CompletedTotal == 2 })
	if gone, err := q.Clean(ctx, Failed, time.Hour, 10); err != nil || len(gone) != 0 {
		t.Errorf("Clean of what is younger: %v, %v", gone, err)
	}
	if gone, err := q.Clean(ctx, Failed, 0, 10); err != nil || !slices.Equal(gone, []string{"f2"}) {
		t.Errorf("Clean: %v, %v", gone, err)
	}
	stop()

	add(t, q, spec("w1"), spec("w2"), spec("w3"))
	if err := q.Remove(ctx, "w2"); err != nil {
		t.Fatal(err)
	}
	if s := stats(t, q); s.Waiting != 2 {
		t.Errorf("waiting = %d after a removal, want 2", s.Waiting)
	}
	add(t, q, spec("w2")) // again, while its old id is still in the list
	if s := stats(t, q); s.Waiting != 3 {
		t.Errorf("waiting = %d, want 3", s.Waiting)
	}
	var ran sync.Map
	run(t, q, handler{process: func(_ context.Context, j *Job) error {
		if _, twice := ran.LoadOrStore(j.ID, true); twice {
			t.Errorf("%s ran twice", j.ID)
		}
		return nil
	}})
	eventually(t, "all done", func() bool { return stats(t, q).CompletedTotal == 5 })
	eventually(t, "nothing left", func() bool { s := stats(t, q); return s.Waiting+s.Active == 0 })
	if s := stats(t, q); s != (Stats{CompletedTotal: 5, FailedTotal: 2}) {
		t.Errorf("stats = %+v", s)
	}
}

func TestListings(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c)
	ctx := t.Context()
	var specs []Spec
	for i := range 60 {
		specs = append(specs, spec(fmt.Sprintf("j%02d", i)))
	}
	add(t, q, specs...)
	ids := func(state State, start, end int) []string {
		jobs, err := q.Jobs(ctx, state, start, end)
		if err != nil {
			t.Fatal(err)
		}
		out := []string{}
		for _, j := range jobs {
			out = append(out, j.ID)
		}
		return out
	}
	if got := ids(Waiting, 1, 3); !slices.Equal(got, []string{"j01", "j02", "j03"}) {
		t.Errorf("waiting 1-3 = %v", got)
	}
	if got := ids(Waiting, 0, 1000); len(got) != MaxPage {
		t.Errorf("a page of %d", len(got))
	}
	if got := ids(Waiting, 58, 70); !slices.Equal(got, []string{"j58", "j59"}) {
		t.Errorf("the last page = %v", got)
	}
	for i := range 55 { // cancelled while they wait: no page may be empty for that
		if err := q.Cancel(ctx, fmt.Sprintf("j%02d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if got := ids(Waiting, 0, 9); !slices.Equal(got, []string{"j55", "j56", "j57", "j58", "j59"}) {
		t.Errorf("after cancelling most: %v", got)
	}
	if got := ids(Waiting, 3, 9); !slices.Equal(got, []string{"j58", "j59"}) {
		t.Errorf("from the fourth: %v", got)
	}
	for i := range 55 {
		add(t, q, spec(fmt.Sprintf("k%02d", i)))
	}
	if err := q.Pause(ctx); err != nil {
		t.Fatal(err)
	}
	if w, p := ids(Waiting, 0, 9), ids(Paused, 0, 9); len(w) != 0 || len(p) != 10 {
		t.Errorf("while paused: %d waiting, %d paused", len(w), len(p))
	}
	if s := stats(t, q); s.Waiting != 0 || s.Paused != 60 {
		t.Errorf("while paused: %+v", s)
	}
	if got := ids(Waiting, -1, 5); len(got) != 0 {
		t.Errorf("a start of -1: %v", got)
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c)
	ran := make(chan string, 10)
	run(t, q, handler{process: func(_ context.Context, j *Job) error { ran <- j.ID; return nil }})
	add(t, q, spec("a"))
	<-ran // the pool is idle now, or about to be
	if err := q.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	add(t, q, spec("b"))
	// An id that the pool's blocked pop took all the same comes back.
	eventually(t, "b is paused", func() bool { s := stats(t, q); return s.Paused == 1 && s.Active == 0 })
	if len(ran) != 0 {
		t.Fatal("a paused pool took a job")
	}
	resumed := time.Now()
	if err := q.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-ran
	if took := time.Since(resumed); took > time.Second {
		t.Errorf("resumed after %v", took)
	}
}
