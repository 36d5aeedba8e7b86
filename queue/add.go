package queue

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// addBatch bounds how many jobs one script adds, so that it never holds up
// Redis for long.
const addBatch = 500

// What the add script says of one job.
const (
	added  = 1
	noRoom = -1 // 0: it was there before
)

// Add adds jobs and returns how many were not there before. For up to 500 jobs
// it is one step, and it may be repeated. ErrFull says that MaxWaiting left no
// room for some; the others were added. ErrNoMemory: Redis is full. ErrInvalidID:
// none was added, for one has an id that no job may have, see CheckID.
//
// A single job goes to Redis together with others that are added at the same
// time, and waits for none.
func (q *Queue) Add(ctx context.Context, specs ...Spec) (fresh int, err error) {
	for _, s := range specs {
		if err := CheckID(s.ID); err != nil {
			return 0, fmt.Errorf("queue: add: %w", err)
		}
	}
	full := false
	for len(specs) > 0 {
		batch := specs[:min(len(specs), addBatch)]
		specs = specs[len(batch):]
		answers, err := q.send(ctx, batch)
		if err != nil {
			// Before Redis 7 a script's error is in the middle of the text.
			if strings.Contains(err.Error(), "OOM command not allowed") {
				err = fmt.Errorf("%w: %w", ErrNoMemory, err)
			}
			return fresh, fmt.Errorf("queue: add: %w", err)
		}
		for _, n := range answers {
			switch n {
			case added:
				fresh++
			case noRoom:
				full = true
			}
		}
	}
	if full {
		return fresh, fmt.Errorf("%w: %d jobs are waiting", ErrFull, q.cfg.MaxWaiting)
	}
	return fresh, nil
}

// send adds a batch, and returns what the script says of each job.
func (q *Queue) send(ctx context.Context, batch []Spec) ([]int64, error) {
	if len(batch) > 1 {
		return q.add(ctx, batch)
	}
	n, err := q.adding.join(ctx, batch[0])
	return []int64{n}, err
}

// add is one exchange with Redis.
func (q *Queue) add(ctx context.Context, specs []Spec) ([]int64, error) {
	const perJob = 8
	keys := make([]string, 0, 9+len(specs))
	keys = append(keys, q.keys.waiting, q.keys.urgent, q.keys.solo, q.keys.delayed, q.keys.meta, q.keys.id, q.keys.events,
		q.keys.completed, q.keys.failed)
	args := make([]string, 0, 3+perJob*len(specs))
	args = append(args, q.opts, strconv.Itoa(q.cfg.MaxWaiting), strconv.Itoa(q.cfg.MaxStalls))
	for _, s := range specs {
		priority := ""
		if s.Urgent {
			priority = urgent
		}
		keys = append(keys, q.keys.job(s.ID))
		args = append(args, s.ID, s.Name, rueidis.BinaryString(s.Data), millis(s.Delay),
			strconv.Itoa(s.Attempts), strconv.Itoa(s.Stalls), priority, flag(!s.Accepted))
	}
	return q.scripts.add.Exec(ctx, q.client, keys, args).AsIntSlice()
}

// Room returns ErrFull while as many jobs wait as may. Without MaxWaiting it
// asks nobody.
func (q *Queue) Room(ctx context.Context) error {
	if q.cfg.MaxWaiting == 0 {
		return nil
	}
	s, err := q.Stats(ctx)
	if err != nil {
		return err
	}
	if s.Waiting+s.Paused+s.Delayed >= int64(q.cfg.MaxWaiting) {
		return fmt.Errorf("%w: %d jobs are waiting", ErrFull, q.cfg.MaxWaiting)
	}
	return nil
}
