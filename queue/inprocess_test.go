package queue

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/zap"

	"revela/app/redis"
)

// The in-process server that serves where no redis-server is installed runs
// the same scripts.
func TestOnTheInProcessServer(t *testing.T) {
	t.Parallel()
	conn, err := redis.Open(t.Context(), redis.Config{DataDir: t.TempDir(), Embedded: redis.EmbeddedProcess}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	c := conn.Client()
	q := newQueue(t, c, func(cfg *Config) { cfg.Lease, cfg.MaxAttempts = time.Second, 2 })
	add(t, q, spec("cut-off"))
	raw(t, c, "LMOVE", pre+"waiting", pre+"active", "RIGHT", "LEFT")
	const n = 200
	var specs []Spec
	for i := range n {
		specs = append(specs, spec(fmt.Sprint("j", i)))
	}
	add(t, q, specs...)
	add(t, q, spec("fails"), spec("broken"), Spec{ID: "later", Name: "n", Delay: 300 * time.Millisecond})
	run(t, q, handler{process: func(_ context.Context, j *Job) error {
		switch j.ID {
		case "fails":
			return errors.New("again")
		case "broken":
			return Permanent(errors.New("broken"))
		}
		return nil
	}})
	eventually(t, "all ended", func() bool { return stats(t, q) == Stats{CompletedTotal: n + 2, FailedTotal: 2, Failed: 2} })
	if info, err := q.Job(t.Context(), "fails"); err != nil || info.AttemptsMade != 2 || len(info.Stacktrace) != 2 {
		t.Errorf("job = %+v, %v", info, err)
	}
	if err := q.Retry(t.Context(), "fails"); err != nil {
		t.Error(err)
	}
	eventually(t, "failed again", func() bool { return stats(t, q).FailedTotal == 3 })
	jobs, err := q.Jobs(t.Context(), Failed, 0, 9)
	if err != nil || len(jobs) != 2 || jobs[0].ID != "fails" {
		t.Errorf("failed jobs: %+v, %v", jobs, err)
	}
}
