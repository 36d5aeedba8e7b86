package queue

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/redis/rueidis"

	"revela/app/redis/redistest"
)

// fill adds n jobs in bulk and returns their ids.
func fill(t *testing.T, q *Queue, prefix string, n int) []string {
	t.Helper()
	ids, specs := make([]string, n), make([]Spec, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s%05d", prefix, i)
		specs[i] = Spec{ID: ids[i], Name: "n"}
	}
	add(t, q, specs...)
	return ids
}

// calls is how often a command was given since CONFIG RESETSTAT.
func calls(t *testing.T, c rueidis.Client, command string) int {
	t.Helper()
	info, err := raw(t, c, "INFO", "commandstats").ToString()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`cmdstat_` + command + `:calls=(\d+)`).FindStringSubmatch(info)
	if found == nil {
		return 0
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Many jobs are removed at the end that is taken next, without a pool: whoever lists
// jobs, counts or removes others does not walk over their ids.
func TestRemovedIDsAreNotWalkedAgain(t *testing.T) {
	t.Parallel()
	c := redistest.Server(t).Client(t)
	q := newQueue(t, c)
	const dead, live = 10_000, 60
	fill(t, q, "dead", dead)
	want := fill(t, q, "live", live)
	for left := dead; left > 0; left -= 1000 {
		if ids, err := q.Clean(t.Context(), Waiting, 0, 1000); err != nil || len(ids) != 1000 {
			t.Fatalf("cleaned %d, %v", len(ids), err)
		}
		if s := stats(t, q); s != (Stats{Waiting: int64(left - 1000 + live)}) {
			t.Fatalf("after a cleaning: %+v", s)
		}
	}
	raw(t, c, "CONFIG", "RESETSTAT")
	jobs, err := q.Jobs(t.Context(), Waiting, 0, 49)
	if err != nil || len(jobs) != 50 || jobs[0].ID != want[0] || jobs[49].ID != want[49] {
		t.Errorf("listed %d jobs, %v", len(jobs), err)
	}
	if _, err := q.Oldest(t.Context()); err != nil {
		t.Error(err)
	}
	if ids, err := q.Clean(t.Context(), Waiting, 0, 10); err != nil || !slices.Equal(ids, want[:10]) {
		t.Errorf("cleaned %v, %v", ids, err)
	}
	if n := calls(t, c, "exists") + calls(t, c, "hget"); n > 1000 {
		t.Errorf("%d looks at jobs", n)
	}
	if s := stats(t, q); s != (Stats{Waiting: live - 10}) {
		t.Errorf("stats = %+v", s)
	}
}

// A pool drops the ids of jobs that others removed, in a few steps and while the
// queue is paused too; the counts are right all the time, and the order stays.
func TestPoolDropsRemovedIDs(t *testing.T) {
	t.Parallel()
	c := redistest.Server(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.Concurrency = 1 })
	const dead, live = 10_000, 5
	ids := fill(t, q, "dead", dead)
	want := fill(t, q, "live", live)
	ids = append(ids, fill(t, q, "behind", 3)...)
	for batch := range slices.Chunk(ids, 500) { // as by many processes, of which none removes a thousand
		keys := q.keys.jobs([]string{q.keys.active, q.keys.leases, q.keys.owners, q.keys.delayed,
			q.keys.completed, q.keys.failed, q.keys.meta, q.keys.events}, batch...)
		if err := q.scripts.remove.Exec(t.Context(), c, keys, append([]string{"0"}, batch...)).Error(); err != nil {
			t.Fatal(err)
		}
	}
	if n := rawInt(t, c, "LLEN", pre+"waiting"); n != dead+live+3 {
		t.Fatalf("%d ids wait", n)
	}
	if err := q.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	raw(t, c, "CONFIG", "RESETSTAT")
	ran := make(chan string, live)
	run(t, q, handler{process: func(_ context.Context, j *Job) error { ran <- j.ID; return nil }})
	eventually(t, "the ids are dropped", func() bool {
		if s := stats(t, q); s != (Stats{Paused: live}) {
			t.Errorf("stats = %+v", s)
		}
		return rawInt(t, c, "LLEN", pre+"waiting") == live
	})
	if n := rawInt(t, c, "HGET", pre+"meta", "removed"); n != 0 {
		t.Errorf("%d ids are counted as removed", n)
	}
	if n := calls(t, c, "rpop"); n > dead/compactBite+1 {
		t.Errorf("it took %d steps", n)
	}
	if err := q.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range want {
		if got := <-ran; got != id {
			t.Errorf("%s ran, want %s", got, id)
		}
	}
}

// Where most ids have a job, a step drops what it sees and leaves it at that; an id
// whose job was added again stays.
func TestCompactingKeepsJobs(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c)
	ids := fill(t, q, "j", 3*compactBite)
	var want []string
	for i, id := range ids {
		if i%4 > 0 {
			want = append(want, id)
		} else if err := q.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	add(t, q, spec(ids[0]))
	if err := q.compact(t.Context(), -1); err != nil {
		t.Fatal(err)
	}
	listed, err := q.nextIDs(t.Context(), q.keys.lists(), 0, 4*compactBite)
	if err != nil {
		t.Fatal(err)
	}
	if listed[0] != ids[0] || listed[len(listed)-1] != ids[0] {
		t.Error("an id that has a job again was dropped")
	}
	left := slices.DeleteFunc(listed, func(id string) bool { return !slices.Contains(want, id) })
	if !slices.Equal(left, want) {
		t.Errorf("%d jobs are in the list, want %d in their order", len(left), len(want))
	}
	if s := stats(t, q); s != (Stats{Waiting: int64(len(want) + 1)}) {
		t.Errorf("stats = %+v", s)
	}
}
