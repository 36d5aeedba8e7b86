package cli_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

const (
	goodID = "665f1c2ab3d4e5f601020304" // completes
	badID  = "665f1c2ab3d4e5f601020305" // fails
	apiKey = "0123456789abcdef"
)

// startAPI serves fixed answers in the shapes of the API: what is tested here
// is the command line, not the server.
func startAPI(t *testing.T) *httptest.Server {
	t.Helper()
	var (
		mu     sync.Mutex
		asked  = map[string]int{}
		mux    = http.NewServeMux()
		base   = "/api/v1"
		answer = func(w http.ResponseWriter, status int, format string, args ...any) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			fmt.Fprintf(w, format, args...)
		}
		problem = func(w http.ResponseWriter, status int, code, detail, hint string) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			json.NewEncoder(w).Encode(map[string]any{"title": code, "status": status, "code": code, "detail": detail, "hint": hint})
		}
	)
	taskJSON := func(id, status, source string) string {
		images := ""
		if status == "completed" {
			images = `,"variants":"thumbs","priority":"urgent","notBefore":"2026-01-02T03:14:05.678Z","original":{"url":"/o","format":"gif","width":4000,"height":3000,"size":4096,"frames":3,"note":"its first frame","thumbhash":"1QcSHQ"}` +
				`,"images":[{"resolution":"800","path":"output/p","url":"/api/v1/tasks/` + id + `/images/800","format":"jpeg","width":800,"height":600,"size":2048,"md5":"m"}]`
		}
		failed := ""
		if status == "failed" {
			failed = `,"error":"broken image: cut off"`
		}
		name, _ := json.Marshal(source)
		return fmt.Sprintf(`{"taskId":%q,"status":%q,"source":%s,"attempts":1,"createdAt":"2026-01-02T03:04:05.678Z","updatedAt":"2026-01-02T03:04:06.000Z"%s%s}`,
			id, status, name, images, failed)
	}
	mux.HandleFunc("POST "+base+"/tasks/upload", func(w http.ResponseWriter, r *http.Request) {
		file, head, err := r.FormFile("image")
		if err != nil {
			problem(w, 400, "FILE_REQUIRED", "There is no file in the field image.", "Send one.")
			return
		}
		defer file.Close()
		body, _ := io.ReadAll(file)
		if set := r.FormValue("variants"); set != "" && set != "thumbs" {
			problem(w, 400, "INVALID_BODY", "There is no set of variants \""+set+"\"; there is default, thumbs.", "Leave it out.")
			return
		}
		switch strings.TrimSpace(string(body)) {
		case "good":
			name := strings.TrimSpace(strings.Join([]string{head.Filename, r.FormValue("priority"), r.FormValue("delay")}, " "))
			answer(w, 202, "%s", taskJSON(goodID, "pending", name))
		case "bad":
			answer(w, 202, "%s", taskJSON(badID, "pending", head.Filename))
		default:
			problem(w, 415, "UNSUPPORTED_IMAGE", "This is not a picture.", "Send a JPEG.")
		}
	})
	mux.HandleFunc("POST "+base+"/tasks", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			ImageURL string `json:"imageUrl"`
			Priority string `json:"priority"`
			Delay    string `json:"delay"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			problem(w, 400, "INVALID_BODY", err.Error(), "")
			return
		}
		answer(w, 202, "%s", taskJSON(goodID, "pending", strings.TrimSpace(strings.Join([]string{in.ImageURL, in.Priority, in.Delay}, " "))))
	})
	mux.HandleFunc("GET "+base+"/tasks", func(w http.ResponseWriter, r *http.Request) {
		next, id := `,"nextCursor":"c2"`, goodID
		if r.URL.Query().Get("cursor") == "c2" {
			next, id = "", badID
		}
		answer(w, 200, `{"data":[%s],"pagination":{"page":1,"limit":10,"total":2,"totalIsExact":%t,"totalPages":2%s}}`,
			taskJSON(id, "pending", r.URL.RawQuery), !r.URL.Query().Has("q"), next)
	})
	mux.HandleFunc("GET "+base+"/tasks/{id}", func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		mu.Lock()
		asked[id]++
		first := asked[id] == 1
		mu.Unlock()
		switch {
		case id == goodID && first:
			answer(w, 200, "%s", taskJSON(id, "processing", "a.jpg"))
		case id == goodID:
			answer(w, 200, "%s", taskJSON(id, "completed", "a\x1b[31m.jpg"))
		case id == badID:
			answer(w, 200, "%s", taskJSON(id, "failed", "b.jpg"))
		default:
			problem(w, 404, "TASK_NOT_FOUND", "There is no task "+id+".", "List them.")
		}
	})
	mux.HandleFunc("GET "+base+"/tasks/{id}/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "retry: 2000\n\nevent: task\ndata: {}\n\n: still here\n\nid: 1\nevent: task.progress\n"+
			`data: {"taskId":%q,"timestamp":1767322800000,"eventType":"task.progress","progress":40}`+"\n\nid: end\nevent: end\ndata: {}\n\n", r.PathValue("id"))
	})
	change := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.PathValue("id") != goodID {
				problem(w, 409, "INVALID_STATE", "Its state forbids it.", "Look at it first.")
				return
			}
			if status == http.StatusNoContent {
				w.WriteHeader(status)
				return
			}
			answer(w, status, "%s", taskJSON(goodID, "pending", "a.jpg"))
		}
	}
	mux.Handle("POST "+base+"/tasks/{id}/retry", change(202))
	mux.Handle("POST "+base+"/tasks/{id}/cancel", change(200))
	mux.Handle("DELETE "+base+"/tasks/{id}", change(204))
	mux.Handle("POST "+base+"/queue/jobs/{id}/retry", change(204))
	mux.Handle("POST "+base+"/queue/jobs/{id}/promote", change(204))
	mux.Handle("DELETE "+base+"/queue/jobs/{id}", change(204))
	mux.HandleFunc("GET "+base+"/queue/stats", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"waiting":1,"active":2,"completed":3,"failed":4,"delayed":5,"paused":6,"completedTotal":70,"failedTotal":80}`)
	})
	mux.HandleFunc("GET "+base+"/queue/jobs/{state}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"data":[{"id":%q,"name":"process-image","state":%q,"priority":"urgent","timestamp":1767322800000,`+
			`"processedOn":1767322800000,"finishedOn":1767322800000,"attemptsMade":3,"stalledCounter":1,"failedReason":%q,`+
			`"broken":"data is no JSON","stacktrace":["2026-01-02T03:00:00Z attempt 1: no \u001b[31mroute","2026-01-02T03:00:02Z attempt 2: panic: x\ngoroutine 1\n\tmain.go:1"]}]}`,
			badID, r.PathValue("state"), r.URL.RawQuery)
	})
	mux.HandleFunc("POST "+base+"/queue/pause", func(w http.ResponseWriter, r *http.Request) { answer(w, 200, `{"paused":true}`) })
	mux.HandleFunc("POST "+base+"/queue/resume", func(w http.ResponseWriter, r *http.Request) { answer(w, 200, `{"paused":false}`) })
	mux.HandleFunc("POST "+base+"/queue/retry", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked["retry"]++
		again := asked["retry"]%2 == 1
		mu.Unlock()
		answer(w, 200, `{"retried":2,"skipped":1,"complete":%v}`, !again)
	})
	mux.HandleFunc("POST "+base+"/queue/clean", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != `{"state":"failed","olderThan":"24h0m0s","limit":10}` {
			problem(w, 400, "INVALID_BODY", string(body), "")
			return
		}
		answer(w, 200, `{"removed":2,"ids":["a","b"]}`)
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { answer(w, 200, `{"status":"ready"}`) })
	mux.HandleFunc("GET /down/readyz", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 503, "{\"status\":\"unavailable\",\n  \"checks\":[{\"name\":\"redis\",\"ok\":false}]}")
	})
	locked := http.StripPrefix("/locked", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-API-Key") != apiKey {
			problem(w, 401, "UNAUTHORIZED", "A key is needed.", "")
			return
		}
		mux.ServeHTTP(w, r)
	}))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/locked/") {
			locked.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

// deadURL is an address at which nothing listens.
func deadURL(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}
