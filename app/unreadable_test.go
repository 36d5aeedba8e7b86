package app

import (
	"bytes"
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"revela/app/config"
	"revela/app/redis/redistest"
	"revela/imaging/imagetest"
	"revela/queue"
	"revela/task"
)

// A record that cannot be read ends its job as failed, with the reason kept in
// the queue, and does not hold a worker for ever.
func TestUnreadableRecordEndsItsJob(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Data.Dir, cfg.Redis.URL, cfg.Queue.MaxRetries = t.TempDir(), redistest.Server(t).URL, 1
	a, err := New(t.Context(), cfg, Role{Workers: 1}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	submit := func() task.ID {
		x, _, err := a.tasks.Submit(t.Context(), task.Submission{
			Source: task.Source{Kind: task.Upload, Name: "a.jpg"}, Body: bytes.NewReader(imagetest.JPEG(imagetest.Photo(60, 40))),
		})
		if err != nil {
			t.Fatal(err)
		}
		return x.ID
	}
	broken := submit()
	db, err := sql.Open("sqlite", filepath.Join(cfg.Data.Dir, "tasks.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "UPDATE tasks SET images = '{' WHERE id = ?", string(broken)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	good := submit() // behind it, with the one worker there is

	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.pool.Run(ctx, 0) }()
	t.Cleanup(func() { stop(); <-ended })
	deadline, tick := time.After(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		job, _ := a.queue.Job(t.Context(), string(broken))
		x, _ := a.records.Get(t.Context(), good)
		if job.State == queue.Failed && job.FailedReason != "" && x.Status == task.Completed {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("after 20 s the job of the unreadable record is %s, and the task behind it %s", job.State, x.Status)
		case <-tick.C:
		}
	}
}
