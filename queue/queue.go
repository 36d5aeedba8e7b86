package queue

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/rueidis"
)

// Queue is one queue on one Redis. It holds no state of its own beyond names
// and scripts, and is safe for concurrent use.
type Queue struct {
	client  rueidis.Client
	cfg     Config
	keys    keys
	scripts scripts
}

// New names a queue; it does not talk to Redis. cluster says that client is
// one of a Redis Cluster.
func New(client rueidis.Client, cfg Config, cluster bool) (*Queue, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Queue{client: client, cfg: cfg, keys: newKeys(cfg.Prefix, cfg.Name, cluster), scripts: loadScripts()}, nil
}

// Ping reports whether Redis answers.
func (q *Queue) Ping(ctx context.Context) error {
	return q.client.Do(ctx, q.client.B().Ping().Build()).Error()
}

// addBatch bounds how many jobs one script adds, so that it never holds up
// Redis for long.
const addBatch = 500

// Add adds jobs and returns how many were not there before. It is all or
// nothing for up to 500 jobs, and may be repeated.
func (q *Queue) Add(ctx context.Context, specs ...Spec) (added int, err error) {
	opts := q.cfg.opts()
	for len(specs) > 0 {
		batch := specs[:min(len(specs), addBatch)]
		specs = specs[len(batch):]
		keys := []string{q.keys.waiting, q.keys.delayed, q.keys.meta, q.keys.id, q.keys.events}
		args := make([]string, 0, 7*len(batch))
		for _, s := range batch {
			if s.ID == "" {
				return added, fmt.Errorf("queue: add: a job needs an id")
			}
			keys = append(keys, q.keys.job(s.ID))
			args = append(args, s.ID, s.Name, rueidis.BinaryString(s.Data), opts,
				strconv.FormatInt(s.Delay.Milliseconds(), 10), strconv.Itoa(s.Attempts), strconv.Itoa(s.Stalls))
		}
		fresh, err := q.scripts.add.Exec(ctx, q.client, keys, args).AsIntSlice()
		if err != nil {
			return added, fmt.Errorf("queue: add: %w", err)
		}
		for _, n := range fresh {
			added += int(n)
		}
	}
	return added, nil
}

// Pause stops every pool from taking jobs; work under way goes on.
func (q *Queue) Pause(ctx context.Context) error {
	err := q.client.Do(ctx, q.client.B().Hset().Key(q.keys.meta).FieldValue().FieldValue("paused", "1").Build()).Error()
	if err != nil {
		return fmt.Errorf("queue: pause: %w", err)
	}
	return nil
}

// Resume ends a pause. Every pool takes jobs again within a second.
func (q *Queue) Resume(ctx context.Context) error {
	err := q.client.Do(ctx, q.client.B().Hdel().Key(q.keys.meta).Field("paused").Build()).Error()
	if err != nil {
		return fmt.Errorf("queue: resume: %w", err)
	}
	return q.tell(ctx, msgResume)
}
