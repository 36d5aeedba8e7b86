package api_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"revela/app/api"
	"revela/queue"
	"revela/task"
)

// stats reads the counts and checks that there are no others.
func (b *backend) stats(t *testing.T) map[string]float64 {
	t.Helper()
	a := b.get(t, "/api/v1/queue/stats")
	var m map[string]float64
	if err := json.Unmarshal(a.Body, &m); err != nil || a.Status != 200 || len(m) != 8 {
		t.Fatalf("stats: %d %s %v", a.Status, a.Body, err)
	}
	return m
}

// ruin lets a worker fail every job that waits, for good.
func (b *backend) ruin(t *testing.T, n int) {
	t.Helper()
	cfg := queue.DefaultConfig()
	cfg.Concurrency = 1
	q := must(queue.New(b.Redis, cfg, false))(t)
	pool := queue.NewPool(q, spoiler{b}, queue.Hooks{})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- pool.Run(ctx, time.Second) }()
	eventually(t, "all jobs have failed", func() bool { return b.stats(t)["failed"] == float64(n) })
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

type spoiler struct{ *backend }

func (s spoiler) Process(ctx context.Context, j *queue.Job) error {
	now, err := s.Repo.Get(ctx, task.ID(j.ID))
	for _, step := range []func(task.Task) (task.Task, error){begin, fail} {
		if err == nil {
			now, err = step(now)
		}
		if err == nil {
			now, err = s.Repo.Update(ctx, now)
		}
	}
	return queue.Permanent(errors.Join(errors.New("spoilt"), err))
}

func (spoiler) Failed(context.Context, *queue.Job, queue.Failure) error { return nil }

