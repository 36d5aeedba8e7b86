package queue

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// A job that is removed while it waits leaves its id in its list, where looking for
// it would cost the list's length. Such ids are passed over when their turn comes;
// but many of them at the end that is taken next would be in everybody's way who
// takes or lists jobs. They are dropped for all, in steps of bounded size.

const (
	compactBite  = 1000            // ids that one step looks at
	compactEvery = 5 * time.Second // how often a pool looks
	compactSome  = 4               // steps that a caller who removed jobs does
)

// compactor is the loop that drops the ids of removed jobs, at its start, after some
// came up and now and then, until ctx ends.
func (p *Pool) compactor(ctx context.Context) {
	tick := time.NewTicker(compactEvery)
	defer tick.Stop()
	for {
		if err := p.q.compact(ctx, -1); err != nil {
			p.report("drop removed jobs", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-p.gone:
		}
	}
}

// compact drops ids of removed jobs from the ends of the lists, in so many steps at
// most; -1: any number. It stops where most ids have a job.
func (q *Queue) compact(ctx context.Context, steps int) error {
	for _, list := range q.keys.lists() {
		for ; steps != 0; steps-- {
			some, err := q.anyRemoved(ctx)
			if err != nil || !some {
				return err
			}
			dropped, err := q.compactSome(ctx, list)
			if err != nil {
				return err
			}
			if dropped < compactBite/2 {
				break
			}
		}
	}
	return nil
}

// compactSome looks at the end of one list, and returns how many ids it dropped.
func (q *Queue) compactSome(ctx context.Context, list string) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	ids, err := q.nextIDs(ctx, []string{list}, 0, compactBite)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	there, err := q.exist(ctx, ids)
	if err != nil {
		return 0, err
	}
	keys, args := []string{list, q.keys.meta}, []string{""}
	for i, id := range ids {
		if !there[i] {
			keys, args = append(keys, q.keys.job(id)), append(args, id)
			args[0] = strconv.Itoa(i + 1) // as deep as the last of them
		}
	}
	if len(args) == 1 {
		return 0, nil
	}
	dropped, err := q.scripts.compact.Exec(ctx, q.client, keys, args).AsInt64()
	if err != nil {
		return 0, fmt.Errorf("queue: drop removed jobs: %w", err)
	}
	return dropped, nil
}

// anyRemoved reports whether a list may have ids of jobs that were removed.
func (q *Queue) anyRemoved(ctx context.Context) (bool, error) {
	n, err := q.client.Do(ctx, q.client.B().Hget().Key(q.keys.meta).Field("removed").Build()).ToString()
	if err != nil && !rueidis.IsRedisNil(err) {
		return false, fmt.Errorf("queue: look for removed jobs: %w", err)
	}
	return err == nil && n != "0", nil
}

// exist reports of each id whether its key is there.
func (q *Queue) exist(ctx context.Context, ids []string) ([]bool, error) {
	cmds := make(rueidis.Commands, len(ids))
	for i, id := range ids {
		cmds[i] = q.client.B().Exists().Key(q.keys.job(id)).Build()
	}
	there := make([]bool, len(ids))
	for i, answer := range q.client.DoMulti(ctx, cmds...) {
		var err error
		if there[i], err = answer.AsBool(); err != nil {
			return nil, fmt.Errorf("queue: look for removed jobs: %w", err)
		}
	}
	return there, nil
}
