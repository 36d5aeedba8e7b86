package cache

import (
	"context"
	"errors"
	"time"

	"github.com/redis/rueidis"
)

// kind is one sort of entry, T, found by an argument A.
type kind[A, T any] struct {
	c      *Cache
	ttl    time.Duration
	listed bool // belongs to a generation

	load   func(ctx context.Context, arg A) (T, error)
	encode func(T) (string, error)
	// decode returns false for a value that cannot be used: broken, or older
	// than what this process has seen.
	decode func(arg A, key, raw, body string) (T, bool)
	// current reports whether T is no older than what this process has seen.
	current func(T) bool

	flights flights[T]
}

// read is the way of every cached read. What it returns is shared.
func (k *kind[A, T]) read(ctx context.Context, arg A, key string) (T, error) {
	c := k.c
	now := time.Now()
	deadline := now.Add(c.cfg.Budget)
	for late := 0; ; now = time.Now() {
		v, outdated, usable, ok := k.look(arg, key, now, deadline)
		if ok {
			return v, nil
		}
		v, again, err := k.flights.do(ctx, &c.life, key, func(ctx context.Context, publish func(T, error)) {
			k.fill(ctx, publish, arg, key, outdated, usable, deadline)
		})
		switch {
		case err != nil && c.life.ctx.Err() != nil: // Close fails all that are under way
			return k.load(ctx, arg)
		case again:
		case err == nil && !k.current(v) && late < maxLate: // the flight began before something newer was seen
			late++
		default:
			return v, err
		}
	}
}

// maxLate is how often a read takes a flight that began too early for another. The
// next one mostly begins later; where not even that helps, the repository itself is
// behind what was seen of it, as after a backup was restored.
const maxLate = 3

// look returns the value of a key if Redis, or the copy here, has one (ok). If
// not, it says which value is too old to be used, and whether Redis is usable.
func (k *kind[A, T]) look(arg A, key string, now, deadline time.Time) (v T, outdated string, usable, ok bool) {
	c := k.c
	epoch := c.noteEpoch()
	usable = now.Before(deadline) && !c.debts.owes(key, k.listed) && !c.breaker.open()
	if usable {
		f, err := c.peek(key, k.listed, now, deadline)
		usable = err == nil
		if k.listed && c.since(epoch) {
			f = found{} // of before or of after, nobody knows
		}
		prefix, valid := f.prefix(k.listed)
		if b, filled := body(f.raw, prefix); valid && filled {
			if v, ok = k.decode(arg, key, f.raw, b); ok {
				if f.local {
					c.counters.localHits.Add(1)
				} else {
					c.counters.remoteHits.Add(1)
				}
				return v, "", true, true
			}
			outdated = f.raw
		}
	}
	if usable {
		c.counters.misses.Add(1)
	} else {
		c.counters.fallbacks.Add(1)
	}
	return v, outdated, usable, false
}

// noteEpoch returns the epoch. In a new one Redis may have come back as it was before a
// change of this process: lists and totals are dropped, and until then taken for ones
// whose change Redis has not heard of.
func (c *Cache) noteEpoch() int64 {
	if c.cfg.Epoch == nil {
		return 0
	}
	epoch := c.cfg.Epoch()
	if epoch != c.epoch.Load() {
		c.debts.addLists()
		c.epoch.Store(epoch)
		c.repayLater()
	}
	return epoch
}

// since reports whether another epoch than the given one has begun.
func (c *Cache) since(epoch int64) bool { return c.cfg.Epoch != nil && c.cfg.Epoch() != epoch }

// found is what Redis, or the copy here, holds of an entry; "" is nothing.
type found struct {
	raw, generation string
	local           bool // no round trip was made
}

// prefix returns what a valid value starts with, or false if none can be valid.
func (f found) prefix(listed bool) (string, bool) {
	if listed {
		return format + f.generation, f.generation != ""
	}
	return format, true
}

