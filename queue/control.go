package queue

import (
	"context"
	"fmt"

	"github.com/redis/rueidis"
)

// Messages on the control channel. They make haste and prove nothing: a channel
// is shared by all databases of a Redis, so whoever hears one looks for himself.
const (
	msgCancel = "cancel" // some job was taken from its worker: renew all leases now
	msgResume = "resume" // look for jobs now
)

// tell sends a message to every pool of the queue.
func (q *Queue) tell(ctx context.Context, message string) error {
	err := q.client.Do(ctx, q.client.B().Publish().Channel(q.keys.control).Message(message).Build()).Error()
	if err != nil {
		return fmt.Errorf("queue: tell the pools: %w", err)
	}
	return nil
}

// control is the loop that listens for messages, until ctx ends.
func (p *Pool) control(ctx context.Context) {
	for {
		err := p.q.client.Receive(ctx, p.q.client.B().Subscribe().Channel(p.q.keys.control).Build(), func(m rueidis.PubSubMessage) {
			p.obey(m.Message)
		})
		if ctx.Err() != nil {
			return
		}
		p.report("listen for messages", err)
		if !sleep(ctx, pausePoll) {
			return
		}
	}
}

func (p *Pool) obey(message string) {
	switch message {
	case msgResume:
		for _, l := range p.lanes {
			nudge(l.woken)
		}
	case msgCancel:
		nudge(p.hurry)
	}
}

// nudge wakes the one loop that reads from c, now or when it gets there.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
