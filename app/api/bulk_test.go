package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"revela/app/api"
	"revela/queue"
	"revela/task"
)

// bulk sends items and returns the status and what became of each.
func (b *backend) bulk(t *testing.T, items ...string) (int, []api.BulkResult) {
	t.Helper()
	a := b.do(t, "POST", "/api/v1/tasks/bulk", strings.NewReader(`{"tasks":[`+strings.Join(items, ",")+`]}`), "Content-Type", "application/json")
	var got api.BulkList
	if err := json.Unmarshal(a.Body, &got); err != nil || len(got.Data) != len(items) {
		t.Fatalf("%d items: %d %.500s %v", len(items), a.Status, a.Body, err)
	}
	return a.Status, got.Data
}

func TestBulkMakesTasksInOrder(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	items := make([]string, 500)
	for i := range items {
		items[i] = fmt.Sprintf(`{"imageUrl":"https://example.org/%d.jpg"}`, i)
	}
	items[7] = `{"imageUrl":"https://example.org/7.jpg","priority":"urgent","variants":"thumbs"}`
	items[8] = `{"imageUrl":"https://example.org/8.jpg","delay":"1h"}`
	status, got := b.bulk(t, items...)
	if status != 202 {
		t.Errorf("status %d", status)
	}
	for i, r := range got {
		if r.Task == nil || r.Error != nil || r.Task.Source != fmt.Sprintf("https://example.org/%d.jpg", i) {
			t.Fatalf("item %d: %+v", i, r)
		}
		if _, err := b.Queue.Job(t.Context(), string(r.Task.TaskID)); err != nil {
			t.Errorf("item %d: %v", i, err)
		}
	}
	if got[7].Task.Priority != "urgent" || got[7].Task.Variants != "thumbs" || got[8].Task.NotBefore == nil {
		t.Errorf("wishes were lost: %+v, %+v", got[7].Task, got[8].Task)
	}
	if st := b.stats(t); st["waiting"] != 499 || st["delayed"] != 1 {
		t.Errorf("queue: %v", st)
	}
	if n := must(b.Repo.Count(t.Context(), task.Filter{}))(t).N; n != 500 {
		t.Errorf("%d records", n)
	}
}

// Each item has its own answer, whatever becomes of the others.
func TestBulkAnswersEachItem(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	keyed := `{"imageUrl":"https://example.org/a.jpg","idempotencyKey":"k"}`
	status, got := b.bulk(t, keyed)
	if status != 202 {
		t.Fatalf("status %d: %+v", status, got[0].Error)
	}
	first := got[0].Task.TaskID
	items := []struct {
		body string
		code api.Code
		says string
	}{
		{keyed, "", ""},
		{`{"imageUrl":"https://example.org/b.jpg","idempotencyKey":"k"}`, api.IdempotencyMismatch, "."},
		{`{"imageUrl":"https://example.org/b.jpg","idempotencyKey":"a b"}`, api.InvalidBody, "idempotencyKey"},
		{`{}`, api.InvalidBody, "imageUrl and imagePath"},
		{`null`, api.InvalidBody, "imageUrl and imagePath"},
		{`{"imageUrl":"http://127.0.0.1/a.jpg"}`, api.SourceRefused, "The source may not be read."},
		{`{"imagePath":"../etc/passwd"}`, api.SourceRefused, "The source may not be read."},
		{`{"imageUrl":"https://example.org/b.jpg","variants":"huge"}`, api.InvalidBody, "huge"},
		{`{"imageUrl":"https://example.org/b.jpg","priority":"high"}`, api.InvalidBody, "priority"},
		{`{"imageUrl":"https://example.org/b.jpg","delay":"-1s"}`, api.InvalidBody, "delay"},
		{`{"imageUrl":"https://example.org/b.jpg"}`, "", ""},
	}
	var bodies []string
	for _, item := range items {
		bodies = append(bodies, item.body)
	}
	status, got = b.bulk(t, bodies...)
	if status != 207 {
		t.Errorf("status %d", status)
	}
	for i, item := range items {
		r := got[i]
		switch {
		case item.code == "" && (r.Task == nil || r.Error != nil):
			t.Errorf("%s: %+v", item.body, r.Error)
		case item.code != "" && (r.Task != nil || r.Error == nil || r.Error.Code != item.code ||
			!strings.Contains(r.Error.Message, item.says) || r.Error.Hint == ""):
			t.Errorf("%s: %+v", item.body, r)
		}
	}
	if got[0].Task.TaskID != first {
		t.Error("the key made a second task")
	}
	if n := must(b.Repo.Count(t.Context(), task.Filter{}))(t).N; n != 2 {
		t.Errorf("%d records", n)
	}
}

