package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"revela/app/api"
	"revela/app/events"
	"revela/app/redis/redistest"
	"revela/cache"
	"revela/imaging"
	"revela/queue"
	"revela/storage/files"
	"revela/storage/remote"
	"revela/storage/sqlite"
	"revela/task"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	patience  = 20 * time.Second
	maxUpload = 1 << 20
)

// backend is the API on real stores, without workers.
type backend struct {
	URL     string
	Addr    string
	API     *api.Server
	Dir     string
	Repo    *sqlite.Store
	Service *task.Service
	Queue   *queue.Queue
	Hub     *events.Hub
	Redis   rueidis.Client
	Log     *observer.ObservedLogs
	Stop    func() // ends the server when its requests have ended; the test's end does it too
}

// newBackend starts everything that the API stands on; opts may change what
// the API is made of. It is the one place where tests construct it.
func newBackend(t testing.TB, opts ...func(*api.Config)) *backend {
	t.Helper()
	dir := t.TempDir()
	client := redistest.Shared(t).Client(t)
	repo := must(sqlite.Open(t.Context(), filepath.Join(dir, "tasks.db")))(t)
	t.Cleanup(func() { _ = repo.Close() })
	store := must(files.Open(dir))(t)
	t.Cleanup(func() { _ = store.Close() })
	fetcher := must(remote.New(remote.Config{MaxBytes: maxUpload}))(t)
	t.Cleanup(func() { _ = fetcher.Close() })
	// As with the Redis of a process that has run for a while.
	cached := must(cache.New(client, repo, cache.Config{Steady: func(time.Time) bool { return true }}))(t)
	t.Cleanup(cached.Close)
	channel := "task-events-" + t.Name()
	publisher := must(events.NewPublisher(client, events.PublisherConfig{Channel: channel}))(t)
	t.Cleanup(func() { _ = publisher.Close(context.Background()) })
	hub := must(events.NewHub(client, events.HubConfig{Channel: channel}))(t)
	t.Cleanup(hub.Close)
	q := must(queue.New(client, queue.DefaultConfig(), false))(t)
	core, logs := observer.New(zap.DebugLevel)

	b := &backend{Dir: dir, Repo: repo, Queue: q, Hub: hub, Redis: client, Log: logs}
	b.Service = &task.Service{
		Repo: cached.Records(repo), Reads: cached, Files: store, Fetcher: fetcher, Scheduler: jobs{q}, Events: publisher,
		Images: must(imaging.New(imaging.DefaultConfig()))(t), MaxBytes: maxUpload, Now: time.Now, Unscheduled: func() {},
		Sets: task.Sets{
			task.DefaultSet: {{Name: "20", Width: 20, Quality: 85}},
			"thumbs":        {{Name: "10", Width: 10, Quality: 85}},
		},
	}
	cfg := api.Config{
		Service: b.Service, Queue: q,
		Subscribe: func(id task.ID, after string) api.Subscription { return hub.Subscribe(id, after) },
		Metrics:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "up 1") }),
		Dashboard: http.HandlerFunc(dashboard),
		Log:       zap.New(core), Version: "1.2.3-test", MaxUpload: maxUpload,
	}
	for _, opt := range opts {
		opt(&cfg)
	}
	b.API = must(api.New(cfg))(t)
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	b.Addr, b.URL = l.Addr().String(), "http://"+l.Addr().String()
	srv := api.HTTPServer(b.API, zap.New(core))
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	b.Stop = sync.OnceFunc(func() {
		b.API.EndStreams()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("the server does not stop: %v", err)
			_ = srv.Close()
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(b.Stop)
	return b
}

// dashboard stands for the files of the real one, which has its own tests.
func dashboard(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><title>dashboard</title>")
	case "/panic":
		panic("secret cause")
	case "/panic-late":
		fmt.Fprint(w, strings.Repeat("half ", 2000))
		panic("secret cause")
	default:
		http.NotFound(w, r)
	}
}

// jobs is the queue as tasks see it.
type jobs struct{ *queue.Queue }

func (jobs) Room(context.Context) error { return nil }

func (j jobs) Offer(ctx context.Context, t task.Task) error {
	err := j.add(ctx, t, false)
	if errors.Is(err, queue.ErrFull) {
		return task.ErrQueueFull
	}
	return err
}

func (j jobs) Schedule(ctx context.Context, t task.Task) error { return j.add(ctx, t, true) }

func (j jobs) add(ctx context.Context, t task.Task, accepted bool) error {
	spec := queue.Spec{ID: string(t.ID), Name: "process-image", Data: []byte(`{"taskId":"` + t.ID + `"}`), Urgent: t.Urgent, Accepted: accepted}
	if !t.NotBefore.IsZero() {
		spec.Delay = max(0, time.Until(t.NotBefore)+time.Millisecond-1)
	}
	added, err := j.Add(ctx, spec)
	if err != nil || added == 1 {
		return err
	}
	return j.Retry(ctx, string(t.ID))
}

func (j jobs) Withdraw(ctx context.Context, id task.ID) error { return j.Cancel(ctx, string(id)) }

