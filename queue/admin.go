package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// Retry makes a failed job wait again, with fresh attempts. A job in another
// state is a *StateError, and ErrBroken says that its key holds no job.
func (q *Queue) Retry(ctx context.Context, id string) error {
	n, err := q.scripts.requeue.Exec(ctx, q.client, []string{q.keys.waiting, q.keys.urgent, q.keys.solo,
		q.keys.failed, q.keys.completed, q.keys.events, q.keys.job(id)}, []string{id}).AsInt64()
	return q.moved(ctx, id, "be retried", n, err)
}

// Promote makes a delayed job wait now. A job in another state is a *StateError.
func (q *Queue) Promote(ctx context.Context, id string) error {
	n, err := q.promote(ctx, "+inf", id)
	return q.moved(ctx, id, "be promoted", append(n, 0)[0], err)
}

// moved makes an error of what a script said about one job: 1 moved, 0 in
// another state, -1 no such job, -2 something else.
func (q *Queue) moved(ctx context.Context, id, action string, n int64, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("queue: job %s cannot %s: %w", id, action, err)
	case n == -1:
		return fmt.Errorf("%w: %s", ErrNoJob, id)
	case n == -2:
		return fmt.Errorf("%w: %s", ErrBroken, id)
	case n == 0:
		return q.refuse(ctx, id, action)
	}
	return nil
}

// refuse tells why a job could not do what was asked.
func (q *Queue) refuse(ctx context.Context, id, action string) error {
	info, err := q.Job(ctx, id)
	if err != nil {
		return err
	}
	return &StateError{ID: id, State: info.State, Action: action}
}

// Remove removes a job that is not in work; one that is, is a *StateError.
func (q *Queue) Remove(ctx context.Context, id string) error {
	n, err := q.remove(ctx, false, id)
	if err != nil {
		return err
	}
	switch n[0] {
	case -1:
		return fmt.Errorf("%w: %s", ErrNoJob, id)
	case 0:
		return &StateError{ID: id, State: Active, Action: "be removed"}
	}
	return nil
}

// Cancel removes a job in whatever state it is. If a worker has it, its
// context ends with ErrLeaseLost, at once or, should the message be lost, at
// the next renewal of its lease. No job is no error.
func (q *Queue) Cancel(ctx context.Context, id string) error {
	n, err := q.remove(ctx, true, id)
	if err != nil {
		return err
	}
	if n[0] == 2 {
		return q.tell(ctx, msgCancel)
	}
	return nil
}

func (q *Queue) remove(ctx context.Context, force bool, ids ...string) ([]int64, error) {
	args := append([]string{"0"}, ids...)
	if force {
		args[0] = "1"
	}
	keys := []string{q.keys.active, q.keys.leases, q.keys.owners, q.keys.delayed,
		q.keys.completed, q.keys.failed, q.keys.meta, q.keys.events}
	n, err := q.scripts.remove.Exec(ctx, q.client, q.keys.jobs(keys, ids...), args).AsIntSlice()
	if err != nil {
		return nil, fmt.Errorf("queue: remove: %w", err)
	}
	for _, what := range n {
		if what == 3 && q.left.Add(1)%compactBite == 0 {
			_ = q.compact(ctx, compactSome) // if not now, with the next, or by a pool
		}
	}
	return n, nil
}

// Clean removes jobs of a state that came into it longer ago than olderThan
// (waiting and delayed ones: that were added so long ago), up to limit of them,
// and returns their ids. Of unknown age is one that is broken: it goes when
// olderThan is 0. Active jobs are refused with a *StateError.
func (q *Queue) Clean(ctx context.Context, state State, olderThan time.Duration, limit int) ([]string, error) {
	b := q.client.B()
	var key string
	switch state {
	case Completed:
		key = q.keys.completed
	case Failed:
		key = q.keys.failed
	case Delayed, Waiting, Paused:
		return q.cleanListed(ctx, state, olderThan, limit)
	default:
		return nil, &StateError{State: state, Action: "be cleaned"}
	}
	now, err := q.now(ctx)
	if err != nil {
		return nil, err
	}
	before := strconv.FormatInt(now.Add(-olderThan).UnixMilli(), 10)
	ids, err := q.client.Do(ctx, b.Zrangebyscore().Key(key).Min("-inf").Max(before).Limit(0, int64(limit)).Build()).AsStrSlice()
	if err != nil {
		return nil, fmt.Errorf("queue: clean %s: %w", state, err)
	}
	return q.removeAll(ctx, ids)
}

// cleanListed cleans the states whose order is not the one of age.
func (q *Queue) cleanListed(ctx context.Context, state State, olderThan time.Duration, limit int) ([]string, error) {
	now, err := q.now(ctx)
	if err != nil {
		return nil, err
	}
	page := func(ctx context.Context, skip, n int) ([]string, error) {
		return q.nextIDs(ctx, q.keys.lists(), skip, n)
	}
	if state == Delayed {
		page = func(ctx context.Context, skip, n int) ([]string, error) {
			return q.client.Do(ctx, q.client.B().Zrange().Key(q.keys.delayed).
				Min(strconv.Itoa(skip)).Max(strconv.Itoa(skip+n-1)).Build()).AsStrSlice()
		}
	} else if paused, err := q.paused(ctx); err != nil || paused != (state == Paused) {
		return nil, err
	}
	var old []string
	for skip := 0; len(old) < limit; skip += addBatch {
		ids, err := page(ctx, skip, addBatch)
		if err != nil {
			return nil, fmt.Errorf("queue: clean %s: %w", state, err)
		}
		cmds := make(rueidis.Commands, 0, 2*len(ids))
		for _, id := range ids {
			cmds = append(cmds, q.client.B().Exists().Key(q.keys.job(id)).Build(),
				q.client.B().Hget().Key(q.keys.job(id)).Field("timestamp").Build())
		}
		answers := q.client.DoMulti(ctx, cmds...)
		for i, id := range ids {
			there, err := answers[2*i].AsBool()
			added, known, unread := addedAt(answers[2*i+1])
			if err := errors.Join(err, unread); err != nil {
				return nil, fmt.Errorf("queue: clean %s: %w", state, err)
			}
			if there && len(old) < limit && (olderThan <= 0 || known && age(now, added) >= olderThan) {
				old = append(old, id)
			}
		}
		if len(ids) < addBatch {
			break
		}
	}
	return q.removeAll(ctx, old)
}

// removeAll removes jobs in bounded steps, leaving those in work.
func (q *Queue) removeAll(ctx context.Context, ids []string) (removed []string, err error) {
	for len(ids) > 0 {
		batch := ids[:min(len(ids), addBatch)]
		ids = ids[len(batch):]
		n, err := q.remove(ctx, false, batch...)
		if err != nil {
			return removed, err
		}
		for i, id := range batch {
			if n[i] > 0 {
				removed = append(removed, id)
			}
		}
	}
	return removed, nil
}

// now is the server's time.
func (q *Queue) now(ctx context.Context) (time.Time, error) {
	t, err := q.client.Do(ctx, q.client.B().Time().Build()).AsIntSlice()
	if err != nil || len(t) != 2 {
		return time.Time{}, fmt.Errorf("queue: read the server's time: %w", err)
	}
	return time.Unix(t[0], t[1]*1000), nil
}
