package queue

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"

	"github.com/redis/rueidis"
)

// Held knows which ids the lists of a queue held a moment ago. It takes 8 bytes
// an id: it keeps fingerprints, and takes one id in 10^13 for another when there
// are a million.
type Held struct {
	q     *Queue
	seed  maphash.Seed
	marks []uint64 // sorted
}

// heldPage is how many ids one exchange reads.
const heldPage = 1000

// Held reads the ids of jobs that wait, are delayed or in work, and on request
// those of finished ones too, in small steps. What is on its way from one list
// to another may slip through.
func (q *Queue) Held(ctx context.Context, finished bool) (*Held, error) {
	h := &Held{q: q, seed: maphash.MakeSeed()}
	b := q.client.B()
	// Jobs go from delayed to waiting to active: in this order none passes by
	// unseen. Lists are read from the left, since they are taken from the right.
	list := func(key string, at int64) rueidis.Completed {
		return b.Lrange().Key(key).Start(at).Stop(at + heldPage - 1).Build()
	}
	zset := func(key string, at int64) rueidis.Completed {
		return b.Zrange().Key(key).Min(strconv.FormatInt(at, 10)).Max(strconv.FormatInt(at+heldPage-1, 10)).Build()
	}
	sources := []struct {
		key  string
		page func(key string, at int64) rueidis.Completed
	}{{q.keys.delayed, zset}, {q.keys.waiting, list}, {q.keys.urgent, list}, {q.keys.solo, list}, {q.keys.active, list},
		{q.keys.failed, zset}, {q.keys.completed, zset}}
	if !finished {
		sources = sources[:5]
	}
	for _, s := range sources {
		for at := int64(0); ; at += heldPage {
			ids, err := q.client.Do(ctx, s.page(s.key, at)).AsStrSlice()
			if err != nil {
				return nil, fmt.Errorf("queue: read %s: %w", s.key, err)
			}
			for _, id := range ids {
				h.marks = append(h.marks, maphash.String(h.seed, id))
			}
			if len(ids) < heldPage {
				break
			}
		}
	}
	slices.Sort(h.marks)
	return h, nil
}

// Has reports whether a list held id.
func (h *Held) Has(id string) bool {
	_, found := slices.BinarySearch(h.marks, maphash.String(h.seed, id))
	return found
}

// Lost returns those of ids that have no job now, or a job that no list held
// then and that is neither delayed nor in work now.
func (h *Held) Lost(ctx context.Context, ids []string) ([]string, error) {
	b, k := h.q.client.B(), h.q.keys
	cmds := make(rueidis.Commands, 0, 3*len(ids))
	for _, id := range ids {
		cmds = append(cmds,
			b.Exists().Key(k.job(id)).Build(),
			b.Zscore().Key(k.leases).Member(id).Build(),
			b.Zscore().Key(k.delayed).Member(id).Build())
	}
	if len(cmds) == 0 {
		return nil, nil
	}
	answers := h.q.client.DoMulti(ctx, cmds...)
	for _, a := range answers {
		if err := a.Error(); err != nil && !rueidis.IsRedisNil(err) {
			return nil, fmt.Errorf("queue: look for lost jobs: %w", err)
		}
	}
	var lost []string
	for i, id := range ids {
		exists, _ := answers[3*i].AsBool()
		leased, delayed := answers[3*i+1].Error() == nil, answers[3*i+2].Error() == nil
		if !exists || !leased && !delayed && !h.Has(id) {
			lost = append(lost, id)
		}
	}
	return lost, nil
}

// Restore puts those of the jobs back to wait that no list holds, and returns
// how many. Should one be far back in a long list, it gets there a second time,
// and is passed over when its turn comes again.
func (q *Queue) Restore(ctx context.Context, ids ...string) (restored int, err error) {
	k := q.keys
	for len(ids) > 0 {
		batch := ids[:min(len(ids), addBatch)]
		ids = ids[len(batch):]
		answers, err := q.scripts.restore.Exec(ctx, q.client,
			k.jobs([]string{k.waiting, k.urgent, k.solo, k.active, k.delayed, k.failed, k.completed, k.events}, batch...),
			batch).AsIntSlice()
		if err != nil {
			return restored, fmt.Errorf("queue: restore jobs: %w", err)
		}
		for _, n := range answers {
			if n == 1 {
				restored++
			}
		}
	}
	return restored, nil
}
