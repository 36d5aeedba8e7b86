package main

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/redis/rueidis"

	"revela/app/events"
)

// listener counts the events that each task sent. Events are hints: one may be
// missing where its sender was killed or Redis was away, so a count of none
// proves nothing; a count of two of the same end does.
type listener struct {
	mu        sync.Mutex
	completed map[string]int
	done      chan struct{}
}

// listen counts until ctx ends.
func listen(ctx context.Context, client rueidis.Client) *listener {
	l := &listener{completed: map[string]int{}, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		for every(ctx, 0) {
			// An error is an outage of Redis; what was said meanwhile is not heard.
			_ = client.Receive(ctx, client.B().Subscribe().Channel(events.Channel).Build(), l.hear)
		}
	}()
	return l
}

func (l *listener) hear(m rueidis.PubSubMessage) {
	var e struct{ TaskID, EventType string }
	if json.Unmarshal([]byte(m.Message), &e) != nil || e.EventType != "task.completed" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.completed[e.TaskID]++
}

// twice are the tasks that were said to be completed more than once, and heard
// is how many were said to be at all.
func (l *listener) twice() (twice, heard int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.completed {
		if n > 1 {
			twice++
		}
	}
	return twice, len(l.completed)
}
