package events

import (
	"context"
	"errors"
	"time"

	"github.com/redis/rueidis"
)

// Waits between two tries to subscribe, while Redis is away.
const (
	firstWait   = 50 * time.Millisecond
	longestWait = 2 * time.Second
)

// run keeps one subscription to the channel alive until ctx ends or the client
// is closed. Whenever one begins, events may have been missed before it:
// everybody hears Resync.
func (h *Hub) run(ctx context.Context) {
	defer close(h.done)
	defer h.shut()
	ctx = rueidis.WithOnSubscriptionHook(ctx, func(s rueidis.PubSubSubscription) {
		if s.Kind == "subscribe" {
			h.add(resync(time.Now()))
		}
	})
	wait := firstWait
	for {
		began := time.Now()
		// rueidis itself subscribes again after errors that it takes for
		// passing ones; the hook is told either way.
		err := h.client.Receive(ctx, h.client.B().Subscribe().Channel(h.cfg.Channel).Build(),
			func(m rueidis.PubSubMessage) { h.receive(m.Message) })
		if ctx.Err() != nil || errors.Is(err, rueidis.ErrClosing) {
			return
		}
		if time.Since(began) > longestWait {
			wait = firstWait // it had worked
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			wait = min(2*wait, longestWait)
		}
	}
}
