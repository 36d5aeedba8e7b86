package queue_test

import (
	"testing"
	"time"

	"revela/app/redis"
	"revela/app/redis/redistest"
	"revela/queue"
)

// All that only looks is answered by a read-only replica as by its master.
func TestReplicaShowsTheQueue(t *testing.T) {
	t.Parallel()
	master := redistest.Server(t)
	qc := settings()
	_, q := open(t, redis.Config{URL: master.URL}, qc)
	if _, err := q.Add(t.Context(), queue.Spec{ID: "a"}, queue.Spec{ID: "b"}, queue.Spec{ID: "gone"},
		queue.Spec{ID: "later", Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if err := q.Remove(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	do(t, master.Client(t), "ZADD", "bull:image-processing:failed", "1", "lost")
	replica := replicaOf(t, master)
	eventually(t, "the replica has it all", func() bool {
		n, err := do(t, replica.Client(t), "ZCARD", "bull:image-processing:failed").AsInt64()
		return err == nil && n == 1
	})
	// A plain client, as our own leaves a replica for its master.
	look, err := queue.New(replica.Client(t), qc, false)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if s, err := look.Stats(ctx); err != nil || s != (queue.Stats{Waiting: 2, Delayed: 1, Failed: 1}) {
		t.Errorf("stats = %+v, %v", s, err)
	}
	for state, want := range map[queue.State]int{queue.Waiting: 2, queue.Delayed: 1, queue.Failed: 0, queue.Active: 0, queue.Paused: 0} {
		if jobs, err := look.Jobs(ctx, state, 0, 49); err != nil || len(jobs) != want {
			t.Errorf("%s: %+v, %v", state, jobs, err)
		}
	}
	if job, err := look.Job(ctx, "later"); err != nil || job.State != queue.Delayed {
		t.Errorf("job = %+v, %v", job, err)
	}
	if ids, err := look.FailedIDs(ctx, 0, 10); err != nil || len(ids) != 1 {
		t.Errorf("failed ids: %v, %v", ids, err)
	}
	if age, err := look.Oldest(ctx); err != nil || age < 0 {
		t.Errorf("the oldest: %v, %v", age, err)
	}
	if held, err := look.Held(ctx, true); err != nil || !held.Has("lost") {
		t.Errorf("held: %v, %v", held, err)
	}
	if err := look.Check(ctx); err != nil {
		t.Errorf("check: %v", err)
	}
}