// peek reads an entry through client-side caching. An error says that Redis
// could not be asked.
func (c *Cache) peek(key string, listed bool, now, deadline time.Time) (found, error) {
	if c.cfg.Steady != nil && c.cfg.Steady(now) { // a local copy costs no goroutine then
		ctx := &lateContext{Context: c.life.ctx, deadline: deadline}
		defer ctx.cancel()
		f, err := c.ask(ctx, key, listed)
		c.heard(key, err)
		return f, err
	}
	ctx, cancel := context.WithDeadline(c.life.ctx, deadline)
	defer cancel()
	f, err := within(ctx, c.life.spawn, func(ctx context.Context) (found, error) {
		return c.ask(ctx, key, listed)
	})
	c.heard(key, err)
	return f, err
}

func (c *Cache) ask(ctx context.Context, key string, listed bool) (found, error) {
	watched := key // whose copy must not be behind this process' own changes
	if listed {
		watched = generationKey
	}
	if mark, suspect := c.suspects.find(watched); suspect {
		now, err := text(c.client.Do(ctx, c.client.B().Get().Key(watched).Build()))
		if err != nil {
			return found{}, err
		}
		copied, err := text(c.cached(ctx, watched))
		if err != nil {
			return found{}, err
		}
		if copied == now {
			c.suspects.clear(watched, mark)
		}
		if !listed {
			return found{raw: now}, nil
		}
		raw, err := text(c.cached(ctx, key))
		return found{raw: raw, generation: now}, err
	}
	if !listed {
		r := c.cached(ctx, key)
		raw, err := text(r)
		return found{raw: raw, local: r.IsCacheHit()}, err
	}
	// One after the other: both are nearly always local, and where the generation
	// is not, neither is the entry. Asking for both at once would cost goroutines
	// even then, since rueidis spreads keys over connections.
	g := c.cached(ctx, generationKey)
	generation, err := text(g)
	if err != nil || generation == "" {
		return found{}, err
	}
	r := c.cached(ctx, key)
	raw, err := text(r)
	return found{raw: raw, generation: generation, local: g.IsCacheHit() && r.IsCacheHit()}, err
}

func (c *Cache) cached(ctx context.Context, key string) rueidis.RedisResult {
	return c.client.DoCache(ctx, c.client.B().Get().Key(key).Cache(), c.cfg.LocalTTL)
}

// exchange asks Redis for something about key within ctx and tells the breaker how
// that ended.
func exchange[T any](ctx context.Context, c *Cache, key string, start func(func()) bool, ask func(context.Context) (T, error)) (T, error) {
	v, err := within(ctx, start, ask)
	c.heard(key, err)
	return v, err
}

// heard tells the breaker if an exchange with Redis failed.
func (c *Cache) heard(key string, err error) {
	if !answered(err) && c.life.ctx.Err() == nil {
		c.breaker.fail(key, err)
	}
}

// answered reports whether Redis said something, be it a refusal.
func answered(err error) bool {
	if err == nil {
		return true
	}
	_, refused := errors.AsType[*rueidis.RedisError](err)
	return refused
}

// ping asks for any answers about key and the generation, which a list needs as well
// and another node may have. A read that fills a list needs four answers in its time,
// so these have to come sooner.
func (c *Cache) ping(key string) error {
	ctx, cancel := context.WithTimeout(c.life.ctx, c.cfg.Budget/4)
	defer cancel()
	_, err := within(ctx, c.life.branch, func(ctx context.Context) (struct{}, error) {
		for _, r := range c.client.DoMulti(ctx,
			c.client.B().Get().Key(generationKey).Build(),
			c.client.B().Get().Key(key).Build()) {
			if err := r.Error(); !answered(err) {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	return err
}

// text returns a reply's text; nil is "".
func text(r rueidis.RedisResult) (string, error) {
	s, err := r.ToString()
	if rueidis.IsRedisNil(err) {
		return "", nil
	}
	return s, err
}
