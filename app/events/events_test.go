package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"
	"go.uber.org/goleak"

	"revela/app/events"
	"revela/app/redis/redistest"
	"revela/task"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// at is a moment whose milliseconds are easily told apart from seconds.
var at = time.UnixMilli(1_700_000_000_123)

// channel gives every test its own: databases do not separate channels.
func channel(t *testing.T) string { return "task-events-" + t.Name() }

func newHub(t *testing.T, c rueidis.Client, cfg events.HubConfig) *events.Hub {
	t.Helper()
	cfg.Channel = channel(t)
	h, err := events.NewHub(c, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func newPublisher(t *testing.T, c rueidis.Client, cfg events.PublisherConfig) *events.Publisher {
	t.Helper()
	cfg.Channel = channel(t)
	p, err := events.NewPublisher(c, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(context.Background()) })
	return p
}

func listen(t *testing.T, h *events.Hub, id task.ID) *events.Subscription {
	t.Helper()
	s := h.Subscribe(id, "")
	t.Cleanup(s.Close)
	return s
}

// await returns when messages on the channel reach the hub.
func await(t *testing.T, h *events.Hub, c rueidis.Client) {
	t.Helper()
	s := h.Subscribe("", "")
	defer s.Close()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		probe := fmt.Sprintf(`{"taskId":"%s","eventType":"task.probe"}`, task.NewID())
		n, err := c.Do(t.Context(), c.B().Publish().Channel(channel(t)).Message(probe).Build()).AsInt64()
		if err != nil || n == 0 {
			continue
		}
		expect(t, s, "task.probe")
		return
	}
	t.Fatal("the hub does not listen")
}

type event struct {
	id, kind string
	data     map[string]any
}

func next(t *testing.T, s *events.Subscription) event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	id, kind, data, err := s.Next(ctx)
	if err != nil {
		t.Fatalf("next event: %v", err)
	}
	e := event{id: id, kind: kind}
	if err := json.Unmarshal(data, &e.data); err != nil {
		t.Fatalf("event %q: %v", data, err)
	}
	return e
}

// expect skips to the first event of a kind.
func expect(t *testing.T, s *events.Subscription, kind string) event {
	t.Helper()
	for {
		if e := next(t, s); e.kind == kind {
			return e
		}
	}
}

// silent fails if an event waits already.
func silent(t *testing.T, s *events.Subscription) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, kind, data, err := s.Next(ctx); err == nil {
		t.Fatalf("unexpected event %s %s", kind, data)
	}
}

func TestEveryKindOfEventIsWrittenAsAgreed(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	h := newHub(t, c, events.HubConfig{})
	p := newPublisher(t, c, events.PublisherConfig{})
	await(t, h, c)
	s := listen(t, h, "")

	id := task.NewID()
	base := func(kind string, more map[string]any) map[string]any {
		m := map[string]any{"taskId": string(id), "timestamp": 1_700_000_000_123.0, "eventType": kind}
		for k, v := range more {
			m[k] = v
		}
		return m
	}
	for _, tt := range []struct {
		event task.Event
		want  map[string]any
	}{
		{task.Event{Type: task.EventCreated}, base("task.created", nil)},
		{task.Event{Type: task.EventProcessing, WorkerID: "w1"},
			base("task.processing", map[string]any{"workerId": "w1"})},
		{task.Event{Type: task.EventProgress, WorkerID: "w1"},
			base("task.progress", map[string]any{"progress": 0.0, "workerId": "w1"})},
		{task.Event{
			Type: task.EventCompleted, ProcessingTime: 1500 * time.Millisecond, WorkerID: "w1",
			Images: []task.Image{{
				Resolution: "800", Path: "output/x/800/d.jpg", Format: "jpeg",
				Width: 800, Height: 600, Size: 1234, MD5: "d",
			}},
		}, base("task.completed", map[string]any{
			"processingTime": 1500.0, "workerId": "w1",
			"images": []any{map[string]any{
				"resolution": "800", "path": "output/x/800/d.jpg", "format": "jpeg",
				"width": 800.0, "height": 600.0, "size": 1234.0, "md5": "d",
			}},
		})},
		{task.Event{Type: task.EventRetry, Error: "boom", Attempts: 1, WillRetry: true},
			base("task.retry", map[string]any{"error": "boom", "attempts": 1.0, "willRetry": true})},
		{task.Event{Type: task.EventFailed, Error: "boom", Attempts: 3},
			base("task.failed", map[string]any{"error": "boom", "attempts": 3.0})},
		{task.Event{Type: task.EventCancelled}, base("task.cancelled", nil)},
		{task.Event{Type: task.EventDeleted}, base("task.deleted", nil)},
	} {
		tt.event.TaskID, tt.event.At = id, at
		p.Publish(t.Context(), tt.event)
		got := next(t, s)
		if got.kind != string(tt.event.Type) {
			t.Errorf("kind = %q, want %q", got.kind, tt.event.Type)
		}
		if diff := cmp.Diff(tt.want, got.data); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.event.Type, diff)
		}
	}
	if p.Lost() != 0 {
		t.Errorf("Lost = %d", p.Lost())
	}
}

