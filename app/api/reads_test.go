package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"revela/app/api"
	"revela/task"
)

// reads returns an address of each GET route, by its place in openapi.json.
func (b *backend) reads(t *testing.T) map[string]string {
	t.Helper()
	id := b.submit(t)
	b.complete(t, id, bytes.Repeat([]byte("0123456789"), 200))
	for range 3 { // so that a list is worth compressing
		b.submit(t)
	}
	base := "/api/v1/tasks/" + string(id)
	return map[string]string{
		"/api/v1/tasks":                              "/api/v1/tasks",
		"/api/v1/tasks/{taskId}":                     base,
		"/api/v1/tasks/{taskId}/images/{resolution}": base + "/images/800",
		"/api/v1/tasks/{taskId}/original":            base + "/original",
		"/api/v1/tasks/{taskId}/events":              base + "/events",
		"/api/v1/events":                             "/api/v1/events",
		"/api/v1/queue/stats":                        "/api/v1/queue/stats",
		"/api/v1/queue/jobs/{key}":                   "/api/v1/queue/jobs/waiting",
		"/healthz":                                   "/healthz",
		"/readyz":                                    "/readyz",
		"/health":                                    "/health",
		"/metrics":                                   "/metrics",
		"/openapi.json":                              "/openapi.json",
		"/docs":                                      "/docs",
	}
}

// described is what openapi.json says of the headers of answers.
type described struct {
	Paths map[string]map[string]struct {
		Responses map[string]struct {
			Headers map[string]struct {
				Ref string `json:"$ref"`
			}
		}
	}
	Components struct {
		Headers map[string]struct{ Schema struct{ Const string } }
	}
}

func TestAnswersHaveTheDescribedHeaders(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	var doc described
	if err := json.Unmarshal(b.get(t, "/openapi.json").Body, &doc); err != nil {
		t.Fatal(err)
	}
	addresses := b.reads(t)
	for place, ops := range doc.Paths {
		op, ok := ops["get"]
		if !ok {
			continue
		}
		address, ok := addresses[place]
		if !ok {
			t.Errorf("the test has no address for %s", place)
			continue
		}
		if len(op.Responses["200"].Headers) == 0 {
			continue
		}
		first := b.get(t, address)
		again := b.get(t, address, "If-None-Match", `"other", W/`+first.Header.Get("ETag"))
		for status, a := range map[string]answer{"200": first, "304": again} {
			if got := a.Status; (status == "200") != (got == 200) || (status == "304") != (got == 304) {
				t.Errorf("%s answered %d, want %s", address, got, status)
			}
			for name, h := range op.Responses[status].Headers {
				want := doc.Components.Headers[strings.TrimPrefix(h.Ref, "#/components/headers/")].Schema.Const
				if got := a.Header.Get(name); got == "" || (want != "" && got != want) {
					t.Errorf("%s %s: %s is %q, described as %q", status, address, name, got, want)
				}
			}
		}
		if len(again.Body) > 0 {
			t.Errorf("%s: 304 with %d bytes", address, len(again.Body))
		}
	}
}

func TestHeadAnswersAsGet(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	for _, address := range b.reads(t) {
		for _, accept := range []string{"gzip", "identity"} {
			get := answer{}
			if strings.HasSuffix(address, "/events") {
				get = b.begin(t, address)
			} else {
				get = b.get(t, address, "Accept-Encoding", accept)
			}
			head := b.do(t, "HEAD", address, nil, "Accept-Encoding", accept)
			if head.Status != get.Status || len(head.Body) > 0 {
				t.Errorf("%s: HEAD %d with %d bytes, GET %d", address, head.Status, len(head.Body), get.Status)
			}
			for _, h := range []answer{get, head} {
				// These differ from answer to answer, or say how the connection goes on.
				for _, name := range []string{"Date", "X-Request-Id", "Transfer-Encoding", "Connection"} {
					h.Header.Del(name)
				}
			}
			if address == "/metrics" {
				continue // counts itself, so even its length changes
			}
			if diff := cmp.Diff(get.Header, head.Header); diff != "" {
				t.Errorf("%s, %s (-GET +HEAD):\n%s", address, accept, diff)
			}
		}
	}
}

// begin returns the head of an answer that does not end.
func (b *backend) begin(t *testing.T, path string) answer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req := must(http.NewRequestWithContext(ctx, "GET", b.URL+path, nil))(t)
	tr := &http.Transport{DisableKeepAlives: true}
	resp := must(tr.RoundTrip(req))(t)
	defer resp.Body.Close()
	return answer{Status: resp.StatusCode, Header: resp.Header}
}

