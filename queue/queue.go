package queue

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/redis/rueidis"
)

// Queue is one queue on one Redis. It is safe for concurrent use, and needs no
// closing: beyond names and scripts it holds only the additions under way.
type Queue struct {
	client  rueidis.Client
	cfg     Config
	keys    keys
	scripts scripts
	opts    string // of every job's hash
	adding  adder
	left    atomic.Int64 // ids of jobs that we removed while they waited
}

// New names a queue; it does not talk to Redis. cluster says that client is
// one of a Redis Cluster.
func New(client rueidis.Client, cfg Config, cluster bool) (*Queue, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	q := &Queue{
		client: client, cfg: cfg, opts: cfg.opts(),
		keys: newKeys(cfg.Prefix, cfg.Name, cluster), scripts: loadScripts(),
	}
	q.adding.add = q.add
	return q, nil
}

// Ping reports whether Redis answers.
func (q *Queue) Ping(ctx context.Context) error {
	return q.client.Do(ctx, q.client.B().Ping().Build()).Error()
}

// Pause stops every pool from taking jobs; work under way goes on.
func (q *Queue) Pause(ctx context.Context) error { return q.pause(ctx, true) }

// Resume ends a pause. Every pool takes jobs again within a second.
func (q *Queue) Resume(ctx context.Context) error {
	if err := q.pause(ctx, false); err != nil {
		return err
	}
	return q.tell(ctx, msgResume)
}

func (q *Queue) pause(ctx context.Context, on bool) error {
	err := q.scripts.pause.Exec(ctx, q.client, []string{q.keys.meta, q.keys.events}, []string{flag(on)}).Error()
	if err != nil {
		return fmt.Errorf("queue: pause or resume: %w", err)
	}
	return nil
}
