package app

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func TestRequestsAreCountedUnderFewLabels(t *testing.T) {
	t.Parallel()
	r := newRequests()
	for range 3 {
		r.observe("/api/v1/tasks/:taskId", "GET", 200, 2*time.Millisecond)
	}
	r.observe("/api/v1/tasks/:taskId", "GET", 304, time.Second)
	for _, made := range []string{"PROPFIND", "A", "B", ""} {
		r.observe("", made, 404, time.Millisecond)
	}
	r.observe("/api/v1/events", "GET", 499, time.Hour)
	r.observe("/api/v1/tasks", "POST", 503, time.Second)

	registry := prometheus.NewRegistry()
	registry.MustRegister(r.times)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text := w.Body.String()
	const name = "revela_http_request_duration_seconds"
	for _, want := range []string{
		name + `_count{method="GET",route="/api/v1/tasks/:taskId",status="2xx"} 3`,
		name + `_bucket{method="GET",route="/api/v1/tasks/:taskId",status="2xx",le="0.001"} 0`,
		name + `_bucket{method="GET",route="/api/v1/tasks/:taskId",status="2xx",le="0.0025"} 3`,
		name + `_count{method="GET",route="/api/v1/tasks/:taskId",status="3xx"} 1`,
		name + `_count{method="other",route="other",status="4xx"} 4`,
		name + `_bucket{method="GET",route="/api/v1/events",status="4xx",le="10"} 0`,
		name + `_count{method="POST",route="/api/v1/tasks",status="5xx"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if got := strings.Count(text, name+"_count"); got != 5 {
		t.Errorf("%d series, want 5:\n%s", got, text)
	}
}