func (jobs) Survey(context.Context) (task.Survey, error) { panic("the API does not repair") }

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// answer is a response, read to its end.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

func (a answer) JSON(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.Body, &m); err != nil {
		t.Fatalf("%d %q is not JSON: %v", a.Status, a.Body, err)
	}
	return m
}

// do sends a request; header is a list of names and values.
func (b *backend) do(t testing.TB, method, path string, body io.Reader, header ...string) answer {
	t.Helper()
	req := must(http.NewRequestWithContext(t.Context(), method, b.URL+path, body))(t)
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	tr := &http.Transport{DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	return answer{resp.StatusCode, resp.Header, must(io.ReadAll(resp.Body))(t)}
}

func (b *backend) get(t testing.TB, path string, header ...string) answer {
	t.Helper()
	return b.do(t, "GET", path, nil, header...)
}

// upload sends data as the field image of a form.
func (b *backend) upload(t testing.TB, name string, data []byte, header ...string) answer {
	t.Helper()
	body, kind := form(t, "image", name, data)
	return b.do(t, "POST", "/api/v1/tasks/upload", body, append([]string{"Content-Type", kind}, header...)...)
}

func form(t testing.TB, field, name string, data []byte) (io.Reader, string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part := must(w.CreateFormFile(field, name))(t)
	if _, err := part.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &body, w.FormDataContentType()
}

// submit uploads a picture of its own and returns its id.
func (b *backend) submit(t testing.TB) task.ID {
	t.Helper()
	a := b.upload(t, "photo.png", pngPicture(t, 40, 30))
	if a.Status != http.StatusAccepted {
		t.Fatalf("upload answered %d: %s", a.Status, a.Body)
	}
	return task.ID(a.JSON(t)["taskId"].(string))
}

// change moves a task on as a worker would.
func (b *backend) change(t testing.TB, id task.ID, steps ...func(task.Task) (task.Task, error)) task.Task {
	t.Helper()
	now := must(b.Repo.Get(t.Context(), id))(t)
	for _, step := range steps {
		now = must(step(now))(t)
		now = must(b.Service.Repo.Update(t.Context(), now))(t)
	}
	return now
}

func begin(t task.Task) (task.Task, error) { return t.Begin("token", 1, 0, time.Now()) }
func fail(t task.Task) (task.Task, error)  { return t.Fail("the picture broke", time.Now()) }

// complete finishes a task with one variant of the given bytes.
func (b *backend) complete(t testing.TB, id task.ID, data []byte) task.Image {
	t.Helper()
	img := task.Image{
		Resolution: "800", Path: fmt.Sprintf("output/%s/800/%s.png", id, md5Hex(data)), Format: "png",
		Width: 40, Height: 30, Size: int64(len(data)), MD5: md5Hex(data),
	}
	staged := must(b.Service.Files.Stage(t.Context(), filepath.Dir(img.Path)))(t)
	defer func() { _ = staged.Discard() }()
	if _, err := staged.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := staged.Commit(img.Path); err != nil {
		t.Fatal(err)
	}
	b.change(t, id, begin, func(t task.Task) (task.Task, error) { return t.Complete([]task.Image{img}, time.Now()) })
	return img
}

// leftovers lists the files below storage/ and output/, temporary ones too.
func (b *backend) leftovers(t testing.TB) (out []string) {
	t.Helper()
	for _, sub := range []string{"storage", "output"} {
		err := filepath.WalkDir(filepath.Join(b.Dir, sub), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, os.ErrNotExist) {
				return nil
			}
			if err == nil && d.Type().IsRegular() {
				out = append(out, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// clean fails unless the backend is as empty as it was at its start.
func (b *backend) clean(t testing.TB) {
	t.Helper()
	if left := b.leftovers(t); len(left) > 0 {
		t.Errorf("files stayed: %v", left)
	}
	if n := must(b.Repo.Count(t.Context(), task.Filter{}))(t).N; n != 0 {
		t.Errorf("%d records stayed", n)
	}
}

// eventually polls until ok, or fails.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

func picture(w, h int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{uint8(x * 5), uint8(y * 7), uint8(x ^ y), 255})
		}
	}
	return img
}

func pngPicture(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, picture(w, h)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegPicture(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture(w, h), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// isProblem fails unless a is a complete problem of the given kind.
func isProblem(t testing.TB, what string, a answer, status int, code api.Code) {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal(a.Body, &p); err != nil {
		t.Errorf("%s: %d %.200q is no problem+json: %v", what, a.Status, a.Body, err)
		return
	}
	if a.Status != status || p.Status != status || p.Code != code {
		t.Errorf("%s: answered %d, %+v; want %d %s", what, a.Status, p, status, code)
	}
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%s: Content-Type = %q", what, got)
	}
	if p.Title == "" || p.Hint == "" || p.Type != "/docs#"+string(code) || p.RequestID == "" || p.RequestID != a.Header.Get("X-Request-Id") {
		t.Errorf("%s: incomplete: %+v", what, p)
	}
	if a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: Cache-Control = %q", what, a.Header.Get("Cache-Control"))
	}
}
