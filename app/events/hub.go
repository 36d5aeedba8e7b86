package events

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"revela/task"
)

// Resync is the type of the event that stands where events may be missing.
const Resync = "resync"

// Errors that end a subscription.
var (
	ErrSlow   = errors.New("events: the listener reads too slowly")
	ErrClosed = errors.New("events: the hub is closed")
)

// Event is one event as listeners get it. Data is shared: do not change it.
type Event struct {
	ID   string // its place in this hub's order, for resuming
	Type string // an event type of package task, or Resync
	Data []byte // JSON on one line, as it came over the channel

	task task.ID // "" concerns all tasks
	seq  uint64
}

// HubConfig tunes a Hub. A zero field takes its default.
type HubConfig struct {
	Channel string // default Channel
	Recent  int    // events kept for those who resume; default 1024
	Buffer  int    // events that one listener may fall behind; default 256

	// Changed, if set, is told of each change of a task before listeners are. It
	// must not wait.
	Changed func(id task.ID)
}

func (c HubConfig) withDefaults() (HubConfig, error) {
	if c.Channel == "" {
		c.Channel = Channel
	}
	if c.Recent == 0 {
		c.Recent = 1024
	}
	if c.Buffer == 0 {
		c.Buffer = 256
	}
	if c.Recent < 0 || c.Buffer < 0 {
		return c, fmt.Errorf("events: recent %d and buffer %d must be positive", c.Recent, c.Buffer)
	}
	return c, nil
}

// Hub listens to the channel once for the whole process. Its methods are safe
// for concurrent use.
type Hub struct {
	client rueidis.Client
	cfg    HubConfig
	epoch  string // sets this hub's ids apart from those of other processes

	cancel context.CancelFunc
	done   chan struct{} // closed by run
	odd    atomic.Uint64

	mu     sync.Mutex
	closed bool
	seq    uint64  // of the latest event
	recent []Event // ring: the event with seq n is at n % len
	subs   map[*Subscription]struct{}
}

// NewHub starts a hub. It keeps trying while Redis is away. Close ends it; the
// client stays open.
func NewHub(client rueidis.Client, cfg HubConfig) (*Hub, error) {
	if client == nil {
		return nil, errors.New("events: a hub needs a Redis client")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	h := &Hub{
		client: client, cfg: cfg, epoch: rand.Text()[:12],
		cancel: cancel, done: make(chan struct{}),
		recent: make([]Event, cfg.Recent),
		subs:   make(map[*Subscription]struct{}),
	}
	go h.run(ctx)
	return h, nil
}

// Close ends all subscriptions with ErrClosed and waits for the hub's end.
func (h *Hub) Close() {
	h.cancel()
	<-h.done
}

// shut ends all subscriptions and lets no other begin.
func (h *Hub) shut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.subs {
		h.end(s, ErrClosed)
	}
}

// Ignored returns how many messages on the channel were not understood.
func (h *Hub) Ignored() uint64 { return h.odd.Load() }

// Subscribe listens to the events of one task or, with an empty id, to all.
// after is the ID of the last event that the listener has seen, "" when there
// was none: what happened since comes first, or a Resync event if that is not
// known any more. The subscription must be closed.
func (h *Hub) Subscribe(id task.ID, after string) *Subscription {
	s := &Subscription{hub: h, task: id, news: make(chan Event, h.cfg.Buffer), ended: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		s.err = ErrClosed
		close(s.ended)
		return s
	}
	s.backlog = h.since(id, after)
	h.subs[s] = struct{}{}
	return s
}

// since returns the events of a task that follow the one named after. The
// caller holds mu.
func (h *Hub) since(id task.ID, after string) []Event {
	if after == "" {
		return nil
	}
	epoch, num, _ := strings.Cut(after, "-")
	seen, err := strconv.ParseUint(num, 10, 64)
	oldest := h.seq - min(h.seq, uint64(len(h.recent))) + 1
	if epoch != h.epoch || err != nil || seen > h.seq || seen+1 < oldest {
		e := resync(time.Now())
		e.ID = h.id(h.seq)
		return []Event{e}
	}
	var missed []Event
	for seq := seen + 1; seq <= h.seq; seq++ {
		if e := h.recent[seq%uint64(len(h.recent))]; concerns(e, id) {
			missed = append(missed, e)
		}
	}
	return missed
}

func (h *Hub) id(seq uint64) string { return h.epoch + "-" + strconv.FormatUint(seq, 10) }

func concerns(e Event, id task.ID) bool { return id == "" || e.task == "" || e.task == id }

// add gives e its place in the order and hands it to those it concerns.
func (h *Hub) add(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	e.seq, e.ID = h.seq, h.id(h.seq)
	h.recent[e.seq%uint64(len(h.recent))] = e
	for s := range h.subs {
		if !concerns(e, s.task) {
			continue
		}
		select {
		case s.news <- e:
		default:
			h.end(s, ErrSlow)
		}
	}
}

// end takes s out and tells it why. The caller holds mu.
func (h *Hub) end(s *Subscription, why error) {
	if _, ok := h.subs[s]; ok {
		delete(h.subs, s)
		s.err = why
		close(s.ended)
	}
}

// receive takes one message from the channel. It runs on the connection's
// reader, so it must not wait.
func (h *Hub) receive(raw string) {
	e, ok := parse(raw)
	if !ok {
		h.odd.Add(1)
		return
	}
	if h.cfg.Changed != nil && e.Type != string(task.EventProgress) { // which is in no record
		h.cfg.Changed(e.task)
	}
	h.add(e)
}

// longest bounds a message: a hundred variants need about 20 kB.
const longest = 64 << 10

// parse checks a message before it goes to browsers: anyone who reaches Redis
// can write to the channel. A line break in the data or in the type would let
// it forge events of its own.
func parse(raw string) (Event, bool) {
	if len(raw) > longest {
		return Event{}, false
	}
	var m struct {
		TaskID    string `json:"taskId"`
		EventType string `json:"eventType"`
	}
	if json.Unmarshal([]byte(raw), &m) != nil {
		return Event{}, false
	}
	id, err := task.ParseID(m.TaskID)
	if err != nil || !named(m.EventType) {
		return Event{}, false
	}
	var line bytes.Buffer
	if json.Compact(&line, []byte(raw)) != nil {
		return Event{}, false
	}
	return Event{Type: m.EventType, Data: line.Bytes(), task: id}, true
}

// named reports whether s looks like a type of task event.
func named(s string) bool {
	verb, ok := strings.CutPrefix(s, "task.")
	if !ok || verb == "" || len(verb) > 32 {
		return false
	}
	for _, c := range []byte(verb) {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}
