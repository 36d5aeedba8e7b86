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
// than there are free slots. What was taken is begun beside it, so that the
// next slots that come free do not wait for that.
func (p *Pool) fetch(ctx, life, work context.Context) {
	for failures := 0; ; {
		free := p.acquire(ctx)
		if free == 0 {
			return
		}
		c, err := p.take(ctx, life, free)
		p.release(free - len(c.ids))
		if len(c.ids) > 0 {
			p.running.Go(func() { p.begin(ctx, life, work, c) })
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

// release frees n slots.
func (p *Pool) release(n int) {
	for range n {
		<-p.slots
	}
}

// claimed are ids that were taken into work under one token.
type claimed struct {
	token string
	ids   []string
}

// take takes up to n ids, or none when there were none for a while. It first
// tries without waiting, then waits for one; only an idle pool waits.
func (p *Pool) take(ctx, life context.Context, n int) (claimed, error) {
	c, paused, err := p.claim(life, n, "")
	if err != nil || len(c.ids) > 0 {
		return c, err
	}
	if paused {
		select {
		case <-ctx.Done():
		case <-p.resumed:
		case <-time.After(pausePoll):
		}
		return claimed{}, nil
	}
	moved, err := p.block(life)
	if err != nil || moved == "" {
		return claimed{}, err
	}
	c, _, err = p.claim(life, n, moved)
	return c, err
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

// claim takes up to n ids with leases, moved among them.
func (p *Pool) claim(life context.Context, n int, moved string) (c claimed, paused bool, err error) {
	ctx, cancel := context.WithTimeout(life, stepTimeout)
	defer cancel()
	k := p.q.keys
	token := p.id + ":" + strconv.FormatUint(p.claims.Add(1), 36)
	answer, err := p.q.scripts.claim.Exec(ctx, p.q.client,
		[]string{k.waiting, k.urgent, k.active, k.leases, k.owners, k.meta},
		[]string{strconv.Itoa(n), millis(p.q.cfg.Lease), token, moved}).ToArray()
	if err != nil {
		return claimed{}, false, fmt.Errorf("claim: %w", err)
	}
	flag, err := answer[0].AsInt64()
	if err != nil {
		return claimed{}, false, fmt.Errorf("claim: %w", err)
	}
	ids, err := texts(answer[1:])
	if err != nil {
		return claimed{}, false, fmt.Errorf("claim: %w", err)
	}
	return claimed{token, ids}, flag == 1, nil
}

// begin reads the jobs just claimed and starts them. Those that turn out not
// to be there free their slots. Those that it cannot read before the pool has to
// stop are left to the end of their leases.
func (p *Pool) begin(stop, life, work context.Context, c claimed) {
	var jobs []*Job
	_ = p.persistUntil(stop, life, "begin jobs", func(ctx context.Context) (err error) {
		jobs, err = p.read(ctx, c)
		return err
	})
	p.release(len(c.ids) - len(jobs))
	for _, job := range jobs {
		p.start(life, work, job)
	}
}

// read reads the jobs just claimed and notes that their attempts begin.
func (p *Pool) read(ctx context.Context, c claimed) ([]*Job, error) {
	k := p.q.keys
	answers, err := p.q.scripts.begin.Exec(ctx, p.q.client,
		k.jobs([]string{k.active, k.leases, k.owners, k.delayed, k.completed, k.failed, k.meta, k.events}, c.ids...),
		append([]string{c.token}, c.ids...)).ToArray()
	if err != nil {
		return nil, err
	}
	at, err := answers[0].AsInt64()
	if err != nil {
		return nil, err
	}
	jobs := make([]*Job, 0, len(c.ids))
	for i, a := range answers[1:] {
		fields, err := a.ToArray()
		if err != nil {
			return nil, err
		}
		if len(fields) == 0 {
			continue
		}
		text := func(i int) string { s, _ := fields[i].ToString(); return s } // what is not there is ""
		num := func(i int) int64 { n, _ := fields[i].AsInt64(); return n }    // and 0
		job := &Job{
			ID: c.ids[i], Name: text(0), Data: []byte(text(1)),
			Attempt: int(num(2)) + 1, MaxAttempts: p.q.cfg.MaxAttempts, Stalls: int(num(3)),
			token: c.token, pool: p,
		}
		if job.Attempt == 1 && job.Stalls == 0 {
			p.hooks.started(max(0, time.Duration(at-num(4)-num(5))*time.Millisecond))
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// texts reads an answer's strings.
func texts(answers []rueidis.RedisMessage) ([]string, error) {
	out := make([]string, len(answers))
	for i := range answers {
		s, err := answers[i].ToString()
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