func TestQueueIsSeenAndSteered(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	if a := b.do(t, "POST", "/api/v1/queue/pause", nil); a.Status != 200 || a.JSON(t)["paused"] != true {
		t.Errorf("pause: %d %s", a.Status, a.Body)
	}
	first, second := b.submit(t), b.submit(t)
	if st := b.stats(t); st["paused"] != 2 || st["waiting"] != 0 {
		t.Errorf("paused: %v", st)
	}
	if a := b.do(t, "POST", "/api/v1/queue/resume", nil); a.Status != 200 || a.JSON(t)["paused"] != false {
		t.Errorf("resume: %d %s", a.Status, a.Body)
	}
	if st := b.stats(t); st["paused"] != 0 || st["waiting"] != 2 {
		t.Errorf("resumed: %v", st)
	}

	var l api.JobList
	a := b.get(t, "/api/v1/queue/jobs/waiting")
	if err := json.Unmarshal(a.Body, &l); err != nil || a.Status != 200 || len(l.Data) != 2 || l.Start != 0 || l.End != 49 || l.State != "waiting" {
		t.Fatalf("jobs: %d %s %v", a.Status, a.Body, err)
	}
	if a := b.get(t, "/api/v1/queue/jobs/waiting?start=1&end=1"); a.Status != 200 || strings.Count(string(a.Body), `"name"`) != 1 {
		t.Errorf("one job: %d %s", a.Status, a.Body)
	}
	if a := b.get(t, "/api/v1/queue/jobs/failed"); a.Status != 200 || !strings.Contains(string(a.Body), `"data":[]`) {
		t.Errorf("no jobs: %d %s", a.Status, a.Body)
	}
	for _, bad := range []string{"odd", "waiting?start=-1", "waiting?start=5&end=4", "waiting?end=50", "waiting?end=-1", "waiting?limit=3"} {
		isProblem(t, bad, b.get(t, "/api/v1/queue/jobs/"+bad), 400, api.InvalidQuery)
	}

	// A removed job's task does not come back.
	if a := b.do(t, "DELETE", "/api/v1/queue/jobs/"+string(first), nil); a.Status != 204 {
		t.Errorf("remove: %d %s", a.Status, a.Body)
	}
	if got := b.get(t, "/api/v1/tasks/"+string(first)).JSON(t)["status"]; got != "cancelled" {
		t.Errorf("task of the removed job is %v", got)
	}
	isProblem(t, "promote a waiting job", b.do(t, "POST", "/api/v1/queue/jobs/"+string(second)+"/promote", nil), 409, api.InvalidState)
	isProblem(t, "retry a waiting job", b.do(t, "POST", "/api/v1/queue/jobs/"+string(second)+"/retry", nil), 409, api.InvalidState)
	for _, id := range []string{string(first), "0123456789abcdef01234567", "x"} {
		isProblem(t, "remove "+id, b.do(t, "DELETE", "/api/v1/queue/jobs/"+id, nil), 404, api.JobNotFound)
		isProblem(t, "promote "+id, b.do(t, "POST", "/api/v1/queue/jobs/"+id+"/promote", nil), 404, api.JobNotFound)
	}
	isProblem(t, "retry no job", b.do(t, "POST", "/api/v1/queue/jobs/0123456789abcdef01234567/retry", nil), 404, api.JobNotFound)

	delayed := string(task.NewID())
	if _, err := b.Queue.Add(t.Context(), queue.Spec{ID: delayed, Name: "x", Data: []byte("{}"), Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if a := b.do(t, "POST", "/api/v1/queue/jobs/"+delayed+"/promote", nil); a.Status != 204 {
		t.Errorf("promote: %d %s", a.Status, a.Body)
	}
	if st := b.stats(t); st["delayed"] != 0 || st["waiting"] != 2 {
		t.Errorf("after promote: %v", st)
	}
}

func TestFailedJobsAreRetriedThroughTheirTasks(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	var ids []task.ID
	for range 3 {
		ids = append(ids, b.submit(t))
	}
	b.ruin(t, 3)
	if a := b.do(t, "POST", "/api/v1/queue/jobs/"+string(ids[0])+"/retry", nil); a.Status != 202 || a.JSON(t)["status"] != "pending" {
		t.Errorf("retry: %d %s", a.Status, a.Body)
	}
	// Somebody has deleted a record behind our back: its job stays.
	if err := b.Repo.Delete(t.Context(), ids[1]); err != nil {
		t.Fatal(err)
	}
	a := b.do(t, "POST", "/api/v1/queue/retry", nil)
	if got := string(a.Body); a.Status != 200 || got != `{"retried":1,"skipped":1,"complete":true}` {
		t.Errorf("retry all: %d %s", a.Status, got)
	}
	if st := b.stats(t); st["failed"] != 1 || st["waiting"] != 2 {
		t.Errorf("after the retries: %v", st)
	}
}

// More ids than one step retries have lost their job: each is retried where its
// task allows it, and the others are let go.
func TestFailedIDsWithoutAJobAreRetried(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	const pre = "bull:image-processing:"
	raw := func(words ...string) {
		t.Helper()
		if err := b.Redis.Do(t.Context(), b.Redis.B().Arbitrary(words...).Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	lost, kept := b.submit(t), b.submit(t)
	b.ruin(t, 2)
	raw("DEL", pre+string(lost))
	for i := range 120 {
		raw("ZADD", pre+"failed", "9999999999999", fmt.Sprintf("%024x", i)) // before the others, without a task
	}
	a := b.do(t, "POST", "/api/v1/queue/retry", nil)
	if got := string(a.Body); a.Status != 200 || got != `{"retried":2,"skipped":0,"complete":true}` {
		t.Errorf("retry all: %d %s", a.Status, got)
	}
	if st := b.stats(t); st["failed"] != 0 || st["waiting"] != 2 {
		t.Errorf("after the retry: %v", st)
	}
	for _, id := range []task.ID{lost, kept} {
		if job, err := b.Queue.Job(t.Context(), string(id)); err != nil || job.State != queue.Waiting {
			t.Errorf("job %s is %s, %v", id, job.State, err)
		}
	}
}

// A record that cannot be read keeps no other job from being retried or removed.
func TestUnreadableRecordHoldsUpNoOtherJob(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	spoil := func(id task.ID) {
		t.Helper()
		db := must(sql.Open("sqlite", filepath.Join(b.Dir, "tasks.db")))(t)
		must(db.ExecContext(t.Context(), "UPDATE tasks SET images = '{' WHERE id = ?", string(id)))(t)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b.submit(t)
	broken := b.submit(t)
	b.submit(t)
	b.ruin(t, 3)
	spoil(broken)
	a := b.do(t, "POST", "/api/v1/queue/retry", nil)
	if got := string(a.Body); a.Status != 200 || got != `{"retried":2,"skipped":1,"complete":true}` {
		t.Errorf("retry all: %d %s", a.Status, got)
	}
	if n := b.Log.FilterMessage("a failed job is skipped").Len(); n != 1 {
		t.Errorf("the cause was logged %d times", n)
	}

	older, newer := b.submit(t), b.submit(t)
	spoil(older)
	a = b.do(t, "POST", "/api/v1/queue/clean", strings.NewReader(`{"state":"waiting"}`), "Content-Type", "application/json")
	if a.Status != 200 || a.JSON(t)["removed"] != 4.0 {
		t.Errorf("clean: %d %s", a.Status, a.Body)
	}
	if got := b.get(t, "/api/v1/tasks/"+string(newer)).JSON(t)["status"]; got != "cancelled" {
		t.Errorf("the task behind the unreadable one is %v", got)
	}
}

func TestQueueIsCleaned(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	for _, bad := range []string{
		`{}`, `{"state":"active"}`, `{"state":"odd"}`, `{"state":"failed","olderThan":"1"}`, `{"state":"failed","olderThan":"-1s"}`,
		`{"state":"failed","limit":0}`, `{"state":"failed","limit":1001}`, `{"state":"failed","all":true}`, ``,
	} {
		isProblem(t, bad, b.do(t, "POST", "/api/v1/queue/clean", strings.NewReader(bad)), 400, api.InvalidBody)
	}
	clean := func(body, want string) {
		t.Helper()
		a := b.do(t, "POST", "/api/v1/queue/clean", strings.NewReader(body), "Content-Type", "application/json")
		if a.Status != 200 || string(a.Body) != want {
			t.Errorf("%s: %d %s, want %s", body, a.Status, a.Body, want)
		}
	}
	id := b.submit(t)
	b.ruin(t, 1)
	clean(`{"state":"failed","olderThan":"1h"}`, `{"removed":0,"ids":[]}`)
	clean(`{"state":"failed","limit":5}`, fmt.Sprintf(`{"removed":1,"ids":["%s"]}`, id))
	if got := b.get(t, "/api/v1/tasks/"+string(id)).JSON(t)["status"]; got != "failed" {
		t.Errorf("the failed task is %v", got)
	}
	id = b.submit(t)
	clean(`{"state":"waiting"}`, fmt.Sprintf(`{"removed":1,"ids":["%s"]}`, id))
	if got := b.get(t, "/api/v1/tasks/"+string(id)).JSON(t)["status"]; got != "cancelled" {
		t.Errorf("the waiting task is %v", got)
	}
}

func TestQueueWithoutRedisIsUnavailable(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	b.Redis.Close()
	for _, path := range []string{"/stats", "/jobs/waiting"} {
		a := b.get(t, "/api/v1/queue"+path)
		isProblem(t, path, a, 503, api.Unavailable)
		if a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", path)
		}
	}
	if n := b.Log.FilterMessage("unavailable").Len(); n != 2 {
		t.Errorf("the cause was logged %d times for two requests", n)
	}
}
