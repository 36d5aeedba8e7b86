package api_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"revela/app/api"
)

func TestKeyGuardsTheAPI(t *testing.T) {
	t.Parallel()
	const key = "correct horse battery staple"
	b := newBackend(t, func(c *api.Config) { c.APIKey = key })
	for _, path := range []string{"/api/v1/tasks", "/api/v1/queue/stats", "/api/v1/events", "/api/v1/nothing", "/api/", "/api/v2/tasks"} {
		for name, header := range map[string][]string{
			"no key":     nil,
			"wrong":      {"X-API-Key", "wrong"},
			"prefix":     {"X-API-Key", key[:5]},
			"longer":     {"X-API-Key", key + "x"},
			"basic":      {"Authorization", "Basic " + key},
			"bare":       {"Authorization", key},
			"empty":      {"Authorization", "Bearer "},
			"both wrong": {"X-API-Key", "wrong", "Authorization", "Bearer " + key},
		} {
			a := b.get(t, path, header...)
			isProblem(t, path+" "+name, a, 401, api.Unauthorized)
			if a.Header.Get("WWW-Authenticate") != `Bearer realm="revela"` {
				t.Errorf("%s %s: WWW-Authenticate = %q", path, name, a.Header.Get("WWW-Authenticate"))
			}
		}
	}
	isProblem(t, "other method", b.do(t, "PUT", "/api/v1/tasks", nil), 401, api.Unauthorized)
	isProblem(t, "upload", b.upload(t, "a.png", pngPicture(t, 4, 4)), 401, api.Unauthorized)
	for _, header := range [][]string{{"X-API-Key", key}, {"Authorization", "Bearer " + key}, {"Authorization", "bearer  " + key}} {
		if a := b.get(t, "/api/v1/tasks", header...); a.Status != 200 {
			t.Errorf("%v: %d %s", header, a.Status, a.Body)
		}
	}
	isProblem(t, "nothing, with the key", b.get(t, "/api/v1/nothing", "X-API-Key", key), 404, api.NotFound)
	for _, path := range []string{"/healthz", "/readyz", "/health", "/metrics", "/openapi.json", "/docs", "/"} {
		if a := b.get(t, path); a.Status != 200 {
			t.Errorf("%s without a key: %d", path, a.Status)
		}
	}
	for _, e := range b.Log.All() {
		for name, v := range e.ContextMap() {
			if s, ok := v.(string); ok && strings.Contains(s, key[:7]) {
				t.Errorf("the key is in the log, as %s of %q", name, e.Message)
			}
		}
	}
}

func TestTooManyWrongKeysAreAnswered429(t *testing.T) {
	t.Parallel()
	b := newBackend(t, func(c *api.Config) { c.APIKey, c.MaxWrongKeys = "correct horse", 2 })
	for range 2 {
		isProblem(t, "a wrong key", b.get(t, "/api/v1/tasks", "X-API-Key", "wrong"), 401, api.Unauthorized)
	}
	for _, path := range []string{"/api/v1/tasks", "/api/v1/nothing"} {
		for _, key := range []string{"wrong", "correct horse"} {
			a := b.get(t, path, "Authorization", "Bearer "+key)
			isProblem(t, path+" with "+key, a, 429, api.RateLimited)
			if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 1 || after > 30 {
				t.Errorf("Retry-After = %q", a.Header.Get("Retry-After"))
			}
		}
	}
	isProblem(t, "no key", b.get(t, "/api/v1/tasks"), 401, api.Unauthorized)
	if a := b.get(t, "/healthz", "X-API-Key", "wrong"); a.Status != 200 {
		t.Errorf("what needs no key answers %d", a.Status)
	}
}

