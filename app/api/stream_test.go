package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"revela/app/api"
	"revela/task"
)

// frame is one Server-Sent Event, or a comment.
type frame struct {
	id, event, comment string
	data               map[string]any
}

// listener reads an event stream.
type listener struct {
	t      *testing.T
	resp   *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func (b *backend) listen(t *testing.T, path, last string) *listener {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	req := must(http.NewRequestWithContext(ctx, "GET", b.URL+path, nil))(t)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	l := &listener{t, resp, bufio.NewScanner(resp.Body), cancel}
	t.Cleanup(l.close)
	if resp.StatusCode == 200 && resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("Content-Type = %q", resp.Header.Get("Content-Type"))
	}
	return l
}

func (l *listener) close() { l.cancel(); _ = l.resp.Body.Close() }

// next reads one frame; ok is false at the end of the stream.
func (l *listener) next() (f frame, ok bool) {
	l.t.Helper()
	for l.lines.Scan() {
		name, value, _ := strings.Cut(l.lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			f.id = value
		case "event":
			f.event = value
		case "data":
			if err := json.Unmarshal([]byte(value), &f.data); err != nil {
				l.t.Fatalf("data %q: %v", value, err)
			}
		case "":
			if value != "" {
				f.comment = value
			} else if f.event != "" || f.comment != "" {
				return f, true
			}
		}
	}
	return f, false
}

// expect reads on to the first event of a kind.
func (l *listener) expect(event string) frame {
	l.t.Helper()
	for {
		f, ok := l.next()
		if !ok {
			l.t.Fatalf("the stream ended before %s: %v", event, l.lines.Err())
		}
		if f.event == event {
			return f
		}
	}
}

// ends fails unless the stream has come to its proper end.
func (l *listener) ends() {
	l.t.Helper()
	if f, ok := l.next(); ok || l.lines.Err() != nil {
		l.t.Errorf("after the end: %+v, %v", f, l.lines.Err())
	}
}

// heard publishes probes until one comes back, after which nothing gets lost.
func (b *backend) heard(t *testing.T) {
	t.Helper()
	s := b.Hub.Subscribe("", "")
	defer s.Close()
	eventually(t, "the hub listens", func() bool {
		b.Service.Events.Publish(t.Context(), task.Event{TaskID: task.NewID(), Type: task.EventProgress, At: time.Now()})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		for {
			_, event, _, err := s.Next(ctx)
			if err != nil {
				return false
			}
			if event == string(task.EventProgress) {
				return true
			}
		}
	})
}

func TestTaskStreamBeginsWithTheStateAndEnds(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	b.heard(t)
	id := b.submit(t)
	path := "/api/v1/tasks/" + string(id) + "/events"
	l := b.listen(t, path, "")
	if f, ok := l.next(); !ok || f.event != "task" || f.data["taskId"] != string(id) || f.data["status"] != "pending" {
		t.Fatalf("first frame = %+v", f)
	}
	b.Service.Events.Publish(t.Context(), task.Event{TaskID: task.NewID(), Type: task.EventCompleted, At: time.Now()})
	b.Service.Events.Publish(t.Context(), task.Event{TaskID: id, Type: task.EventProgress, Progress: 40, At: time.Now()})
	if f := l.expect("task.progress"); f.data["progress"] != 40.0 || f.id == "" {
		t.Errorf("progress = %+v", f)
	}
	if a := b.do(t, "POST", "/api/v1/tasks/"+string(id)+"/cancel", nil); a.Status != 200 {
		t.Fatalf("cancel: %d", a.Status)
	}
	l.expect("task.cancelled")
	end := l.expect("end")
	l.ends()

	// A browser connects again by itself, with the id of the last frame.
	if again := b.listen(t, path, end.id); again.resp.StatusCode != http.StatusNoContent {
		t.Errorf("after the end: %d", again.resp.StatusCode)
	}
	// Who comes late gets the state and the end.
	late := b.listen(t, path, "")
	if f := late.expect("task"); f.data["status"] != "cancelled" {
		t.Errorf("late: %+v", f)
	}
	late.expect("end")
	late.ends()
}

// Events are hints: a listener hears of an end whose event was lost.
func TestTaskStreamEndsWithoutTheEvent(t *testing.T) {
	t.Parallel()
	b := newBackend(t, func(c *api.Config) { c.Heartbeat = 30 * time.Millisecond })
	for _, how := range []string{"failed", "deleted"} {
		id := b.submit(t)
		l := b.listen(t, "/api/v1/tasks/"+string(id)+"/events", "")
		l.expect("task")
		for {
			if f, ok := l.next(); !ok || f.comment != "" {
				break
			}
		}
		if how == "failed" {
			b.change(t, id, begin, fail)
			if f := l.expect("task"); f.data["status"] != "failed" {
				t.Errorf("state = %+v", f)
			}
		} else if err := b.Repo.Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		l.expect("end")
		l.ends()
	}
}

func TestStreamResumes(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	b.heard(t)
	l := b.listen(t, "/api/v1/events", "")
	first, second := b.submit(t), task.ID("")
	seen := l.expect("task.created")
	if seen.data["taskId"] != string(first) {
		t.Errorf("created = %+v", seen)
	}
	l.close()
	second = b.submit(t)
	again := b.listen(t, "/api/v1/events", seen.id)
	if f := again.expect("task.created"); f.data["taskId"] != string(second) {
		t.Errorf("resumed with %+v, want what was missed", f)
	}
	if f, ok := b.listen(t, "/api/v1/events", "other-7").next(); !ok || f.event != "resync" {
		t.Errorf("an id of another process gave %+v", f)
	}
}

func TestStreamsAreLimitedAndEndedAtTheStop(t *testing.T) {
	t.Parallel()
	b := newBackend(t, func(c *api.Config) { c.MaxStreams = 2 })
	one, two := b.listen(t, "/api/v1/events", ""), b.listen(t, "/api/v1/events", "")
	a := b.get(t, "/api/v1/events")
	isProblem(t, "third stream", a, 429, api.RateLimited)
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	one.close()
	var three *listener
	eventually(t, "a place is free again", func() bool {
		three = b.listen(t, "/api/v1/events", "")
		return three.resp.StatusCode == 200
	})
	b.API.EndStreams()
	two.drain()
	three.drain()
	isProblem(t, "after the stop", b.get(t, "/api/v1/events"), 503, api.Unavailable)
}

// drain reads to the end, which must be a proper one.
func (l *listener) drain() {
	l.t.Helper()
	for l.lines.Scan() {
	}
	if err := l.lines.Err(); err != nil {
		l.t.Errorf("the stream broke: %v", err)
	}
}
