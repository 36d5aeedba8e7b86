package queue

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"revela/app/redis/redistest"
)

// Every name that newKeys makes is refused as an id, also of a key that comes later.
func TestKeysOfTheQueueAreReserved(t *testing.T) {
	t.Parallel()
	k := reflect.ValueOf(newKeys("p", "n", false))
	named := map[string]bool{}
	for i := range k.NumField() {
		if name := strings.TrimPrefix(k.Field(i).String(), "p:n:"); name != "" { // the prefix itself
			named[name] = true
		}
	}
	if !maps.Equal(named, reserved) {
		t.Errorf("reserved are %v, the keys are %v", slices.Sorted(maps.Keys(reserved)), slices.Sorted(maps.Keys(named)))
	}
}

func TestIDsThatNoJobMayHave(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c)
	for _, id := range append(slices.Collect(maps.Keys(reserved)),
		"", "a,b", "a:b", "a\nb", "a\x00", "\xff", strings.Repeat("x", maxID+1)) {
		if n, err := q.Add(t.Context(), spec("good"), Spec{ID: id}); n != 0 || !errors.Is(err, ErrInvalidID) {
			t.Errorf("adding %.20q: %d, %v", id, n, err)
		}
	}
	if n := rawInt(t, c, "DBSIZE"); n != 0 {
		t.Errorf("%d keys were made", n)
	}
	for _, id := range []string{"665f1c2ab3d4e5f601020304", "Waiting", "ö{x}*", strings.Repeat("x", maxID)} {
		if n, err := q.Add(t.Context(), spec(id)); n != 1 || err != nil {
			t.Errorf("adding %.20q: %d, %v", id, n, err)
		}
	}
}

// Somebody pushed the names of the queue's own keys into its lists: they are no
// jobs, and the keys stay what they are.
func TestKeysOfTheQueueAreNoJobs(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c)
	add(t, q, Spec{ID: "later", Name: "n", Delay: 1 << 40}, Spec{ID: "a", Name: "n", Delay: 1 << 40})
	raw(t, c, "HSET", pre+"meta", "completedTotal", "7")
	raw(t, c, "SET", pre+"audit", "somebody")
	raw(t, c, "HSET", pre+"owners", "x", "somebody")
	for id := range reserved {
		ctx := t.Context()
		if _, err := q.Job(ctx, id); !errors.Is(err, ErrNoJob) {
			t.Errorf("job %s: %v", id, err)
		}
		for _, f := range []func(context.Context, string) error{q.Retry, q.Promote, q.Remove} {
			if err := f(ctx, id); !errors.Is(err, ErrNoJob) {
				t.Errorf("a change of %s: %v", id, err)
			}
		}
		if err := q.Cancel(ctx, id); err != nil {
			t.Errorf("cancel %s: %v", id, err)
		}
		if n, err := q.Restore(ctx, id); n != 0 || err != nil {
			t.Errorf("restore %s: %d, %v", id, n, err)
		}
		raw(t, c, "LPUSH", pre+"waiting", id)
		raw(t, c, "ZADD", pre+"delayed", "1", id)
		raw(t, c, "ZADD", pre+"failed", "1", id)
	}
	for _, state := range []State{Waiting, Delayed, Failed} {
		if jobs, err := q.Jobs(t.Context(), state, 0, 49); err != nil || len(jobs) != 0 && state != Delayed {
			t.Errorf("%s: %+v, %v", state, jobs, err)
		}
	}
	for _, state := range []State{Failed, Waiting} {
		if ids, err := q.Clean(t.Context(), state, 0, 1000); err != nil || len(ids) != 0 {
			t.Errorf("cleaned %s: %v, %v", state, ids, err)
		}
	}
	for id := range reserved {
		raw(t, c, "LPUSH", pre+"active", id)
	}
	run(t, q, handler{process: func(_ context.Context, j *Job) error { t.Errorf("%s ran", j.ID); return nil }},
		Hooks{Error: func(op string, err error) { t.Errorf("%s: %v", op, err) }})
	eventually(t, "they are gone", func() bool {
		s := stats(t, q)
		return s == Stats{Delayed: 2, CompletedTotal: 7} && rawInt(t, c, "ZCARD", pre+"leases") == 0
	})
	for key, want := range map[string]string{"meta": "hash", "owners": "hash", "audit": "string", "id": "string", "events": "stream", "delayed": "zset"} {
		if typ, err := raw(t, c, "TYPE", pre+key).ToString(); err != nil || typ != want {
			t.Errorf("%s is a %s, want a %s (%v)", key, typ, want, err)
		}
	}
}
