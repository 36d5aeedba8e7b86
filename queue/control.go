package queue

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/rueidis"
)

// Messages on the control channel. They make haste; what they say is also
// found without them, at the next renewal or poll.
const (
	msgCancel = "cancel " // and the id of the job
	msgResume = "resume"
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
	if message == msgResume {
		select {
		case p.resumed <- struct{}{}:
		default:
		}
		return
	}
	if id, ok := strings.CutPrefix(message, msgCancel); ok {
		p.mu.Lock()
		job := p.held[id]
		p.mu.Unlock()
		if job != nil {
			job.cancel(ErrLeaseLost)
		}
	}
}
