package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"revela/app/api"
	"revela/queue"
)

// A caller may ask for a place in front, and for a later start: in a form, on
// either side of the picture, or in JSON.
func TestPriorityAndDelay(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	part := func(name, file, content string) string {
		return "--XX\r\nContent-Disposition: form-data; name=\"" + name + "\"" + file + "\r\n\r\n" + content + "\r\n"
	}
	picture := part("image", `; filename="a.png"`, string(pngPicture(t, 40, 30)))
	form := func(before, after string) [2]string {
		return [2]string{"multipart/form-data; boundary=XX", before + picture + after + "--XX--\r\n"}
	}
	named := func(wishes string) [2]string {
		return [2]string{"application/json", `{"imageUrl":"https://example.org/a.jpg"` + wishes + `}`}
	}
	both := part("priority", "", "urgent") + part("delay", "", "10m")
	for name, tt := range map[string]struct {
		body   [2]string
		urgent bool
		delay  time.Duration
	}{
		"nothing":  {form("", ""), false, 0},
		"empty":    {form(part("priority", "", "")+part("delay", "", ""), ""), false, 0},
		"normal":   {form(part("priority", "", "normal"), part("delay", "", "0")), false, 0},
		"before":   {form(both, ""), true, 10 * time.Minute},
		"after":    {form("", both), true, 10 * time.Minute},
		"longest":  {named(`,"delay":"720h"`), false, 720 * time.Hour},
		"in JSON":  {named(`,"priority":"urgent","delay":"1h30m"`), true, 90 * time.Minute},
		"no delay": {named(`,"priority":"urgent","delay":"0s"`), true, 0},
	} {
		sent := time.Now()
		a := b.do(t, "POST", "/api/v1/tasks", strings.NewReader(tt.body[1]), "Content-Type", tt.body[0])
		var got api.Task
		if err := json.Unmarshal(a.Body, &got); err != nil || a.Status != http.StatusAccepted {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
			continue
		}
		job := must(b.Queue.Job(t.Context(), string(got.TaskID)))(t)
		if urgent := got.Priority == "urgent"; urgent != tt.urgent || urgent != (job.Priority == "urgent") {
			t.Errorf("%s: the priority of the task is %q, of its job %q", name, got.Priority, job.Priority)
		}
		if tt.delay == 0 {
			if got.NotBefore != nil || job.State != queue.Waiting {
				t.Errorf("%s: not before %v, the job is %s", name, got.NotBefore, job.State)
			}
			continue
		}
		if got.NotBefore == nil || job.State != queue.Delayed {
			t.Errorf("%s: not before %v, the job is %s", name, got.NotBefore, job.State)
			continue
		}
		at := time.Time(*got.NotBefore)
		if late := at.Sub(sent.Truncate(time.Millisecond).Add(tt.delay)); late < 0 || late > patience {
			t.Errorf("%s: not before %s, %s off", name, at, late)
		}
		if due := time.UnixMilli(job.DueAt); due.Before(at) || due.Sub(at) > patience {
			t.Errorf("%s: the job is due at %s, the task at %s", name, due, at)
		}
	}
	for name, body := range map[string][2]string{
		"priority": form(part("priority", "", "high"), ""),
		"after":    form("", part("priority", "", "URGENT")),
		"two":      form(part("delay", "", "1m"), part("delay", "", "2m")),
		"unitless": form(part("delay", "", "30"), ""),
		"negative": named(`,"delay":"-1s"`),
		"too long": named(`,"delay":"720h1ms"`),
		"number":   named(`,"delay":30`),
		"words":    named(`,"delay":"tomorrow"`),
	} {
		a := b.do(t, "POST", "/api/v1/tasks", strings.NewReader(body[1]), "Content-Type", body[0])
		isProblem(t, name, a, 400, api.InvalidBody)
		if says, _ := a.JSON(t)["detail"].(string); !strings.Contains(says, "priority") && !strings.Contains(says, "delay") {
			t.Errorf("%s: the answer does not name the field: %s", name, a.Body)
		}
	}
}

// A delayed task can be promoted: its record says so too, so that a queue that
// is rebuilt does not delay it again.
func TestPromotedTaskIsNotDelayedAgain(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	a := b.do(t, "POST", "/api/v1/tasks", strings.NewReader(`{"imageUrl":"https://example.org/a.jpg","delay":"1h"}`), "Content-Type", "application/json")
	id, _ := a.JSON(t)["taskId"].(string)
	if a := b.do(t, "POST", "/api/v1/queue/jobs/"+id+"/promote", nil); a.Status != http.StatusNoContent {
		t.Fatalf("promote: %d %s", a.Status, a.Body)
	}
	if job := must(b.Queue.Job(t.Context(), id))(t); job.State != queue.Waiting {
		t.Errorf("the job is %s", job.State)
	}
	if a := b.get(t, "/api/v1/tasks/"+id); a.JSON(t)["notBefore"] != nil {
		t.Errorf("the task still waits: %s", a.Body)
	}
}

// JSON that is too long gets a hint of its own: the limit of pictures is another.
func TestLongJSONGetsAHint(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	a := b.do(t, "POST", "/api/v1/tasks", strings.NewReader(`{"imageUrl":"`+strings.Repeat("x", 70<<10)+`"}`), "Content-Type", "application/json")
	isProblem(t, "long JSON", a, 413, api.FileTooLarge)
	if hint, _ := a.JSON(t)["hint"].(string); !strings.Contains(hint, "multipart/form-data") {
		t.Errorf("hint = %q", hint)
	}
}
