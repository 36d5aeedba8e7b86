package queue

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"
)

// promoteBatch bounds how many delayed jobs one script moves.
const promoteBatch = 500

// promotePoll bounds how late a delayed job may be when another pool or a
// caller added it with an earlier time than all others.
const promotePoll = 500 * time.Millisecond

// promoter is the loop that makes delayed jobs wait when they are due, on a
// timer of its own, until ctx ends. On the way it notices when Redis is no
// longer the one it was, for then the epoch in meta has changed, and when it is
// back after it was away: a replica that took over has the epoch, but perhaps
// not the last of what its master acknowledged.
func (p *Pool) promoter(ctx context.Context) {
	known, away := "", false
	for wait := time.Duration(0); sleep(ctx, wait); {
		d, err := p.promote(ctx)
		if err != nil {
			p.report("promote", err)
			wait, away = promotePoll, true
			continue
		}
		wait = min(max(d.next, 5*time.Millisecond), promotePoll)
		if known != "" && d.epoch != known {
			p.hooks.lost()
		}
		if away {
			p.hooks.back()
		}
		known, away = d.epoch, false
	}
}

// due is what is due.
type due struct {
	at    string        // the server's time, ms
	next  time.Duration // until there is more
	epoch string
	ids   []string
}

// promote moves what is due.
func (p *Pool) promote(ctx context.Context) (due, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	d, err := p.due(ctx)
	if err == nil && len(d.ids) > 0 {
		_, err = p.q.promote(ctx, d.at, d.ids...)
	}
	if err != nil {
		return due{}, fmt.Errorf("queue: promote: %w", err)
	}
	return d, nil
}

func (p *Pool) due(ctx context.Context) (due, error) {
	answer, err := p.q.scripts.due.Exec(ctx, p.q.client, []string{p.q.keys.delayed, p.q.keys.meta},
		[]string{strconv.Itoa(promoteBatch), rand.Text()}).ToArray()
	if err != nil {
		return due{}, err
	}
	next, err := answer[1].AsInt64()
	if err != nil {
		return due{}, err
	}
	words, err := texts(append(answer[:1:1], answer[2:]...))
	if err != nil {
		return due{}, err
	}
	d := due{at: words[0], next: time.Duration(next) * time.Millisecond, epoch: words[1], ids: words[2:]}
	if next < 0 {
		d.next = promotePoll
	}
	return d, nil
}

// promote makes those of the delayed jobs wait that are due up to upto, in ms
// or "+inf". For each it returns what the script says.
func (q *Queue) promote(ctx context.Context, upto string, ids ...string) ([]int64, error) {
	return q.scripts.promote.Exec(ctx, q.client,
		q.keys.jobs([]string{q.keys.delayed, q.keys.waiting, q.keys.urgent, q.keys.solo, q.keys.events}, ids...),
		append([]string{upto}, ids...)).AsIntSlice()
}