func TestListenerHearsItsTaskOnly(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	h := newHub(t, c, events.HubConfig{})
	p := newPublisher(t, c, events.PublisherConfig{})
	mine, other := task.NewID(), task.NewID()
	await(t, h, c)
	s := listen(t, h, mine)

	p.Publish(t.Context(), task.Event{TaskID: other, Type: task.EventCreated, At: at})
	p.Publish(t.Context(), task.Event{TaskID: mine, Type: task.EventCreated, At: at})
	if e := next(t, s); e.data["taskId"] != string(mine) {
		t.Fatalf("got %v, want an event of %s", e.data, mine)
	}
}

// Whoever keeps copies of records hears of a change before any listener, and of
// nothing that is in no record.
func TestChangesAreToldBeforeListenersHear(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	changed := make(chan task.ID, 100)
	h := newHub(t, c, events.HubConfig{Changed: func(id task.ID) { changed <- id }})
	p := newPublisher(t, c, events.PublisherConfig{})
	mine := task.NewID()
	await(t, h, c)
	for len(changed) > 0 {
		<-changed
	}
	s := listen(t, h, mine)
	p.Publish(t.Context(), task.Event{TaskID: mine, Type: task.EventProgress, At: at})
	p.Publish(t.Context(), task.Event{TaskID: mine, Type: task.EventCompleted, At: at})
	expect(t, s, string(task.EventCompleted))
	if n := len(changed); n != 1 || <-changed != mine {
		t.Errorf("told of %d changes", n)
	}
}

func TestResumeDeliversWhatCameSince(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	h := newHub(t, c, events.HubConfig{Recent: 4})
	p := newPublisher(t, c, events.PublisherConfig{})
	await(t, h, c)
	s := listen(t, h, "")

	var seen []event
	for range 6 {
		p.Publish(t.Context(), task.Event{TaskID: task.NewID(), Type: task.EventCreated, At: at})
		seen = append(seen, next(t, s))
	}

	// The ring holds events 2 to 5, so somebody who saw 1 has missed nothing.
	for _, last := range []int{1, 3, 5} {
		r := h.Subscribe("", seen[last].id)
		for _, want := range seen[last+1:] {
			if diff := cmp.Diff(want, next(t, r), cmp.AllowUnexported(event{})); diff != "" {
				t.Errorf("after event %d (-want +got):\n%s", last, diff)
			}
		}
		silent(t, r)
		r.Close()
	}

	epoch, _, _ := strings.Cut(seen[0].id, "-")
	for name, after := range map[string]string{
		"too old":      seen[0].id,
		"other hub":    "abcdefghijkl-3",
		"future":       epoch + "-99999",
		"not a number": epoch + "-x",
		"garbage":      "\x00\xff",
	} {
		r := h.Subscribe("", after)
		e := next(t, r)
		if e.kind != events.Resync {
			t.Errorf("%s: got %q, want a resync", name, e.kind)
		}
		silent(t, r)
		r.Close()
		r = h.Subscribe("", e.id) // a resync is a place to resume from
		silent(t, r)
		r.Close()
	}
}

