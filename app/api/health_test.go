package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/zap/zaptest/observer"

	"revela/app/api"
)

type entry = observer.LoggedEntry

func readAll(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

func TestReadinessNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	b := newBackend(t, func(c *api.Config) {
		c.Checks = []api.Check{
			{Name: "store", Run: func(context.Context) error { return nil }, Warnings: func() []string { return []string{"thin ice"} }},
			{Name: "redis", Run: func(context.Context) error {
				if broken.Load() {
					return errors.New("connection refused")
				}
				return nil
			}},
		}
	})
	read := func(path string) (int, api.Readiness) {
		t.Helper()
		a := b.get(t, path)
		var r api.Readiness
		if err := json.Unmarshal(a.Body, &r); err != nil {
			t.Fatalf("%s: %s %v", path, a.Body, err)
		}
		return a.Status, r
	}
	for _, path := range []string{"/readyz", "/health"} {
		if status, r := read(path); status != 200 || r.Status != "ready" || len(r.Checks) != 2 || !r.Checks[1].OK || !slices.Equal(r.Warnings, []string{"thin ice"}) || r.Version != "1.2.3-test" {
			t.Errorf("%s: %d %+v", path, status, r)
		}
	}
	broken.Store(true)
	eventually(t, "the failure shows", func() bool {
		status, r := read("/readyz")
		return status == 503 && r.Status == "unavailable" && r.Checks[0] == api.CheckResult{Name: "store", OK: true} &&
			r.Checks[1] == api.CheckResult{Name: "redis", Error: "connection refused"}
	})
	if a := b.get(t, "/healthz"); a.Status != 200 || a.JSON(t)["status"] != "ok" {
		t.Errorf("healthz: %d %s", a.Status, a.Body)
	}
	broken.Store(false)
	eventually(t, "it is ready again", func() bool { status, _ := read("/health"); return status == 200 })
	b.API.Stopping()
	if status, r := read("/readyz"); status != 503 || r.Status != "stopping" {
		t.Errorf("stopping: %d %+v", status, r)
	}
	if a := b.get(t, "/api/v1/tasks"); a.Status != 200 {
		t.Errorf("a stopping process answers %d", a.Status)
	}
}

// Whoever asks for readiness in a loop must not make the checks a load.
func TestReadinessIsAskedTogether(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	h := must(api.Health([]api.Check{{Name: "x", Run: func(context.Context) error { runs.Add(1); return nil }}}, http.NotFoundHandler(), nil))(t)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/readyz", nil)) })
	}
	wg.Wait()
	if n := runs.Load(); n < 1 || n > 10 {
		t.Errorf("50 questions ran the check %d times", n)
	}
}

func TestWorkerAnswersHealthOnly(t *testing.T) {
	t.Parallel()
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "up 1\n") })
	if _, err := api.Health(nil, nil, nil); err == nil {
		t.Error("no metrics were taken")
	}
	h := must(api.Health(nil, metrics, nil))(t)
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/health": 200, "/metrics": 200, "/": 404, "/docs": 404, "/api/v1/tasks": 404} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != want {
			t.Errorf("%s: %d, want %d: %s", path, rec.Code, want, rec.Body)
		}
	}
}

func TestBadConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	_, err := api.New(api.Config{MaxStreams: -1, Heartbeat: -1, Checks: []api.Check{{}}})
	if err == nil {
		t.Fatal("an empty configuration was taken")
	}
	for _, missing := range []string{"Service", "Queue", "Subscribe", "Metrics", "Dashboard", "Log", "MaxUpload", "MaxStreams", "Heartbeat", "check 0"} {
		if !strings.Contains(err.Error(), missing) {
			t.Errorf("%v does not name %s", err, missing)
		}
	}
}