func TestOtherSitesPagesChangeNothing(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	for name, header := range map[string][]string{
		"cross-site": {"Sec-Fetch-Site", "cross-site"},
		"same-site":  {"Sec-Fetch-Site", "same-site"},
		"origin":     {"Origin", "https://evil.example"},
	} {
		isProblem(t, name, b.do(t, "POST", "/api/v1/queue/pause", nil, header...), 403, api.Forbidden)
		if a := b.get(t, "/api/v1/tasks", header...); a.Status != 200 {
			t.Errorf("%s: GET answered %d", name, a.Status)
		}
	}
	for name, header := range map[string][]string{
		"same-origin": {"Sec-Fetch-Site", "same-origin"},
		"own origin":  {"Origin", b.URL},
		"no browser":  nil,
	} {
		if a := b.do(t, "POST", "/api/v1/queue/resume", nil, header...); a.Status != 200 {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
}

func TestEveryAnswerIsMarked(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	for _, path := range []string{"/api/v1/tasks", "/api/v1/tasks/x", "/nothing", "/healthz", "/docs", "/"} {
		h := b.get(t, path).Header
		for _, name := range []string{"X-Request-Id", "X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy", "Cross-Origin-Resource-Policy"} {
			if h.Get(name) == "" {
				t.Errorf("%s: no %s", path, name)
			}
		}
	}
	if got := b.get(t, "/healthz", "X-Request-Id", "trace-1.a:b_c").Header.Get("X-Request-Id"); got != "trace-1.a:b_c" {
		t.Errorf("a harmless id became %q", got)
	}
	for _, odd := range []string{strings.Repeat("a", 65), "a b", "a\"b", "ü"} {
		if got := b.get(t, "/healthz", "X-Request-Id", odd).Header.Get("X-Request-Id"); got == odd || len(got) < 16 {
			t.Errorf("the id %q became %q", odd, got)
		}
	}
}

func TestUnknownPlacesAndMethods(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	for _, path := range []string{"/nothing", "/api", "/api/v1", "/api/v1/nothing", "/api/v1/tasks/", "/API/v1/tasks"} {
		isProblem(t, path, b.get(t, path), 404, api.NotFound)
	}
	isProblem(t, "post to the dashboard", b.do(t, "POST", "/", nil), 405, api.MethodNotAllowed)
	isProblem(t, "post beside it", b.do(t, "POST", "/nothing", nil), 404, api.NotFound)
	for path, allow := range map[string][]string{
		"/api/v1/tasks":  {"GET", "HEAD", "POST"},
		"/healthz":       {"GET", "HEAD"},
		"/api/v1/events": {"GET"},
	} {
		a := b.do(t, "PATCH", path, nil)
		isProblem(t, path, a, 405, api.MethodNotAllowed)
		for _, m := range allow {
			if !strings.Contains(a.Header.Get("Allow"), m) {
				t.Errorf("%s: Allow = %q, want %v", path, a.Header.Get("Allow"), allow)
			}
		}
	}
	if a := b.get(t, "/"); a.Status != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		t.Errorf("dashboard: %d %v", a.Status, a.Header)
	}
	if a := b.get(t, "/metrics"); a.Status != 200 || string(a.Body) != "up 1\n" {
		t.Errorf("metrics: %d %q", a.Status, a.Body)
	}
}

func TestPanicsAreLoggedOnceAndNotShown(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	a := b.get(t, "/panic", "X-Request-Id", "look-me-up")
	isProblem(t, "panic", a, 500, api.Internal)
	if strings.Contains(string(a.Body), "secret") {
		t.Errorf("the cause is shown: %s", a.Body)
	}
	errs := b.Log.Filter(func(e entry) bool { return e.Level >= zapcore.ErrorLevel }).All()
	if len(errs) != 1 {
		t.Fatalf("%d errors were logged, want 1: %v", len(errs), errs)
	}
	f := errs[0].ContextMap()
	stack, _ := f["stack"].([]byte)
	if text, ok := f["stack"].(string); ok {
		stack = []byte(text)
	}
	if f["requestId"] != "look-me-up" || f["panic"] != "secret cause" || !strings.Contains(string(stack), "backend_test.go") {
		t.Errorf("logged %v", f)
	}

	// Half an answer is broken off, so that nobody takes it for a whole one.
	resp, err := http.Get(b.URL + "/panic-late")
	if err == nil {
		_, err = readAll(resp)
	}
	if err == nil {
		t.Error("half an answer arrived as a whole one")
	}
}

func TestEveryRequestIsLoggedOnce(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	b.get(t, "/api/v1/tasks?limit=3", "X-Request-Id", "one")
	b.get(t, "/api/v1/tasks/"+strings.Repeat("x", 3000)+"%0aforged", "X-Request-Id", "two")
	b.get(t, "/healthz", "X-Request-Id", "three")
	var got []map[string]any
	eventually(t, "three lines", func() bool {
		got = nil
		for _, e := range b.Log.FilterMessage("request").All() {
			f := e.ContextMap()
			f["level"] = e.Level
			got = append(got, f)
		}
		return len(got) == 3
	})
	if f := got[0]; f["requestId"] != "one" || f["route"] != "/api/v1/tasks" || f["path"] != "/api/v1/tasks" || f["status"] != int64(200) || f["level"] != zapcore.InfoLevel {
		t.Errorf("first: %v", f)
	}
	if f := got[1]; f["status"] != int64(400) || len(f["path"].(string)) > 250 {
		t.Errorf("second: %v", f)
	}
	if got[2]["level"] != zapcore.DebugLevel {
		t.Errorf("a probe is logged as %v", got[2]["level"])
	}
}

// Reads that succeed are too many to log them all; whatever else happens is
// logged, and everything is counted.
func TestManyReadsAreLoggedNowAndThen(t *testing.T) {
	t.Parallel()
	const n = 1000
	var seen atomic.Int64
	core, logs := observer.New(zap.InfoLevel)
	b := newBackend(t, func(c *api.Config) {
		c.Log = zap.New(core)
		c.Observe = func(route, method string, status int, took time.Duration) {
			if route == "/api/v1/tasks" && method == "GET" && status == 200 && took > 0 {
				seen.Add(1)
			}
		}
	})
	client := http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	ask := func(method, path string) {
		req := must(http.NewRequestWithContext(t.Context(), method, b.URL+path, nil))(t)
		_ = must(readAll(must(client.Do(req))(t)))(t)
	}
	began := time.Now()
	for range n {
		ask("GET", "/api/v1/tasks")
	}
	windows := int(time.Since(began).Seconds()) + 2
	eventually(t, "every read is observed", func() bool { return seen.Load() == n })
	if got := logs.FilterMessage("request").Len(); got < 100 || got > 100*windows+n/100 {
		t.Errorf("%d of %d reads are logged in at most %d seconds", got, n, windows)
	}
	_ = logs.TakeAll()
	for range 150 {
		ask("GET", "/api/v1/tasks/x")
		ask("POST", "/api/v1/queue/resume")
	}
	eventually(t, "failures and changes are logged", func() bool { return logs.FilterMessage("request").Len() == 300 })
}
