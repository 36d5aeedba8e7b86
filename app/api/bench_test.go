package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"revela/app/api"
)

// sink is an answer that nobody reads.
type sink struct {
	header http.Header
	status int
}

func (w *sink) Header() http.Header         { return w.header }
func (w *sink) Write(p []byte) (int, error) { return len(p), nil }
func (w *sink) WriteHeader(status int)      { w.status = status }

// BenchmarkHotReads is the way from a request to its answer without net/http's
// part, over real stores: everything is in the process already.
func BenchmarkHotReads(b *testing.B) {
	back := newBackend(b, func(c *api.Config) { c.Log = zap.New(zapcore.NewNopCore()) })
	var last string
	for range 20 {
		last = string(back.submit(b))
	}
	for name, path := range map[string]string{
		"task": "/api/v1/tasks/" + last, "list10": "/api/v1/tasks?page=1&limit=10", "list20": "/api/v1/tasks?page=1&limit=20",
		"healthz": "/healthz",
	} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", path, nil)
			b.ReportAllocs()
			for b.Loop() {
				w := &sink{header: http.Header{}}
				back.API.ServeHTTP(w, r)
				if w.status != 200 {
					b.Fatal(w.status)
				}
			}
		})
	}
}