func TestTextIsCompressedAndPicturesAreNot(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	for place, address := range b.reads(t) {
		if place == "/metrics" {
			continue // its handler is not ours
		}
		want := false
		switch place {
		case "/api/v1/tasks", "/api/v1/queue/jobs/{key}", "/openapi.json", "/docs":
			want = true
		case "/api/v1/events":
			if a := b.begin(t, address); a.Header.Get("Content-Encoding") != "" {
				t.Errorf("events are compressed: %v", a.Header)
			}
			continue
		}
		plain := b.get(t, address, "Accept-Encoding", "identity")
		packed := b.get(t, address, "Accept-Encoding", "gzip, br")
		if got := packed.Header.Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("%s: %d bytes, compressed %v, want %v", address, len(plain.Body), got, want)
		}
		if !want {
			continue
		}
		unpacked := must(io.ReadAll(must(gzip.NewReader(bytes.NewReader(packed.Body)))(t)))(t)
		if !bytes.Equal(unpacked, plain.Body) || len(packed.Body) >= len(plain.Body) {
			t.Errorf("%s: %d bytes compressed, %d unpacked, %d plain", address, len(packed.Body), len(unpacked), len(plain.Body))
		}
		tags := [2]string{plain.Header.Get("ETag"), packed.Header.Get("ETag")}
		if tags[0] != "" && tags[0] == tags[1] || packed.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: tags %q, Vary %q", address, tags, packed.Header.Get("Vary"))
		}
	}
}

func TestAListChangesItsTag(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	ids := []task.ID{b.submit(t), b.submit(t)}
	seen := map[string]string{}
	look := func(what string) {
		t.Helper()
		a := b.get(t, "/api/v1/tasks?limit=10")
		tag := a.Header.Get("ETag")
		if before, ok := seen[tag]; ok {
			t.Errorf("after %s the tag is that of %s", what, before)
		}
		seen[tag] = what
		var l api.TaskList
		if err := json.Unmarshal(a.Body, &l); err != nil {
			t.Fatal(err)
		}
		for _, one := range l.Data { // a list shows what each of its tasks shows
			alone := b.get(t, "/api/v1/tasks/"+string(one.TaskID))
			if !bytes.Contains(a.Body, alone.Body) {
				t.Errorf("after %s: the list has not\n%s", what, alone.Body)
			}
		}
		if again := b.get(t, "/api/v1/tasks?limit=10", "If-None-Match", tag); again.Status != 304 {
			t.Errorf("after %s: unchanged, but %d", what, again.Status)
		}
	}
	look("the start")
	b.change(t, ids[0], begin)
	look("a change")
	b.change(t, ids[0], fail)
	look("a failure")
	b.submit(t)
	look("an upload")
	if a := b.do(t, "DELETE", "/api/v1/tasks/"+string(ids[1]), nil); a.Status != 204 {
		t.Fatalf("delete: %d", a.Status)
	}
	look("a delete")
}

// Readers and a writer at once: nobody gets a body that is not of one version,
// or another task's.
func TestReadsDoNotMix(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	ids := []task.ID{b.submit(t), b.submit(t), b.submit(t), b.submit(t)}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			client := http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			var last time.Time
			for {
				select {
				case <-done:
					return
				default:
				}
				id := ids[i%len(ids)]
				resp, err := client.Get(b.URL + "/api/v1/tasks/" + string(id))
				if err != nil {
					t.Error(err)
					return
				}
				var got api.Task
				err = json.NewDecoder(resp.Body).Decode(&got)
				_ = resp.Body.Close()
				now := time.Time(got.UpdatedAt)
				if err != nil || got.TaskID != id || now.Before(last) {
					t.Errorf("%s: got %+v (%v) after %s", id, got, err, last)
					return
				}
				last = now
			}
		})
	}
	for range 15 {
		for _, id := range ids {
			b.change(t, id, begin, func(t task.Task) (task.Task, error) { return t.Wait("again", time.Now()) })
		}
	}
	close(done)
	wg.Wait()
}

func TestOptionsAndOtherMethods(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	for path, allow := range map[string]string{
		"/api/v1/tasks":        "GET, HEAD, OPTIONS, POST",
		"/api/v1/tasks/upload": "DELETE, GET, HEAD, OPTIONS, POST", // gin takes upload for an id too
		"/api/v1/events":       "GET, HEAD, OPTIONS",
		"/api/v1/queue/pause":  "OPTIONS, POST",
		"/metrics":             "GET, HEAD, OPTIONS",
		"/openapi.json":        "GET, HEAD, OPTIONS",
		"/":                    "GET, HEAD, OPTIONS",
	} {
		options := b.do(t, "OPTIONS", path, nil)
		if options.Status != 204 || len(options.Body) > 0 || options.Header.Get("Content-Type") != "" || options.Header.Get("ETag") != "" ||
			options.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("OPTIONS %s: %d %v", path, options.Status, options.Header)
		}
		other := b.do(t, "PROPFIND", path, nil)
		isProblem(t, path, other, 405, api.MethodNotAllowed)
		for _, a := range []answer{options, other} {
			got := strings.Split(a.Header.Get("Allow"), ", ")
			slices.Sort(got)
			if strings.Join(got, ", ") != allow {
				t.Errorf("%s: %d, Allow = %q, want %q", path, a.Status, got, allow)
			}
		}
	}
	isProblem(t, "nothing", b.do(t, "OPTIONS", "/nothing", nil), 404, api.NotFound)
	isProblem(t, "nothing", b.do(t, "OPTIONS", "/api/v1/nothing", nil), 404, api.NotFound)
}
