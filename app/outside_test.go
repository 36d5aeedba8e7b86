package app_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"revela/app/redis/redistest"
	"revela/imaging/imagetest"
)

// What others see of us in a Redis of their own: the queue's keys, the cache's
// keys and their lives, the events. Names are written out here on purpose.
func TestOutsideInRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Server(t)
	c := server.Client(t)
	word := func(words ...string) rueidis.RedisResult {
		t.Helper()
		r := c.Do(t.Context(), c.B().Arbitrary(words...).Build())
		if err := r.Error(); err != nil && !rueidis.IsRedisNil(err) {
			t.Fatalf("%v: %v", words, err)
		}
		return r
	}
	events := subscribe(t, c, "task-events")
	p := start(t, t.TempDir(), []string{"serve", "--workers=1"}, "REDIS_URL="+server.URL)
	api := p.URL + "/api/v1"

	if a := do(t, "POST", api+"/queue/pause", nil); a.Status >= 300 {
		t.Fatalf("pause: %d %s", a.Status, a.Body)
	}
	data := imagetest.JPEG(imagetest.Photo(1300, 900))
	id := upload(t, p.URL, "a.jpg", data).JSON(t)["taskId"].(string)
	if st := get(t, api+"/queue/stats").JSON(t); st["paused"] != 1.0 || st["waiting"] != 0.0 {
		t.Errorf("while paused: %v", st)
	}
	if ids, _ := word("LRANGE", "bull:image-processing:waiting", "0", "-1").AsStrSlice(); len(ids) != 1 || ids[0] != id {
		t.Errorf("waiting = %v, want the task's id %s", ids, id)
	}
	job, _ := word("HGETALL", "bull:image-processing:"+id).AsStrMap()
	var payload struct {
		TaskID, ImagePath string
		Timestamp         int64
	}
	if err := json.Unmarshal([]byte(job["data"]), &payload); err != nil || payload.TaskID != id ||
		payload.ImagePath != "storage/images/"+id+"/original.jpg" || time.Since(time.UnixMilli(payload.Timestamp)).Abs() > time.Minute {
		t.Errorf("data = %s, %v", job["data"], err)
	}
	if job["name"] != "process-image" || job["attemptsMade"] != "0" || job["timestamp"] == "" {
		t.Errorf("job = %v", job)
	}

	get(t, api+"/tasks/"+id)
	get(t, api+"/tasks?limit=5")
	for pattern, max := range map[string]int64{"task:" + id: 60, "tasks:list:*": 30, "tasks:count:*": 45} {
		eventually(t, pattern+" is cached", func() bool {
			keys, _ := word("KEYS", pattern).AsStrSlice()
			if len(keys) != 1 || !regexp.MustCompile(`^task:[0-9a-f]{24}$|^tasks:(list|count):[0-9a-f]{32}$`).MatchString(keys[0]) {
				return false
			}
			ttl, err := word("PTTL", keys[0]).AsInt64()
			return err == nil && ttl > (max-20)*1000 && ttl <= max*1000
		})
	}
	do(t, "POST", api+"/queue/resume", nil)
	if task := waitStatus(t, p.URL, id, "completed", "failed"); task["status"] != "completed" {
		t.Fatalf("task = %v", task)
	}
	// A change is seen in lists at once, although pages live for 30 s.
	eventually(t, "the list shows the change", func() bool {
		list, _ := get(t, api+"/tasks?limit=5").JSON(t)["data"].([]any)
		return len(list) == 1 && list[0].(map[string]any)["status"] == "completed"
	})
	eventually(t, "the job is gone", func() bool {
		n, _ := word("EXISTS", "bull:image-processing:"+id).AsInt64()
		return n == 0
	})

	if a := do(t, "POST", api+"/tasks/"+id+"/retry", nil); a.Status != http.StatusConflict || a.JSON(t)["code"] != "INVALID_STATE" {
		t.Errorf("retry of a completed task: %d %s", a.Status, a.Body)
	}

	want := []string{"task.created", "task.processing", "task.progress", "task.completed"}
	var seen []string
	progress := 0.0
	for _, e := range events() {
		if e["taskId"] != id {
			continue
		}
		typ, _ := e["eventType"].(string)
		if typ != "task.progress" || progress == 0 { // it is told once or more
			seen = append(seen, typ)
		}
		if typ == "task.progress" {
			now, _ := e["progress"].(float64)
			if now <= progress || now > 100 || e["workerId"] == "" {
				t.Errorf("after %v percent: %v", progress, e)
			}
			progress = now
		}
		if ts, _ := e["timestamp"].(float64); time.Since(time.UnixMilli(int64(ts))).Abs() > time.Minute {
			t.Errorf("%s has the timestamp %v", typ, e["timestamp"])
		}
		if typ == "task.completed" {
			imgs, _ := e["images"].([]any)
			if ms, _ := e["processingTime"].(float64); len(imgs) != 2 || ms <= 0 || e["workerId"] == "" {
				t.Errorf("completed event = %v", e)
			}
		}
	}
	if strings.Join(seen, " ") != strings.Join(want, " ") {
		t.Errorf("events of the task: %v, want %v", seen, want)
	}
}

