package app_test

import (
	"path/filepath"
	"strings"
	"testing"

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
