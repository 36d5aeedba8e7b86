package queue

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// blockTime is how long an idle pool's BLMOVE waits at the server, in seconds;
// it bounds how long a pool takes to notice that it should stop.
const blockTime = 1

// pausePoll is how often a paused pool looks whether it was resumed, should
// the message get lost.
const pausePoll = 500 * time.Millisecond

// fetch is the loop that takes jobs, until ctx ends. Taking never takes more
// than there are free slots.
func (p *Pool) fetch(ctx, life, work context.Context) {
	for failures := 0; ; {
		free := p.acquire(ctx)
		if free == 0 {
			return
		}
		jobs, err := p.take(ctx, life, free)
		for range free - len(jobs) {
			<-p.slots
		}
		for _, job := range jobs {
			p.start(life, work, job)
		}
		if err == nil {
			failures = 0
			continue
		}
		failures++
		p.report("take jobs", err)
		if !sleep(ctx, reconnectDelay(failures)) {
			return
		}
	}
}

// acquire waits for a free slot and takes all there are; 0 when ctx ended.
func (p *Pool) acquire(ctx context.Context) int {
	select {
	case <-ctx.Done():
	case p.slots <- struct{}{}:
	}
	if ctx.Err() != nil { // perhaps with a slot that is of no use any more
		return 0
	}
	for n := 1; ; n++ {
		select {
		case p.slots <- struct{}{}:
		default:
			return n
		}
	}
}

// take returns up to n jobs, or none when there were none for a while. It
// first tries without waiting, then waits for one; only an idle pool waits.
func (p *Pool) take(ctx, life context.Context, n int) ([]*Job, error) {
	jobs, paused, err := p.claim(ctx, life, n, "")
	if err != nil || len(jobs) > 0 {
		return jobs, err
	}
	if paused {
		select {
		case <-ctx.Done():
		case <-p.resumed:
		case <-time.After(pausePoll):
		}
		return nil, nil
	}
	moved, err := p.block(life)
	if err != nil || moved == "" {
		return nil, err
	}
	jobs, _, err = p.claim(ctx, life, n, moved)
	return jobs, err
}

// block waits for one id and moves it to active; "" when there was none. The
// server ends the wait. The deadline here only notices a connection that died
// without a word; an id that it may leave in active is the sweeper's.
func (p *Pool) block(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, blockTime*time.Second+stepTimeout)
	defer cancel()
	id, err := p.q.client.Do(ctx, p.q.client.B().Blmove().Source(p.q.keys.waiting).Destination(p.q.keys.active).
		Right().Left().Timeout(blockTime).Build()).ToString()
	if rueidis.IsRedisNil(err) {
		return "", nil
	}
	return id, err
}

// claim takes up to n jobs with leases, moved among them, and begins their
// attempts. Jobs that it cannot begin before the pool has to stop are left to
// the end of their leases.
func (p *Pool) claim(stop, life context.Context, n int, moved string) (jobs []*Job, paused bool, err error) {
	token := p.id + ":" + strconv.FormatUint(p.claims.Add(1), 36)
	ctx, cancel := context.WithTimeout(life, stepTimeout)
	defer cancel()
	k := p.q.keys
	answer, err := p.q.scripts.claim.Exec(ctx, p.q.client,
		[]string{k.waiting, k.active, k.leases, k.owners, k.meta},
		[]string{strconv.Itoa(n), millis(p.q.cfg.Lease), token, moved}).ToArray()
	if err != nil {
		return nil, false, fmt.Errorf("claim: %w", err)
	}
	flag, err := answer[0].AsInt64()
	if err != nil {
		return nil, false, fmt.Errorf("claim: %w", err)
	}
	ids := make([]string, 0, len(answer)-1)
	for _, m := range answer[1:] {
		id, err := m.ToString()
		if err != nil {
			return nil, false, fmt.Errorf("claim: %w", err)
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, flag == 1, nil
	}
	err = p.persistUntil(stop, life, "begin jobs", func(ctx context.Context) (err error) {
		jobs, err = p.begin(ctx, token, ids)
		return err
	})
	return jobs, flag == 1, err
}

// begin reads the jobs just claimed. Those that turned out not to be there are
// left out.
func (p *Pool) begin(ctx context.Context, token string, ids []string) ([]*Job, error) {
	k := p.q.keys
	answers, err := p.q.scripts.begin.Exec(ctx, p.q.client,
		k.jobs([]string{k.active, k.leases, k.owners, k.delayed, k.completed, k.failed, k.meta, k.events}, ids...),
		append([]string{token}, ids...)).ToArray()
	if err != nil {
		return nil, err
	}
	jobs := make([]*Job, 0, len(ids))
	for i, a := range answers {
		fields, err := a.AsStrMap()
		if err != nil {
			return nil, err
		}
		if len(fields) == 0 {
			continue
		}
		info := parseInfo(ids[i], Active, fields)
		jobs = append(jobs, &Job{
			ID: info.ID, Name: info.Name, Data: []byte(fields["data"]),
			Attempt: info.AttemptsMade + 1, MaxAttempts: p.q.cfg.MaxAttempts, Stalls: info.Stalls,
			token: token, pool: p,
		})
	}
	return jobs, nil
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
