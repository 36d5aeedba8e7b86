package events

import (
	"context"

	"revela/task"
)

// Subscription is one listener's way into a Hub. It belongs to one goroutine;
// only Close may be called from others.
type Subscription struct {
	hub  *Hub
	task task.ID

	backlog []Event       // set before the first Next, then only Next's
	news    chan Event    // written by the hub under its lock
	ended   chan struct{} // closed by the hub, after err is set
	err     error
}

// Next waits for the next event and returns it in three parts. It fails with
// the context's error, after which it may be called again, or for good with
// ErrSlow or ErrClosed.
func (s *Subscription) Next(ctx context.Context) (id, event string, data []byte, err error) {
	if len(s.backlog) > 0 {
		e := s.backlog[0]
		s.backlog = s.backlog[1:]
		return e.ID, e.Type, e.Data, nil
	}
	select {
	case e := <-s.news: // what is here already is delivered before any end
		return e.ID, e.Type, e.Data, nil
	default:
	}
	select {
	case e := <-s.news:
		return e.ID, e.Type, e.Data, nil
	case <-s.ended:
		return "", "", nil, s.err
	case <-ctx.Done():
		return "", "", nil, ctx.Err()
	}
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.hub.end(s, ErrClosed)
}
