package cache

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"revela/task"
)

const (
	// claimTTL is how long a fill may take; one that takes longer is not stored.
	// It is also how long a key stays claimed by a process that died.
	claimTTL = 3 * time.Second
	// maxWait is the longest pause between two looks at another's fill.
	maxWait = 8 * time.Millisecond
	// worthwhile is the time that must be left for a command to be worth sending.
	worthwhile = 15 * time.Millisecond
)

var (
	//go:embed lua/claim.lua
	claimSource string
	//go:embed lua/settle.lua
	settleSource string

	claimScript  = rueidis.NewLuaScript(claimSource)
	settleScript = rueidis.NewLuaScript(settleSource)
)

// claim is a process' right to fill a key.
type claim struct {
	key    string
	prefix string // of the value to be stored
	token  string // what stands in Redis while the claim does; "" is no claim
}

// fill publishes the value of a key: what another process has stored meanwhile,
// or what the repository says, which it then stores.
func (k *kind[A, T]) fill(ctx context.Context, publish func(T, error), arg A, key, outdated string, usable bool, deadline time.Time) {
	c := k.c
	var held claim
	// Asked again: an invalidation may have failed after this flight was
	// decided on and before it could be found and forgotten.
	epoch := c.noteEpoch()
	if usable && !c.debts.owes(key, k.listed) {
		v, cl, ok := k.claim(ctx, arg, key, outdated, epoch, deadline)
		if ok {
			publish(v, nil)
			return
		}
		held = cl
	}
	// However this ends, even by a panic, the claim does not outlive it.
	value := ""
	defer func() {
		if held.token != "" {
			c.settle(ctx, held, value, k.ttl)
		}
	}()
	c.counters.loads.Add(1)
	lctx, cancel := context.WithTimeout(ctx, c.cfg.LoadTimeout)
	defer cancel()
	v, err := k.load(lctx, arg)
	if err != nil && lctx.Err() == context.DeadlineExceeded {
		err = fmt.Errorf("%w: no answer from the repository in %v: %w", task.ErrUnavailable, c.cfg.LoadTimeout, err)
	}
	if err == nil && held.token != "" && k.current(v) {
		if b, err := k.encode(v); err == nil {
			value = held.prefix + markValue + b
		}
	}
	publish(v, err)
}

// claim returns the value of a key that somebody else has filled (ok), or a
// claim on it, or neither: then Redis would take too long.
func (k *kind[A, T]) claim(ctx context.Context, arg A, key, outdated string, epoch int64, deadline time.Time) (v T, cl claim, ok bool) {
	c := k.c
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	prefix := format
	if k.listed {
		generation, err := exchange(ctx, c, generationKey, c.life.branch, c.generation)
		if err != nil || generation == "" {
			return v, claim{}, false
		}
		prefix += generation
	}
	cl = claim{key: key, prefix: prefix, token: prefix + markClaim + rand.Text()}
	for pause := time.Millisecond; ; pause = min(2*pause, maxWait) {
		args := []string{prefix, cl.token, strconv.FormatInt(claimTTL.Milliseconds(), 10), outdated}
		raw, err := exchange(ctx, c, key, c.life.branch, func(ctx context.Context) (string, error) {
			return text(claimScript.Exec(ctx, c.client, []string{key}, args))
		})
		if err != nil {
			return v, claim{}, false
		}
		if raw == "" {
			return v, cl, false
		}
		if b, filled := body(raw, prefix); filled {
			if k.listed && c.since(epoch) {
				return v, claim{}, false
			}
			if v, ok = k.decode(arg, key, raw, b); ok {
				return v, claim{}, true
			}
			outdated = raw
		} else if pause == time.Millisecond {
			c.counters.waits.Add(1)
		}
		if time.Until(deadline) < pause+worthwhile || !sleep(ctx, pause) {
			return v, claim{}, false
		}
	}
}

// generation returns the current generation, having started one if there is
// none. "" says that Redis takes no writes.
func (c *Cache) generation(ctx context.Context) (string, error) {
	rs := c.client.DoMulti(ctx,
		c.client.B().Set().Key(generationKey).Value(rand.Text()).Nx().Build(),
		c.client.B().Get().Key(generationKey).Build())
	return text(rs[1])
}

// settle stores value under a claim, or gives the claim up if value is "".
func (c *Cache) settle(ctx context.Context, cl claim, value string, ttl time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.Budget)
	defer cancel()
	stored, err := exchange(ctx, c, cl.key, c.life.branch, func(ctx context.Context) (int64, error) {
		return settleScript.Exec(ctx, c.client, []string{cl.key},
			[]string{cl.token, value, strconv.FormatInt(ttl.Milliseconds(), 10)}).AsInt64()
	})
	switch {
	case err != nil || value == "":
	case stored == 1:
		c.counters.fills.Add(1)
	default:
		c.counters.refused.Add(1)
	}
}

// sleep waits, or returns false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
