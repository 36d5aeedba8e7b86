package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"revela/app/redis/redistest"
)

// damages are what may be wrong with one job's record, from outside.
var damages = map[string]func(t *testing.T, c rueidis.Client, key string){
	"a string": func(t *testing.T, c rueidis.Client, key string) { raw(t, c, "SET", key, "x") },
	"a list": func(t *testing.T, c rueidis.Client, key string) {
		raw(t, c, "DEL", key)
		raw(t, c, "LPUSH", key, "x")
	},
	"numbers that are none": func(t *testing.T, c rueidis.Client, key string) {
		raw(t, c, "HSET", key, "timestamp", "x", "attemptsMade", "1.5", "stalledCounter", "many", "delay", "x", "processedOn", "{}")
	},
	"numbers too large": func(t *testing.T, c rueidis.Client, key string) {
		raw(t, c, "HSET", key, "attemptsMade", "9223372036854775807", "stalledCounter", "9223372036854775807")
	},
	"numbers below zero": func(t *testing.T, c rueidis.Client, key string) {
		raw(t, c, "HSET", key, "attemptsMade", "-1000000", "stalledCounter", "-1000000")
	},
	"no JSON": func(t *testing.T, c rueidis.Client, key string) {
		raw(t, c, "HSET", key, "data", "{", "opts", "]", "stacktrace", `{"1":2`, "progress", "?")
	},
	"nothing of a job": func(t *testing.T, c rueidis.Client, key string) {
		raw(t, c, "HDEL", key, "name", "data", "opts", "timestamp", "attemptsMade")
		raw(t, c, "HSET", key, "other", "x")
	},
}

