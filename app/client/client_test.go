package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server with one handler, and a client of it with a key.
func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c, err := New(server.URL+"/", "the-key")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestNewRefusesWhatIsNoServer(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "localhost:3000", "ftp://h", "http://", "http://u:p@h", "http://h?x=y", ":"} {
		if _, err := New(address, ""); err == nil {
			t.Errorf("%q is taken for a server", address)
		}
	}
}

// TestRequests holds each call to the method, path, query and body that the API
// has for it.
func TestRequests(t *testing.T) {
	t.Parallel()
	for want, call := range map[string]func(context.Context, *Client) error{
		"GET /api/v1/tasks/a%2Fb": func(ctx context.Context, c *Client) error { _, err := c.Task(ctx, "a/b"); return err },
		"GET /api/v1/tasks":       func(ctx context.Context, c *Client) error { _, err := c.Tasks(ctx, Listing{}); return err },
		"GET /api/v1/tasks?cursor=c&limit=3&page=2&status=failed": func(ctx context.Context, c *Client) error {
			_, err := c.Tasks(ctx, Listing{Status: "failed", Page: 2, Limit: 3, Cursor: "c"})
			return err
		},
		`POST /api/v1/tasks {"imageUrl":"http://h/?a=b\u0026c"}`: func(ctx context.Context, c *Client) error {
			_, err := c.SubmitURL(ctx, "http://h/?a=b&c", Wishes{})
			return err
		},
		`POST /api/v1/tasks {"delay":"1m30s","imageUrl":"http://h/","priority":"urgent","variants":"v"}`: func(ctx context.Context, c *Client) error {
			_, err := c.SubmitURL(ctx, "http://h/", Wishes{Variants: "v", Priority: "urgent", Delay: 90 * time.Second})
			return err
		},
		"POST /api/v1/tasks/1/retry":  func(ctx context.Context, c *Client) error { _, err := c.Retry(ctx, "1"); return err },
		"POST /api/v1/tasks/1/cancel": func(ctx context.Context, c *Client) error { _, err := c.Cancel(ctx, "1"); return err },
		"DELETE /api/v1/tasks/1":      func(ctx context.Context, c *Client) error { return c.Delete(ctx, "1") },
		"GET /api/v1/queue/stats":     func(ctx context.Context, c *Client) error { _, err := c.QueueStats(ctx); return err },
		"GET /api/v1/queue/jobs/failed?start=10&end=19": func(ctx context.Context, c *Client) error {
			_, err := c.Jobs(ctx, "failed", 10, 19)
			return err
		},
		"POST /api/v1/queue/pause":          func(ctx context.Context, c *Client) error { return c.Pause(ctx) },
		"POST /api/v1/queue/resume":         func(ctx context.Context, c *Client) error { return c.Resume(ctx) },
		"POST /api/v1/queue/retry":          func(ctx context.Context, c *Client) error { _, err := c.RetryFailed(ctx); return err },
		"POST /api/v1/queue/jobs/1/retry":   func(ctx context.Context, c *Client) error { return c.RetryJob(ctx, "1") },
		"POST /api/v1/queue/jobs/1/promote": func(ctx context.Context, c *Client) error { return c.Promote(ctx, "1") },
		"DELETE /api/v1/queue/jobs/1":       func(ctx context.Context, c *Client) error { return c.RemoveJob(ctx, "1") },
		`POST /api/v1/queue/clean {"state":"failed","olderThan":"1h30m0s","limit":7}`: func(ctx context.Context, c *Client) error {
			_, err := c.Clean(ctx, Cleaning{"failed", 90 * time.Minute, 7})
			return err
		},
	} {
		got := ""
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = r.Method + " " + r.RequestURI
			if len(body) > 0 {
				got += " " + string(body)
			}
			if r.Header.Get("X-API-Key") != "the-key" {
				t.Errorf("%s comes without the key", got)
			}
			fmt.Fprint(w, `{}`)
		})
		if err := call(t.Context(), c); err != nil || got != want {
			t.Errorf("got %s and error %v, expected %s", got, err, want)
		}
	}
}