func TestSlowListenerIsDroppedAndOthersAreNot(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	h := newHub(t, c, events.HubConfig{Buffer: 3})
	p := newPublisher(t, c, events.PublisherConfig{})
	await(t, h, c)
	quick, slow := listen(t, h, ""), listen(t, h, "")
	for range 5 {
		p.Publish(t.Context(), task.Event{TaskID: task.NewID(), Type: task.EventCreated, At: at})
		next(t, quick)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var err error
	delivered := 0
	for err == nil {
		if _, _, _, err = slow.Next(ctx); err == nil {
			delivered++
		}
	}
	if !errors.Is(err, events.ErrSlow) || delivered != 3 {
		t.Fatalf("the slow listener got %d events and then %v; want 3 and ErrSlow", delivered, err)
	}
}

func TestForeignMessagesAreIgnored(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	h := newHub(t, c, events.HubConfig{})
	await(t, h, c)
	s := listen(t, h, "")

	id := string(task.NewID())
	bad := []string{
		"", "null", "hello", "[]", `{"taskId":"x","eventType":"task.created"}`,
		`{"taskId":"` + id + `"}`,
		`{"taskId":"` + id + `","eventType":"task."}`,
		`{"taskId":"` + id + `","eventType":"task.x\ndata: forged"}`,
		`{"taskId":"` + id + `","eventType":"resync"}`,
		`{"taskId":"` + id + `","eventType":"task.created","error":"` + strings.Repeat("x", 70<<10) + `"}`,
	}
	good := "{\n\"taskId\":\"" + id + "\",\r\n \"eventType\":\"task.created\"}"
	for _, m := range append(bad, good) {
		if err := c.Do(t.Context(), c.B().Publish().Channel(channel(t)).Message(m).Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, kind, data, err := s.Next(ctx)
	if want := `{"taskId":"` + id + `","eventType":"task.created"}`; err != nil || kind != "task.created" || string(data) != want {
		t.Fatalf("got %q %q %v, want %q on one line", kind, data, err, want)
	}
	if got := h.Ignored(); got != uint64(len(bad)) {
		t.Errorf("Ignored = %d, want %d", got, len(bad))
	}
}

func TestHubComesBackAfterRedis(t *testing.T) {
	t.Parallel()
	srv := redistest.Server(t)
	c := srv.Client(t)
	h := newHub(t, c, events.HubConfig{})
	p := newPublisher(t, c, events.PublisherConfig{Timeout: 200 * time.Millisecond})
	await(t, h, c)
	s := listen(t, h, "")

	srv.Kill()
	begin := time.Now()
	for range 100 {
		p.Publish(t.Context(), task.Event{TaskID: task.NewID(), Type: task.EventCreated, At: at})
	}
	if d := time.Since(begin); d > 100*time.Millisecond {
		t.Errorf("100 publishes took %s while Redis was away", d)
	}
	srv.Restart()
	expect(t, s, events.Resync)
	id := task.NewID()
	p.Publish(t.Context(), task.Event{TaskID: id, Type: task.EventCreated, At: at})
	for {
		if e := expect(t, s, "task.created"); e.data["taskId"] == string(id) {
			break
		}
	}
}

func TestPublisherCountsWhatItLoses(t *testing.T) {
	t.Parallel()
	srv := redistest.Server(t)
	c := srv.Client(t)
	p := newPublisher(t, c, events.PublisherConfig{Buffer: 10, Timeout: time.Second})
	srv.Freeze()
	const n = 1000
	for range n {
		p.Publish(t.Context(), task.Event{TaskID: task.NewID(), Type: task.EventCreated, At: at})
	}
	// At most one batch is with Redis and one buffer is waiting.
	if lost := p.Lost(); lost < n-64-10 || lost >= n {
		t.Errorf("Lost = %d of %d with a buffer of 10", lost, n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close = %v while Redis was frozen", err)
	}
	if lost := p.Lost(); lost != n {
		t.Errorf("Lost = %d after Close, want all %d", lost, n)
	}
	srv.Thaw()
	p.Publish(t.Context(), task.Event{TaskID: task.NewID(), Type: task.EventCreated, At: at})
	if lost := p.Lost(); lost != n+1 {
		t.Errorf("Lost = %d after publishing to a closed publisher, want %d", lost, n+1)
	}
}

func TestCloseDeliversTheRest(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	h := newHub(t, c, events.HubConfig{Buffer: 600})
	p := newPublisher(t, c, events.PublisherConfig{})
	await(t, h, c)
	s := listen(t, h, "")
	const n = 500
	for i := range n {
		p.Publish(t.Context(), task.Event{TaskID: task.NewID(), Type: task.EventProgress, Progress: i, At: at})
	}
	if err := p.Close(t.Context()); err != nil || p.Lost() != 0 {
		t.Fatalf("Close = %v, Lost = %d", err, p.Lost())
	}
	for i := range n {
		if e := next(t, s); e.data["progress"] != float64(i) {
			t.Fatalf("event %d has progress %v: order was lost", i, e.data["progress"])
		}
	}
}

func TestClosedHubEndsItsListeners(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	h := newHub(t, c, events.HubConfig{})
	await(t, h, c)
	s := listen(t, h, "")
	h.Close()
	for name, sub := range map[string]*events.Subscription{"before": s, "after": h.Subscribe("", "")} {
		if _, _, _, err := sub.Next(t.Context()); !errors.Is(err, events.ErrClosed) {
			t.Errorf("subscribed %s: Next = %v, want ErrClosed", name, err)
		}
	}
	h.Close()
}

func TestClosedClientEndsTheHub(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	h := newHub(t, c, events.HubConfig{})
	await(t, h, c)
	s := listen(t, h, "")
	c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, _, _, err := s.Next(ctx); !errors.Is(err, events.ErrClosed) {
		t.Errorf("Next = %v, want ErrClosed", err)
	}
}

func TestBadConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	for _, err := range []error{
		second(events.NewHub(nil, events.HubConfig{})),
		second(events.NewHub(c, events.HubConfig{Recent: -1})),
		second(events.NewHub(c, events.HubConfig{Buffer: -1})),
		second(events.NewPublisher(nil, events.PublisherConfig{})),
		second(events.NewPublisher(c, events.PublisherConfig{Buffer: -1})),
		second(events.NewPublisher(c, events.PublisherConfig{Timeout: -1})),
	} {
		if err == nil {
			t.Error("a bad configuration was taken")
		}
	}
}

func second[T any](_ T, err error) error { return err }

var _ task.Publisher = (*events.Publisher)(nil)

func Example() {
	fmt.Println(events.Channel)
	// Output: task-events
}
