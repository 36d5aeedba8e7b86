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
// longer the one it was: the epoch in meta has changed.
func (p *Pool) promoter(ctx context.Context) {
	known := ""
	for wait := time.Duration(0); sleep(ctx, wait); {
		due, epoch, err := p.promote(ctx)
		if err != nil {
			p.report("promote", err)
			wait = promotePoll
			continue
		}
		wait = min(max(due, 5*time.Millisecond), promotePoll)
		if known != "" && epoch != known && p.hooks.Lost != nil {
			p.hooks.Lost()
		}
		known = epoch
	}
}

// promote moves what is due and returns how long until there is more.
func (p *Pool) promote(ctx context.Context) (due time.Duration, epoch string, err error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	k := p.q.keys
	answer, err := p.q.scripts.promote.Exec(ctx, p.q.client,
		[]string{k.delayed, k.waiting, k.events, k.meta},
		[]string{strconv.Itoa(promoteBatch), rand.Text()}).ToArray()
	if err != nil {
		return 0, "", fmt.Errorf("queue: promote: %w", err)
	}
	moved, err := answer[0].AsInt64()
	if err != nil {
		return 0, "", fmt.Errorf("queue: promote: %w", err)
	}
	next, err := answer[1].AsInt64()
	if err != nil {
		return 0, "", fmt.Errorf("queue: promote: %w", err)
	}
	epoch, err = answer[2].ToString()
	switch {
	case err != nil:
		return 0, "", fmt.Errorf("queue: promote: %w", err)
	case moved == promoteBatch:
		return 0, epoch, nil
	case next < 0:
		return promotePoll, epoch, nil
	}
	return time.Duration(next) * time.Millisecond, epoch, nil
}