// One job's record is damaged, in whatever state it is. The others that the same
// scripts deal with end as they should, and it ends as well.
func TestABrokenJobHarmsNoOther(t *testing.T) {
	t.Parallel()
	others := []string{"a", "b", "c", "d", "e"}
	for damage, do := range damages {
		for _, state := range []State{Waiting, Active, Delayed, Failed, Completed} {
			t.Run(damage+" "+string(state), func(t *testing.T) {
				t.Parallel()
				c := redistest.Shared(t).Client(t)
				q := newQueue(t, c, func(cfg *Config) {
					cfg.KeepCompleted, cfg.MaxStalls, cfg.MaxAttempts, cfg.Concurrency = KeepAll, 1, 2, 6
				})
				ids := slices.Insert(slices.Clone(others), 2, "broken")
				put(t, q, c, state, ids...)
				do(t, c, pre+"broken")

				shown, err := q.Jobs(t.Context(), state, 0, 49)
				if err != nil || len(shown) != len(ids) {
					t.Fatalf("listed: %+v, %v", shown, err)
				}
				i := slices.IndexFunc(shown, func(j Info) bool { return j.ID == "broken" })
				if i < 0 || shown[i].Broken == "" {
					t.Errorf("shown as %+v", shown)
				}
				if info, err := q.Job(t.Context(), "broken"); err != nil || info.State != state || info.Broken == "" {
					t.Errorf("job = %+v, %v", info, err)
				}
				if _, err := q.Oldest(t.Context()); err != nil {
					t.Errorf("the oldest: %v", err)
				}
				switch state {
				case Delayed:
					if n, err := q.promote(t.Context(), "+inf", ids...); err != nil || slices.Contains(n, 0) {
						t.Errorf("promoted: %v, %v", n, err)
					}
				case Failed, Completed:
					for _, id := range ids {
						if err := q.Retry(t.Context(), id); err != nil && (id != "broken" || !errors.Is(err, ErrBroken)) {
							t.Errorf("retry: %v", err)
						}
					}
				}

				var mu sync.Mutex
				trouble, fails, counted := []string(nil), map[string]int{}, 0
				run(t, q, handler{process: func(_ context.Context, j *Job) error {
					mu.Lock()
					defer mu.Unlock()
					if fails[j.ID]++; j.Attempt == 1 {
						return errors.New("the first attempt")
					}
					return nil
				}}, Hooks{
					Error: func(op string, err error) {
						mu.Lock()
						defer mu.Unlock()
						trouble = append(trouble, fmt.Sprint(op, ": ", err))
					},
					Repaired: func(r Repair, n int) {
						mu.Lock()
						defer mu.Unlock()
						if r == Broken {
							counted += n
						}
					},
				})
				eventually(t, "all have ended", func() bool {
					s := stats(t, q)
					return s.Completed+s.Failed == int64(len(ids)) && s.Waiting+s.Active+s.Delayed == 0
				})
				for _, id := range others {
					if info, err := q.Job(t.Context(), id); err != nil || info.State != Completed {
						t.Errorf("job = %+v, %v", info, err)
					}
				}
				mu.Lock()
				defer mu.Unlock()
				if len(trouble) > 0 {
					t.Errorf("steps failed: %q", trouble)
				}
				if n := fails["broken"]; n > 3 {
					t.Errorf("the broken one ran %d times", n)
				}
				info, err := q.Job(t.Context(), "broken")
				if err != nil || info.State != Completed && info.State != Failed {
					t.Errorf("the broken one: %+v, %v", info, err)
				}
				if damage[:2] == "a " && !strings.Contains(info.Broken, damage) {
					t.Errorf("the broken one: %+v", info)
				}
				ran := damage[:2] != "a " || state == Failed || state == Completed
				if want := map[bool]int{false: 1}[ran]; counted != want {
					t.Errorf("%d jobs counted as broken, want %d", counted, want)
				}
				if err := q.Remove(t.Context(), "broken"); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// put makes jobs of a state; active ones are of a worker that was lost.
func put(t *testing.T, q *Queue, c rueidis.Client, state State, ids ...string) {
	t.Helper()
	for _, id := range ids {
		s := spec(id)
		if state == Delayed {
			s.Delay = time.Hour
		}
		add(t, q, s)
	}
	switch state {
	case Active:
		for _, id := range ids {
			raw(t, c, "LMOVE", pre+"waiting", pre+"active", "RIGHT", "LEFT")
			raw(t, c, "ZADD", pre+"leases", "1", id)
			raw(t, c, "HSET", pre+"owners", id, "gone")
			raw(t, c, "HSET", pre+id, "processedBy", "gone", "processedOn", "1")
		}
	case Failed, Completed:
		for i, id := range ids {
			raw(t, c, "ZADD", pre+string(state), fmt.Sprint(i+1), id)
		}
		raw(t, c, "DEL", pre+"waiting")
	}
}

// A job whose record turns bad in the hands of its worker ends, and its neighbours
// with it.
func TestAJobBreaksInWork(t *testing.T) {
	t.Parallel()
	for damage, do := range damages {
		for _, outcome := range []string{"completed", "failed", "retried", "handed back"} {
			t.Run(damage+" "+outcome, func(t *testing.T) {
				t.Parallel()
				c := redistest.Shared(t).Client(t)
				q := newQueue(t, c, func(cfg *Config) { cfg.KeepCompleted = KeepAll })
				var mu sync.Mutex
				var trouble []string
				done := false
				run(t, q, handler{process: func(_ context.Context, j *Job) error {
					mu.Lock()
					defer mu.Unlock()
					if j.ID != "broken" || done {
						return nil
					}
					done = true
					do(t, c, pre+"broken")
					return map[string]error{
						"failed": Permanent(errors.New("no")), "retried": errors.New("no"), "handed back": Postpone(errors.New("no"), 0),
					}[outcome]
				}}, Hooks{Error: func(op string, err error) {
					mu.Lock()
					defer mu.Unlock()
					trouble = append(trouble, fmt.Sprint(op, ": ", err))
				}})
				add(t, q, spec("a"), spec("broken"), spec("b"))
				eventually(t, "all have ended", func() bool {
					s := stats(t, q)
					return s.Completed+s.Failed == 3 && s.Waiting+s.Active+s.Delayed == 0
				})
				mu.Lock()
				defer mu.Unlock()
				if len(trouble) > 0 {
					t.Errorf("steps failed: %q", trouble)
				}
			})
		}
	}
}

// Cleaning and retention go past what is broken.
func TestCleaningPassesBrokenJobs(t *testing.T) {
	t.Parallel()
	for damage, do := range damages {
		for _, state := range []State{Waiting, Delayed, Failed, Completed} {
			t.Run(damage+" "+string(state), func(t *testing.T) {
				t.Parallel()
				c := redistest.Shared(t).Client(t)
				q := newQueue(t, c)
				put(t, q, c, state, "a", "broken", "b")
				do(t, c, pre+"broken")
				old, err := q.Clean(t.Context(), state, time.Hour, 10)
				if state == Waiting || state == Delayed { // nobody knows how old the broken one is
					if err != nil || len(old) != 0 {
						t.Errorf("cleaned of what is old: %v, %v", old, err)
					}
				}
				if _, err := q.Clean(t.Context(), state, 0, 10); err != nil {
					t.Errorf("clean: %v", err)
				}
				if s := stats(t, q); s != (Stats{}) {
					t.Errorf("left: %+v", s)
				}
			})
		}
	}
}

// Adding a job puts it in the place of what is no job.
func TestAddReplacesWhatIsNoJob(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c)
	raw(t, c, "SET", pre+"broken", "x")
	raw(t, c, "ZADD", pre+"failed", "1", "broken")
	if n, err := q.Add(t.Context(), spec("a"), spec("broken"), spec("b")); err != nil || n != 3 {
		t.Fatalf("Add = %d, %v", n, err)
	}
	ran := make(chan string, 3)
	run(t, q, handler{process: func(_ context.Context, j *Job) error { ran <- j.ID; return nil }})
	eventually(t, "all completed", func() bool { return stats(t, q) == Stats{CompletedTotal: 3} })
	if len(ran) != 3 {
		t.Errorf("%d ran", len(ran))
	}
}
