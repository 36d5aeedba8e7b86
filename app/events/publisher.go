package events

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"revela/task"
)

// PublisherConfig tunes a Publisher. A zero field takes its default.
type PublisherConfig struct {
	Channel string        // default Channel
	Buffer  int           // events that may wait for Redis; default 1024, at least 1
	Timeout time.Duration // for one batch to Redis; default 2 s
}

func (c PublisherConfig) withDefaults() (PublisherConfig, error) {
	if c.Channel == "" {
		c.Channel = Channel
	}
	if c.Buffer == 0 {
		c.Buffer = 1024
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	if c.Buffer < 0 || c.Timeout < 0 {
		return c, fmt.Errorf("events: buffer %d and timeout %s must be positive", c.Buffer, c.Timeout)
	}
	return c, nil
}

// batch bounds how many events go to Redis in one round trip.
const batch = 64

// Publisher is the task.Publisher that writes to Redis. Its methods are safe
// for concurrent use.
type Publisher struct {
	client rueidis.Client
	cfg    PublisherConfig

	mu     sync.RWMutex // held for writing only to close queue
	closed bool
	queue  chan []byte

	done   chan struct{} // closed by run
	cancel context.CancelFunc
	lost   atomic.Uint64
}

// NewPublisher starts a publisher. Close ends it; the client stays open.
func NewPublisher(client rueidis.Client, cfg PublisherConfig) (*Publisher, error) {
	if client == nil {
		return nil, errors.New("events: a publisher needs a Redis client")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &Publisher{
		client: client, cfg: cfg,
		queue: make(chan []byte, cfg.Buffer),
		done:  make(chan struct{}), cancel: cancel,
	}
	go p.run(ctx)
	return p, nil
}

// Publish hands e to the background and returns at once. An event is lost, and
// counted, when the buffer is full, Redis does not take it, or the publisher
// is closed. ctx is not used: what happened has happened.
func (p *Publisher) Publish(_ context.Context, e task.Event) {
	data, err := encode(e)
	if err != nil {
		p.lost.Add(1)
		return
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		p.lost.Add(1)
		return
	}
	select {
	case p.queue <- data:
	default:
		p.lost.Add(1)
	}
}

// Lost returns how many events were not delivered to Redis so far.
func (p *Publisher) Lost() uint64 { return p.lost.Load() }

// Close sends what is buffered and ends the publisher. When ctx ends first, the
// rest is lost and its error is returned, at most Timeout later: a batch that
// rueidis has written cannot be called back. Closing twice is closing once.
func (p *Publisher) Close(ctx context.Context) error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.queue)
	}
	p.mu.Unlock()
	defer p.cancel()
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		p.cancel()
		<-p.done
		return fmt.Errorf("events: close the publisher: %w", ctx.Err())
	}
}

func (p *Publisher) run(ctx context.Context) {
	defer close(p.done)
	for data := range p.queue {
		p.send(ctx, p.fill([][]byte{data}))
	}
}

// fill adds to pending what else waits, without waiting itself.
func (p *Publisher) fill(pending [][]byte) [][]byte {
	for len(pending) < batch {
		select {
		case data, ok := <-p.queue:
			if !ok {
				return pending
			}
			pending = append(pending, data)
		default:
			return pending
		}
	}
	return pending
}

func (p *Publisher) send(ctx context.Context, pending [][]byte) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	cmds := make(rueidis.Commands, len(pending))
	for i, data := range pending {
		cmds[i] = p.client.B().Publish().Channel(p.cfg.Channel).Message(rueidis.BinaryString(data)).Build()
	}
	for _, res := range p.client.DoMulti(ctx, cmds...) {
		if res.Error() != nil {
			p.lost.Add(1)
		}
	}
}
