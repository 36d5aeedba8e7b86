package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// Stats counts the jobs by state, at one moment and at a cost that does not
// depend on their number.
func (q *Queue) Stats(ctx context.Context) (Stats, error) {
	n, err := q.scripts.stats.Exec(ctx, q.client,
		[]string{q.keys.waiting, q.keys.urgent, q.keys.solo, q.keys.active, q.keys.delayed, q.keys.completed, q.keys.failed, q.keys.meta}, nil).AsIntSlice()
	if err != nil {
		return Stats{}, fmt.Errorf("queue: stats: %w", err)
	}
	s := Stats{
		Waiting: n[0], Active: n[1], Delayed: n[2], Completed: n[3], Failed: n[4],
		CompletedTotal: n[6], FailedTotal: n[7],
	}
	if n[5] == 1 {
		s.Waiting, s.Paused = 0, s.Waiting
	}
	return s, nil
}

// MaxPage is how many jobs one call of Jobs returns at most.
const MaxPage = 50

// Jobs lists the jobs of a state from the start-th to the end-th, both counted
// from 0 and included, and never more than MaxPage. Jobs to come are listed in
// the order in which they come, finished ones latest first.
func (q *Queue) Jobs(ctx context.Context, state State, start, end int) ([]Info, error) {
	end = min(end, start+MaxPage-1)
	if start < 0 || end < start {
		return []Info{}, nil
	}
	b, lo, hi := q.client.B(), int64(start), int64(end)
	var cmd rueidis.Completed
	switch state {
	case Waiting, Paused:
		paused, err := q.paused(ctx)
		if err != nil || paused != (state == Paused) {
			return []Info{}, err
		}
		ids, err := q.waitingIDs(ctx, q.keys.lists(), start, end-start+1)
		if err != nil {
			return nil, err
		}
		return q.read(ctx, state, ids)
	case Active:
		cmd = b.Lrange().Key(q.keys.active).Start(lo).Stop(hi).Build()
	case Delayed:
		cmd = b.Zrange().Key(q.keys.delayed).Min(strconv.Itoa(start)).Max(strconv.Itoa(end)).Build()
	case Completed:
		cmd = b.Zrange().Key(q.keys.completed).Min(strconv.Itoa(start)).Max(strconv.Itoa(end)).Rev().Build()
	case Failed:
		cmd = b.Zrange().Key(q.keys.failed).Min(strconv.Itoa(start)).Max(strconv.Itoa(end)).Rev().Build()
	default:
		return nil, fmt.Errorf("queue: %q is not a state", state)
	}
	ids, err := q.client.Do(ctx, cmd).AsStrSlice()
	if err != nil {
		return nil, fmt.Errorf("queue: list %s: %w", state, err)
	}
	return q.read(ctx, state, ids)
}

// FailedIDs returns up to n ids of failed jobs after the first skip, latest
// first. Unlike Jobs it names those too whose job is gone.
func (q *Queue) FailedIDs(ctx context.Context, skip, n int) ([]string, error) {
	ids, err := q.client.Do(ctx, q.client.B().Zrange().Key(q.keys.failed).
		Min(strconv.Itoa(skip)).Max(strconv.Itoa(skip+n-1)).Rev().Build()).AsStrSlice()
	if err != nil {
		return nil, fmt.Errorf("queue: list failed: %w", err)
	}
	return ids, nil
}

// waitingIDs returns the ids of up to n jobs of lists after the first skip, next
// to be taken first. Where none were removed while they waited, that is one
// look; else ids without a job are passed over from the start of the lists, where
// compact leaves few.
func (q *Queue) waitingIDs(ctx context.Context, lists []string, skip, n int) ([]string, error) {
	removed, err := q.anyRemoved(ctx)
	if err != nil {
		return nil, err
	}
	if !removed {
		return q.nextIDs(ctx, lists, skip, n)
	}
	const most = 500
	var live []string
	for at, page := 0, min(skip+n, most); len(live) < skip+n; at, page = at+page, min(2*page, most) {
		ids, err := q.nextIDs(ctx, lists, at, page)
		if err != nil {
			return nil, err
		}
		there, err := q.exist(ctx, ids)
		if err != nil {
			return nil, err
		}
		for i, id := range ids {
			if there[i] {
				live = append(live, id)
			}
		}
		if len(ids) < page {
			break
		}
	}
	return live[min(skip, len(live)):min(skip+n, len(live))], nil
}

