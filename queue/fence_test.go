//go:build unix

package queue

import (
	cmdline "flag" // flag is a function here
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"revela/app/redis/redistest"
)

// 10 rounds are 1,000 takeovers: make chaos runs them.
var fenceRounds = cmdline.Int("fence.rounds", 2, "rounds of 100 takeovers in TestPausedProcessChangesNothing")

// A process is stopped in its tracks past its leases (SIGSTOP) and goes on when
// another has its jobs. It may neither end a job in the queue, in whichever
// way, nor write a result over the other's. bull#308, river#1302.
func TestPausedProcessChangesNothing(t *testing.T) {
	t.Parallel()
	const jobs = 100
	kinds := []string{"hold", "hold-retry", "hold-fail", "hold-release"} // how the sleeper ends its run
	s := redistest.Shared(t)
	c := s.Client(t)
	q := newQueue(t, c)
	o := orders{Addr: s.Addr, DB: s.DB, Concurrency: jobs, Lease: time.Second, MaxStalls: 1000}
	sleeper, owner := startWorker(t, o), startWorker(t, o)
	stale := 0
	for round := range *fenceRounds {
		sleeper, owner = owner, sleeper // each is the one and the other
		var specs []Spec
		for i := range jobs {
			specs = append(specs, Spec{ID: fmt.Sprintf("r%d-%d", round, i), Name: kinds[i%len(kinds)]})
		}
		add(t, q, specs...)
		sleeper.order("run")
		sleeper.hear(jobs, "begun")
		sleeper.signal(syscall.SIGSTOP)
		owner.order("run")
		owner.hear(jobs, "begun") // all leases have ended, and all jobs were taken over

		sleeper.order("go") // it lies in the pipe until the sleeper wakes
		sleeper.signal(syscall.SIGCONT)
		for id, line := range sleeper.hear(jobs, "late") {
			if strings.Contains(line, "=true") {
				t.Errorf("the sleeper changed job %s: %s", id, line)
			}
			stale++
		}
		sleeper.order("stop") // after the queue was told of every end
		sleeper.hear(1, "stopped")
		if got, want := stats(t, q), (Stats{Active: jobs, CompletedTotal: int64(round * jobs)}); got != want {
			t.Fatalf("round %d: after the sleeper's ends the queue has %+v, want %+v", round, got, want)
		}

		owner.order("go")
		for id, line := range owner.hear(jobs, "late") {
			if !strings.HasSuffix(line, "committed=true extended=true told=true") {
				t.Errorf("the owner of job %s was kept off: %s", id, line)
			}
			if got := rawInt(t, c, "HGET", "ledger:"+id, "commits"); got != 1 {
				t.Errorf("job %s has %d results", id, got)
			}
		}
		owner.order("stop")
		owner.hear(1, "stopped")
		if got, want := stats(t, q), (Stats{CompletedTotal: int64((round + 1) * jobs)}); got != want {
			t.Fatalf("round %d: at its end the queue has %+v, want %+v", round, got, want)
		}
	}
	if want := *fenceRounds * jobs; stale != want {
		t.Errorf("%d takeovers, want %d", stale, want)
	}
	t.Logf("%d takeovers", stale)
}