func TestUpload(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("picture"), 1<<17)
	name := "a \"b\"\r\n/ü.jpg"
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		length := r.ContentLength
		file, head, err := r.FormFile("image")
		if err != nil {
			t.Error(err)
			return
		}
		defer file.Close()
		got, err := io.ReadAll(file)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes arrive with error %v, expected the %d sent", len(got), err, len(content))
		}
		if length <= int64(len(content)) || strings.ContainsAny(head.Filename, "\r\n") {
			t.Errorf("length %d, name %q", length, head.Filename)
		}
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{"taskId":"1","status":"pending","more":[1]}`)
	})
	got, err := c.Upload(t.Context(), name, Wishes{}, bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	want := Task{ID: "1", Status: "pending", Raw: json.RawMessage(`{"taskId":"1","status":"pending","more":[1]}`)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestUploadOfAShrinkingFile: a file that ends early is an error and never a
// shorter picture.
func TestUploadOfAShrinkingFile(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			t.Error("the request ends as if it were whole")
		}
	})
	if _, err := c.Upload(t.Context(), "x", Wishes{}, strings.NewReader("short"), 100); err == nil {
		t.Error("no error")
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status     int
		kind, body string
		text, hint string
	}{
		"problem": {409, "application/problem+json; charset=utf-8",
			`{"title":"Wrong state","detail":"It is done.","code":"INVALID_STATE","hint":"Leave it.","requestId":"r"}`,
			"It is done. (INVALID_STATE)", "Leave it."},
		"no detail":  {404, "application/problem+json", `{"title":"No such task","code":"TASK_NOT_FOUND"}`, "No such task (TASK_NOT_FOUND)", ""},
		"ours":       {503, "application/problem+json", `{"title":"Unavailable","code":"UNAVAILABLE","requestId":"r7"}`, "Unavailable (UNAVAILABLE), request r7", ""},
		"key":        {401, "application/problem+json", `{"title":"No","code":"UNAUTHORIZED"}`, "No (UNAUTHORIZED)", "give the server's key with API_KEY or --api-key"},
		"other":      {404, "text/html", `<html>`, "the server answers 404 Not Found", "is this the address of a Revela server? --server names another"},
		"broken":     {500, "application/problem+json", `{`, "the server answers 500 Internal Server Error", ""},
		"redirected": {302, "text/html", ``, "the server answers 302 Found", "is this the address of a Revela server? --server names another"},
	} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", test.kind)
			if test.status == 302 {
				w.Header().Set("Location", "/elsewhere")
			}
			w.WriteHeader(test.status)
			fmt.Fprint(w, test.body)
		})
		_, err := c.Task(t.Context(), "1")
		var refused *Error
		if !errors.As(err, &refused) || refused.Status != test.status || err.Error() != test.text || refused.Hint() != test.hint {
			t.Errorf("%s: %#v", name, err)
		}
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	c, err := New(server.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Task(t.Context(), "1")
	var away *UnreachableError
	if !errors.As(err, &away) || away.Hint() == "" || strings.Count(err.Error(), server.URL) != 1 {
		t.Errorf("%v", err)
	}
}

func TestAnAnswerThatIsNoJSON(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>") })
	if _, err := c.Task(t.Context(), "1"); err == nil || !strings.Contains(err.Error(), "not what this program knows") {
		t.Errorf("%v", err)
	}
}

func TestCancelledCalls(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if _, err := c.Task(ctx, "1"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// stream answers like the API does for one task that completes when told to.
// Its stream sends frames and ends when hold does.
func stream(completed *atomic.Bool, frames string, hold <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/events") {
			status := "processing"
			if completed.Load() {
				status = "completed"
			}
			fmt.Fprintf(w, `{"taskId":"1","status":%q}`, status)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, frames)
		w.(http.Flusher).Flush()
		<-hold
	}
}

func TestWatchHearsEvents(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	defer close(hold)
	var completed atomic.Bool
	c := serve(t, stream(&completed, "retry: 2000\n\n: hello\n\nevent: task\ndata: {}\n\n"+
		"id: 1\nevent: task.progress\ndata: {\"taskId\":\"1\",\ndata: \"eventType\":\"task.progress\",\"progress\":50}\n\n"+
		"event: task.bad\ndata: [\n\nevent: resync\ndata: {}\n\n"+
		"event: task.completed\ndata: {\"taskId\":\"1\",\"eventType\":\"task.completed\"}\n\n", hold))
	var heard []string
	start := time.Now()
	task, err := c.Watch(t.Context(), "1", func(e Event) {
		heard = append(heard, fmt.Sprintf("%s %d", e.Type, e.Progress))
		completed.Store(e.Type == "task.completed")
	})
	if err != nil || task.Status != "completed" {
		t.Fatalf("%+v %v", task, err)
	}
	if diff := cmp.Diff([]string{"task.progress 50", "task.completed 0"}, heard); diff != "" {
		t.Errorf("(-want +heard):\n%s", diff)
	}
	if time.Since(start) >= pollEvery {
		t.Errorf("it took %v: the events did not help", time.Since(start))
	}
}

func TestWatchWithoutEvents(t *testing.T) {
	t.Parallel()
	for name, frames := range map[string]string{"ended": "", "silent": ": nothing\n\n"} {
		hold := make(chan struct{})
		if name == "ended" {
			close(hold)
		} else {
			defer close(hold)
		}
		var completed atomic.Bool
		answer := stream(&completed, frames, hold)
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			answer(w, r)
			if !strings.HasSuffix(r.URL.Path, "/events") {
				completed.Store(true) // and nobody is told
			}
		})
		if task, err := c.Watch(t.Context(), "1", nil); err != nil || task.Status != "completed" {
			t.Errorf("%s: %+v %v", name, task, err)
		}
	}
}

func TestWatchSurvivesTrouble(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/events"):
			w.WriteHeader(http.StatusServiceUnavailable)
		case asked.Add(1) == 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			fmt.Fprint(w, `{"taskId":"1","status":"failed","error":"no"}`)
		}
	})
	if task, err := c.Watch(t.Context(), "1", nil); err != nil || task.Error != "no" {
		t.Errorf("%+v %v", task, err)
	}
}

func TestWatchEnds(t *testing.T) {
	t.Parallel()
	gone := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotFound) })
	_, err := gone.Watch(t.Context(), "1", nil)
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
		t.Errorf("a task that is not there: %v", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	endless := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/events") {
			w.Header().Set("Content-Type", "text/event-stream")
			w.(http.Flusher).Flush()
			cancel()
			<-r.Context().Done()
			return
		}
		fmt.Fprint(w, `{"taskId":"1","status":"pending"}`)
	})
	if _, err := endless.Watch(ctx, "1", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled caller: %v", err)
	}
}