// nextIDs returns n ids of lists after the first skip, of each list from its right
// end, which is taken first.
func (q *Queue) nextIDs(ctx context.Context, lists []string, skip, n int) ([]string, error) {
	b := q.client.B()
	lengths := make(rueidis.Commands, len(lists))
	for i, list := range lists {
		lengths[i] = b.Llen().Key(list).Build()
	}
	var next []string
	for i, answer := range q.client.DoMulti(ctx, lengths...) {
		length, err := answer.AsInt64()
		if err != nil {
			return nil, fmt.Errorf("queue: list waiting: %w", err)
		}
		if m := min(n-len(next), int(length)-skip); m > 0 {
			ids, err := q.client.Do(ctx, b.Lrange().Key(lists[i]).Start(int64(-skip-m)).Stop(int64(-skip-1)).Build()).AsStrSlice()
			if err != nil {
				return nil, fmt.Errorf("queue: list waiting: %w", err)
			}
			slices.Reverse(ids)
			next = append(next, ids...)
		}
		skip = max(0, skip-int(length))
	}
	return next, nil
}

// read reads the hashes of jobs, leaving out those that are gone. A broken one is
// shown for what can be read of it.
func (q *Queue) read(ctx context.Context, state State, ids []string) ([]Info, error) {
	cmds := make(rueidis.Commands, 0, 2*len(ids))
	for _, id := range ids {
		cmds = append(cmds,
			q.client.B().Hgetall().Key(q.keys.job(id)).Build(),
			q.client.B().Zscore().Key(q.keys.delayed).Member(id).Build())
	}
	out := make([]Info, 0, len(ids))
	answers := q.client.DoMulti(ctx, cmds...)
	for i, id := range ids {
		info, err := q.info(ctx, id, state, answers[2*i])
		if errors.Is(err, ErrNoJob) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if due, err := answers[2*i+1].AsFloat64(); err == nil {
			info.DueAt = int64(due)
		}
		out = append(out, info)
	}
	return out, nil
}

// Job returns one job. ErrNoJob: there is none.
func (q *Queue) Job(ctx context.Context, id string) (Info, error) {
	b := q.client.B()
	answers := q.client.DoMulti(ctx,
		b.Hgetall().Key(q.keys.job(id)).Build(),
		b.Zscore().Key(q.keys.leases).Member(id).Build(),
		b.Zscore().Key(q.keys.delayed).Member(id).Build(),
		b.Zscore().Key(q.keys.completed).Member(id).Build(),
		b.Zscore().Key(q.keys.failed).Member(id).Build(),
		b.Hexists().Key(q.keys.meta).Field("paused").Build())
	state := Waiting
	if paused, _ := answers[5].AsBool(); paused {
		state = Paused
	}
	info, err := q.info(ctx, id, state, answers[0])
	if err != nil {
		return Info{}, err
	}
	for i, st := range []State{Active, Delayed, Completed, Failed} {
		score, err := answers[i+1].AsFloat64()
		if err == nil {
			info.State = st
			if st == Delayed {
				info.DueAt = int64(score)
			}
		} else if !rueidis.IsRedisNil(err) {
			return Info{}, fmt.Errorf("queue: read job %s: %w", id, err)
		}
	}
	return info, nil
}

// Oldest is how long ago the oldest of those jobs was added that are next of their
// list; 0 if none waits. In a list they are in order but for those that came back.
func (q *Queue) Oldest(ctx context.Context) (time.Duration, error) {
	oldest := int64(math.MaxInt64)
	for _, list := range q.keys.lists() {
		const few = 10 // the first may be taken and done this moment, or broken
		ids, err := q.waitingIDs(ctx, []string{list}, 0, few)
		if err != nil {
			return 0, err
		}
		cmds := make(rueidis.Commands, len(ids))
		for i, id := range ids {
			cmds[i] = q.client.B().Hget().Key(q.keys.job(id)).Field("timestamp").Build()
		}
		for i, answer := range q.client.DoMulti(ctx, cmds...) {
			added, known, err := addedAt(answer)
			if err != nil {
				return 0, fmt.Errorf("queue: read job %s: %w", ids[i], err)
			}
			if known {
				oldest = min(oldest, added)
				break
			}
		}
	}
	if oldest == math.MaxInt64 {
		return 0, nil
	}
	now, err := q.now(ctx)
	return max(0, age(now, oldest)), err
}

func (q *Queue) paused(ctx context.Context) (bool, error) {
	p, err := q.client.Do(ctx, q.client.B().Hexists().Key(q.keys.meta).Field("paused").Build()).AsBool()
	if err != nil {
		return false, fmt.Errorf("queue: read paused: %w", err)
	}
	return p, nil
}
