package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Event is what happened to a task.
type Event struct {
	TaskID    string `json:"taskId"`
	Type      string `json:"eventType"` // "task.progress"
	Timestamp int64  `json:"timestamp"` // ms since the epoch
	Progress  int    `json:"progress"`  // percent
	Attempts  int    `json:"attempts"`
	WillRetry bool   `json:"willRetry"`
	Error     string `json:"error"`
	WorkerID  string `json:"workerId"`

	Raw json.RawMessage `json:"-"` // all that the server said
}

// pollEvery is how often Watch asks although it has heard nothing, because
// events may be lost.
const pollEvery = 2 * time.Second

// maxFrame bounds one line of an event stream, in bytes.
const maxFrame = 1 << 20

// Watch waits until a task is finished and returns it. Meanwhile it calls
// heard, unless that is nil, with each event, in its own goroutine. Events are
// hints that may be lost; the task is asked for its state all the same, so
// Watch ends even if it hears nothing. A server that is away for a while does
// not end it: only its refusal does, and ctx.
func (c *Client) Watch(ctx context.Context, id string, heard func(Event)) (Task, error) {
	ctx, cancel := context.WithCancel(ctx)
	events := make(chan Event)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(events)
		c.listen(ctx, id, events)
	}()
	defer func() { cancel(); <-done }()

	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	var incoming <-chan Event = events
	for look := true; ; {
		if look {
			t, err := c.Task(ctx, id)
			var away *UnreachableError
			var refused *Error
			switch {
			case err == nil && t.Finished():
				return t, nil
			case errors.As(err, &away), errors.As(err, &refused) && refused.Status >= 500:
			case err != nil:
				return Task{}, err
			}
		}
		select {
		case <-ctx.Done():
			return Task{}, context.Cause(ctx)
		case <-poll.C:
			look = true
		case e, ok := <-incoming:
			if !ok {
				incoming, look = nil, true
				continue
			}
			if heard != nil && strings.HasPrefix(e.Type, "task.") {
				heard(e)
			}
			look = e.Type != "task.progress"
		}
	}
}

// listen sends the events of a task's stream until it ends. Its end for any
// reason is no error: Watch goes on without.
func (c *Client) listen(ctx context.Context, id string, out chan<- Event) {
	req, err := c.request(ctx, http.MethodGet, "/tasks/"+url.PathEscape(id)+"/events", nil)
	if err != nil {
		return
	}
	req.Header.Set("Accept", "text/event-stream")
	res, err := c.send(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return
	}
	_ = frames(res.Body, func(name string, data []byte) bool {
		e := Event{Type: name}
		if strings.HasPrefix(name, "task.") {
			if json.Unmarshal(data, &e) != nil {
				return true
			}
			e.Type, e.Raw = name, data
		}
		select {
		case out <- e:
			return true
		case <-ctx.Done():
			return false
		}
	})
}

// frames reads an event stream and calls each with every event, until it
// returns false.
func frames(r io.Reader, each func(name string, data []byte) bool) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4<<10), maxFrame)
	name, data := "", []string(nil)
	for lines.Scan() {
		line := lines.Text()
		if line == "" {
			if data != nil && !each(name, []byte(strings.Join(data, "\n"))) {
				return nil
			}
			name, data = "", nil
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			name = value
		case "data":
			data = append(data, value)
		}
	}
	return lines.Err()
}