// subscribe collects the messages of a channel; the returned function returns
// what came so far.
func subscribe(t *testing.T, c rueidis.Client, channel string) func() []map[string]any {
	t.Helper()
	var mu sync.Mutex
	var got []map[string]any
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Receive(ctx, c.B().Subscribe().Channel(channel).Build(), func(m rueidis.PubSubMessage) {
			var e map[string]any
			if json.Unmarshal([]byte(m.Message), &e) == nil {
				mu.Lock()
				got = append(got, e)
				mu.Unlock()
			}
		})
	}()
	t.Cleanup(func() { cancel(); <-done })
	eventually(t, "subscribed to "+channel, func() bool {
		n, err := c.Do(t.Context(), c.B().PubsubNumsub().Channel(channel).Build()).ToArray()
		if err != nil || len(n) != 2 {
			return false
		}
		subscribers, _ := n[1].AsInt64()
		return subscribers == 1
	})
	return func() []map[string]any {
		mu.Lock()
		defer mu.Unlock()
		return append([]map[string]any(nil), got...)
	}
}

// An API replica without workers and a worker without an API share one data
// directory, and with it the embedded Redis and the store.
func TestReplicaAndWorkerShareTheData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	replica := start(t, dir, []string{"serve", "--workers=0"})
	id := upload(t, replica.URL, "a.png", imagetest.PNG(imagetest.Cutout(1100, 700))).JSON(t)["taskId"].(string)
	if st := get(t, replica.URL+"/api/v1/queue/stats").JSON(t); st["waiting"] != 1.0 {
		t.Errorf("without a worker: %v", st)
	}
	worker := start(t, dir, []string{"worker", "--workers=1", "--http=127.0.0.1:0"})
	task := waitStatus(t, replica.URL, id, "completed", "failed")
	if task["status"] != "completed" {
		t.Fatalf("task = %v", task)
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/api/v1/tasks": 404} {
		if a := get(t, worker.URL+path); a.Status != want {
			t.Errorf("worker: GET %s answered %d, want %d", path, a.Status, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "output", id, "*", "*.png")); len(left) != 2 {
		t.Errorf("results: %v", left)
	}
	if code := worker.stop(t); code != 0 {
		t.Errorf("the worker ended with status %d", code)
	}
	if code := replica.stop(t); code != 0 {
		t.Errorf("the replica ended with status %d", code)
	}
}

// Retries: an original that vanished is a permanent error, failed at the first
// attempt, kept with its reason, and retried by hand once it is back.
func TestVanishedOriginalFailsAtOnceAndIsRetried(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, []string{"serve", "--workers=1"})
	api := p.URL + "/api/v1"
	do(t, "POST", api+"/queue/pause", nil)
	id := upload(t, p.URL, "a.jpg", imagetest.JPEG(imagetest.Photo(900, 600))).JSON(t)["taskId"].(string)
	original := filepath.Join(dir, "storage/images", id, "original.jpg")
	rename(t, original, original+".away")
	do(t, "POST", api+"/queue/resume", nil)
	task := waitStatus(t, p.URL, id, "failed")
	if task["attempts"] != 1.0 || task["error"] == nil || task["images"] != nil {
		t.Errorf("task = %v", task)
	}
	eventually(t, "the job is kept as failed", func() bool { return get(t, api+"/queue/stats").JSON(t)["failed"] == 1.0 })
	jobs := get(t, api+"/queue/jobs/failed").Body
	if !strings.Contains(string(jobs), id) || !strings.Contains(string(jobs), "failedReason") {
		t.Errorf("failed jobs: %s", jobs)
	}
	rename(t, original+".away", original)
	if a := do(t, "POST", api+"/tasks/"+id+"/retry", nil); a.Status != http.StatusAccepted {
		t.Fatalf("retry: %d %s", a.Status, a.Body)
	}
	if task := waitStatus(t, p.URL, id, "completed", "failed"); task["status"] != "completed" || task["error"] != nil {
		t.Errorf("after the retry: %v", task)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
