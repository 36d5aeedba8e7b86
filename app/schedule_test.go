package app_test

import (
	"bytes"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"revela/app/redis/redistest"
	"revela/imaging/imagetest"
)

// Tasks failed, and then Redis lost their jobs but for their ids. Retrying them
// all runs them at once, without the Reconciler.
func TestRetryOfFailedTasksWhoseJobsAreLost(t *testing.T) {
	t.Parallel()
	server := redistest.Server(t)
	c := server.Client(t)
	dir := t.TempDir()
	p := start(t, dir, []string{"serve", "--workers=1"}, "REDIS_URL="+server.URL)
	api := p.URL + "/api/v1"
	do(t, "POST", api+"/queue/pause", nil)
	var ids []string
	for range 2 {
		id := upload(t, p.URL, "a.jpg", imagetest.JPEG(imagetest.Photo(90, 60))).JSON(t)["taskId"].(string)
		original := filepath.Join(dir, "storage/images", id, "original.jpg")
		rename(t, original, original+".away")
		ids = append(ids, id)
	}
	do(t, "POST", api+"/queue/resume", nil)
	eventually(t, "both have failed", func() bool { return get(t, api+"/queue/stats").JSON(t)["failed"] == 2.0 })
	for _, id := range ids {
		if err := c.Do(t.Context(), c.B().Del().Key("bull:image-processing:"+id).Build()).Error(); err != nil {
			t.Fatal(err)
		}
		original := filepath.Join(dir, "storage/images", id, "original.jpg")
		rename(t, original+".away", original)
	}
	if a := do(t, "POST", api+"/queue/retry", nil); string(a.Body) != `{"retried":2,"skipped":0,"complete":true}` {
		t.Errorf("retry: %d %s", a.Status, a.Body)
	}
	for _, id := range ids {
		if task := waitStatus(t, p.URL, id, "completed", "failed"); task["status"] != "completed" {
			t.Errorf("after the retry: %v", task)
		}
	}
	if strings.Contains(p.log.String(), `"msg":"repaired"`) {
		t.Error("the Reconciler had to help")
	}
}

// wish uploads a picture with fields of the form besides, names and values in
// turn, and returns the task.
func wish(t *testing.T, url string, data []byte, fields ...string) map[string]any {
	t.Helper()
	var b bytes.Buffer
	for i := 0; i < len(fields); i += 2 {
		fmt.Fprintf(&b, "--B\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", fields[i], fields[i+1])
	}
	fmt.Fprint(&b, "--B\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.jpg\"\r\n\r\n")
	b.Write(data)
	fmt.Fprint(&b, "\r\n--B--\r\n")
	a := do(t, "POST", url+"/api/v1/tasks", b.Bytes(), "Content-Type", "multipart/form-data; boundary=B")
	if a.Status != http.StatusAccepted {
		t.Fatalf("upload with %v: %d %s", fields, a.Status, a.Body)
	}
	return a.JSON(t)
}

// moment is a time in a task.
func moment(t *testing.T, task map[string]any, field string) time.Time {
	t.Helper()
	text, _ := task[field].(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatalf("%s of %v: %v", field, task, err)
	}
	return at
}

func TestUrgentUploadOvertakesABacklog(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), []string{"serve", "--workers=1"})
	data := imagetest.JPEG(imagetest.Photo(90, 60))
	do(t, "POST", p.URL+"/api/v1/queue/pause", nil)
	var backlog []string
	for range 50 {
		backlog = append(backlog, wish(t, p.URL, data)["taskId"].(string))
	}
	urgent := wish(t, p.URL, data, "priority", "urgent")["taskId"].(string)
	do(t, "POST", p.URL+"/api/v1/queue/resume", nil)

	began := moment(t, waitStatus(t, p.URL, urgent, "completed"), "startedAt")
	before := 0
	for _, id := range backlog {
		if moment(t, waitStatus(t, p.URL, id, "completed"), "startedAt").Before(began) {
			before++
		}
	}
	if before > 1 { // an idle pool waits for any job, not for an urgent one
		t.Errorf("%d of %d tasks began before the urgent one", before, len(backlog))
	}
}

// What was asked for besides the picture outlives the loss of all of Redis.
func TestWishesOutliveTheLossOfRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Server(t)
	c := server.Client(t)
	p := start(t, t.TempDir(), []string{"serve", "--workers=1"}, "REDIS_URL="+server.URL)
	data := imagetest.JPEG(imagetest.Photo(90, 60))
	do(t, "POST", p.URL+"/api/v1/queue/pause", nil)
	delayed := wish(t, p.URL, data, "delay", "5s")
	urgent := wish(t, p.URL, data, "priority", "urgent")
	if err := c.Do(t.Context(), c.B().Flushall().Build()).Error(); err != nil { // the pause is gone as well
		t.Fatal(err)
	}
	done := waitStatus(t, p.URL, urgent["taskId"].(string), "completed")
	if done["priority"] != "urgent" || done["attempts"] != 1.0 {
		t.Errorf("the urgent task: %v", done)
	}
	due := moment(t, delayed, "notBefore")
	done = waitStatus(t, p.URL, delayed["taskId"].(string), "completed")
	if early := due.Sub(moment(t, done, "startedAt")); early > 0 || done["attempts"] != 1.0 {
		t.Errorf("the delayed task began %v before its time: %v", early, done)
	}
}
