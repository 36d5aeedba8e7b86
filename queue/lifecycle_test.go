package queue_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"revela/app/redis"
	"revela/queue"
)

// lifeCycle leads jobs through every state and every operation on the Redis at
// cfg, which must be empty. The pool's connection and the operator's differ.
func lifeCycle(t *testing.T, cfg redis.Config) {
	t.Helper()
	ctx := t.Context()
	qc := settings()
	qc.Lease, qc.KeepCompleted = 20*time.Second, queue.Keep{Count: 1}
	_, q := open(t, cfg, qc)
	_, worker := open(t, cfg, qc)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	stats := func() queue.Stats {
		t.Helper()
		s, err := q.Stats(ctx)
		must(err)
		return s
	}

	must(q.Pause(ctx))
	n, err := q.Add(ctx, queue.Spec{ID: "good"}, queue.Spec{ID: "flaky"}, queue.Spec{ID: "broken"},
		queue.Spec{ID: "postponed"}, queue.Spec{ID: "removed"}, queue.Spec{ID: "soon", Delay: 200 * time.Millisecond},
		queue.Spec{ID: "promoted", Delay: time.Hour}, queue.Spec{ID: "dropped", Delay: time.Hour})
	if err != nil || n != 8 {
		t.Fatalf("added %d, %v", n, err)
	}
	must(q.Remove(ctx, "removed"))
	must(q.Compact(ctx))
	must(q.Promote(ctx, "promoted"))
	jobs, err := q.Jobs(ctx, queue.Paused, 0, 49)
	if err != nil || len(jobs) < 5 {
		t.Errorf("paused: %+v, %v", jobs, err)
	}
	held, err := q.Held(ctx, false)
	must(err)
	if lost, err := held.Lost(ctx, []string{"good", "dropped", "removed"}); err != nil || !slices.Equal(lost, []string{"removed"}) {
		t.Errorf("lost: %v, %v", lost, err)
	}
	if was, err := q.Restore(ctx, "good"); err != nil || was != 0 {
		t.Errorf("a job that waits was restored: %d, %v", was, err)
	}

	var postponed atomic.Bool
	holding, ended := make(chan struct{}, 1), make(chan error, 1)
	h := &hand{process: func(ctx context.Context, job *queue.Job) error {
		if err := job.Extend(ctx); err != nil {
			t.Errorf("%s: extend: %v", job.ID, err)
		}
		if err := job.Progress(ctx, 50); err != nil {
			t.Errorf("%s: progress: %v", job.ID, err)
		}
		switch {
		case job.ID == "flaky" && job.Attempt == 1:
			return errors.New("the first attempt")
		case job.ID == "broken":
			return queue.Permanent(errors.New("broken"))
		case job.ID == "postponed" && !postponed.Swap(true):
			return queue.Postpone(errors.New("not now"), 50*time.Millisecond)
		case job.ID == "cancelled":
			holding <- struct{}{}
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return ctx.Err()
		}
		return nil
	}}
	serve(t, worker, h)
	must(q.Resume(ctx))
	eventually(t, "what can end has ended", func() bool {
		s := stats()
		return s.CompletedTotal == 5 && s.Failed == 1 && s.Delayed == 1 && s.Active == 0 && s.Waiting == 0
	})
	eventually(t, "one completed job is kept", func() bool { return stats().Completed == 1 })
	must(q.Retry(ctx, "broken"))
	eventually(t, "it failed again", func() bool { return stats().FailedTotal == 2 })
	if info, err := q.Job(ctx, "broken"); err != nil || info.State != queue.Failed || len(info.Stacktrace) != 2 {
		t.Errorf("broken: %+v, %v", info, err)
	}
	if ids, err := q.Clean(ctx, queue.Failed, 0, 10); err != nil || !slices.Equal(ids, []string{"broken"}) {
		t.Errorf("clean: %v, %v", ids, err)
	}

	// A cancelled job's worker hears of it by Pub/Sub: the next renewal is far.
	_, err = q.Add(ctx, queue.Spec{ID: "cancelled"})
	must(err)
	receive(t, "the job to be cancelled is in work", holding)
	must(q.Cancel(ctx, "cancelled"))
	select {
	case cause := <-ended:
		if !errors.Is(cause, queue.ErrLeaseLost) {
			t.Errorf("the cancelled work ended by %v", cause)
		}
	case <-time.After(4 * time.Second):
		t.Error("the worker did not hear within 4 s that its job was cancelled")
	}

	must(q.Cancel(ctx, "dropped"))
	eventually(t, "nothing is left", func() bool {
		s := stats()
		return s.Waiting+s.Active+s.Delayed+s.Failed+s.Paused == 0
	})
}
