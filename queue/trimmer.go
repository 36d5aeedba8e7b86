package queue

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// trimEvery is how often finished jobs are looked through for those that are
// too old.
const trimEvery = 10 * time.Second

// trimmer is the loop that removes finished jobs beyond those to be kept, after
// jobs ended and now and then, until ctx ends.
func (p *Pool) trimmer(ctx context.Context) {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	for {
		p.trim(ctx, p.q.keys.completed, p.q.cfg.KeepCompleted)
		p.trim(ctx, p.q.keys.failed, p.q.cfg.KeepFailed)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-p.trims:
		}
	}
}

// trim removes the jobs of one list that are beyond keep, in bounded steps.
func (p *Pool) trim(ctx context.Context, key string, keep Keep) {
	if keep == KeepAll || keep.none() {
		return
	}
	for {
		removed, err := p.trimSome(ctx, key, keep)
		if err != nil {
			p.report("remove finished jobs", err)
		}
		if removed == 0 || err != nil {
			return
		}
	}
}

// trimSome removes the oldest jobs that are beyond keep, and returns how many.
func (p *Pool) trimSome(ctx context.Context, key string, keep Keep) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	now, err := p.q.now(ctx)
	if err != nil {
		return 0, err
	}
	// From the oldest on, as many as are too many; then what is too old.
	b, excess := p.q.client.B(), int64(0)
	if keep.Count != All {
		n, err := p.q.client.Do(ctx, b.Zcard().Key(key).Build()).AsInt64()
		if err != nil {
			return 0, fmt.Errorf("queue: count finished jobs: %w", err)
		}
		excess = n - int64(keep.Count)
	}
	oldest, err := p.q.client.Do(ctx, b.Zrange().Key(key).Min("0").Max(strconv.Itoa(addBatch-1)).Withscores().Build()).AsZScores()
	if err != nil {
		return 0, fmt.Errorf("queue: read finished jobs: %w", err)
	}
	var ids []string
	for i, job := range oldest {
		if int64(i) < excess || keep.Age > 0 && age(now, int64(job.Score)) > keep.Age {
			ids = append(ids, job.Member)
		}
	}
	removed, err := p.q.removeAll(ctx, ids)
	return len(removed), err
}