// The same key in many items of one request makes one task.
func TestBulkKeysAreKeptWithinARequest(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	items := make([]string, 50)
	for i := range items {
		items[i] = `{"imageUrl":"https://example.org/a.jpg","idempotencyKey":"k"}`
	}
	status, got := b.bulk(t, items...)
	if status != 202 {
		t.Fatalf("status %d", status)
	}
	for _, r := range got {
		if r.Task.TaskID != got[0].Task.TaskID {
			t.Fatalf("tasks %s and %s", r.Task.TaskID, got[0].Task.TaskID)
		}
	}
	if st := b.stats(t); st["waiting"] != 1 {
		t.Errorf("queue: %v", st)
	}
}

func TestBulkRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	one := `{"imageUrl":"https://example.org/a.jpg"}`
	for name, tt := range map[string]struct {
		body   string
		header []string
		status int
		code   api.Code
	}{
		"none":     {`{"tasks":[]}`, nil, 400, api.InvalidBody},
		"no tasks": {`{}`, nil, 400, api.InvalidBody},
		"a list":   {`[` + one + `]`, nil, 400, api.InvalidBody},
		"unknown":  {`{"tasks":[{"image":"x"}]}`, nil, 400, api.InvalidBody},
		"501":      {`{"tasks":[` + strings.Repeat(one+",", 500) + one + `]}`, nil, 400, api.InvalidBody},
		"long":     {`{"tasks":[{"imageUrl":"` + strings.Repeat("x", 1<<20) + `"}]}`, nil, 413, api.FileTooLarge},
		"key":      {`{"tasks":[` + one + `]}`, []string{"Idempotency-Key", "k"}, 400, api.InvalidBody},
		"bad key":  {`{"tasks":[` + one + `]}`, []string{"X-Idempotency-Key", "a b"}, 400, api.InvalidBody},
		"form":     {"", []string{"Content-Type", "multipart/form-data; boundary=B"}, 400, api.InvalidBody},
	} {
		header := tt.header
		if tt.body != "" {
			header = append(header, "Content-Type", "application/json")
		}
		isProblem(t, name, b.do(t, "POST", "/api/v1/tasks/bulk", strings.NewReader(tt.body), header...), tt.status, tt.code)
	}
	b.clean(t)
}

// A field of the wrong type is named as it was sent.
func TestWrongTypeNamesTheField(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	for path, body := range map[string]string{
		"/api/v1/tasks":      `{"priority":5}`,
		"/api/v1/tasks/bulk": `{"tasks":[{"priority":5}]}`,
	} {
		a := b.do(t, "POST", path, strings.NewReader(body), "Content-Type", "application/json")
		isProblem(t, path, a, 400, api.InvalidBody)
		if !strings.Contains(string(a.Body), "The JSON field priority has the wrong type: number.") {
			t.Errorf("%s: %s", path, a.Body)
		}
	}
}

// A full queue ends the request early: what is left has its error, too.
func TestBulkStopsAtAFullQueue(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	cfg := queue.DefaultConfig()
	cfg.MaxWaiting = 30
	var offers atomic.Int64
	b.Service.Scheduler = counted{jobs{must(queue.New(b.Redis, cfg, false))(t)}, &offers}
	items := make([]string, 100)
	for i := range items {
		items[i] = fmt.Sprintf(`{"imageUrl":"https://example.org/%d.jpg"}`, i)
	}
	status, got := b.bulk(t, items...)
	if status != 207 {
		t.Errorf("status %d", status)
	}
	tasks := 0
	for i, r := range got {
		switch {
		case r.Task != nil:
			tasks++
		case r.Error.Code != api.QueueFull:
			t.Errorf("item %d: %+v", i, r.Error)
		}
	}
	n := must(b.Repo.Count(t.Context(), task.Filter{}))(t).N
	if st := b.stats(t); tasks != 30 || n != 30 || st["waiting"] != 30 {
		t.Errorf("%d tasks, %d records, queue %v", tasks, n, st)
	}
	if n := offers.Load(); n > 50 {
		t.Errorf("it went on after the refusal: %d offers", n)
	}
}

// counted counts the tasks that the queue is offered.
type counted struct {
	jobs
	offers *atomic.Int64
}

func (c counted) Offer(ctx context.Context, t task.Task) error {
	c.offers.Add(1)
	return c.jobs.Offer(ctx, t)
}

// A store that is away ends the request early, and is logged once.
func TestBulkStopsAtAStoreThatIsAway(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	if err := b.Repo.Close(); err != nil {
		t.Fatal(err)
	}
	a := b.do(t, "POST", "/api/v1/tasks/bulk", strings.NewReader(
		`{"tasks":[`+strings.TrimSuffix(strings.Repeat(`{"imageUrl":"https://example.org/a.jpg"},`, 100), ",")+`]}`), "Content-Type", "application/json")
	if n := strings.Count(string(a.Body), `{"error":{"code":"UNAVAILABLE"`); a.Status != 207 || n != 100 || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d, %d refusals, Retry-After %q: %.300s", a.Status, n, a.Header.Get("Retry-After"), a.Body)
	}
	if n := b.Log.FilterMessage("unavailable").Len(); n != 1 {
		t.Errorf("the cause was logged %d times", n)
	}
}
