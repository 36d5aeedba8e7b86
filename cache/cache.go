package cache

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/redis/rueidis"

	"revela/task"
)

// Cache is a task.Reader. It is safe for concurrent use.
type Cache struct {
	client rueidis.Client
	repo   task.Reader
	cfg    Config

	tasks  kind[task.ID, *task.Task] // shared: nobody writes to what they point to
	lists  kind[task.Query, []task.Task]
	counts kind[task.Filter, task.Total]

	known    known
	pages    pages
	suspects suspects
	debts    debts
	epoch    atomic.Int64 // of Config.Epoch, when lists and totals were last dropped for it
	breaker  breaker
	counters counters
	life     life
}

var _ task.Reader = (*Cache)(nil)

// New returns a cache of repo in client's Redis. The client must read from the
// primary: a replica may not have heard of a change yet. It may be built with
// DisableCache; then every read costs a round trip. It remains the caller's, to
// be closed after the cache.
func New(client rueidis.Client, repo task.Reader, cfg Config) (*Cache, error) {
	if client == nil || repo == nil {
		return nil, errors.New("cache: a client and a repository are needed")
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	c := &Cache{client: client, repo: repo, cfg: cfg}
	c.life.ctx, c.life.cancel = context.WithCancel(context.Background())
	if cfg.Epoch != nil {
		c.epoch.Store(cfg.Epoch())
	}
	c.breaker.life, c.breaker.ping, c.breaker.onChange = &c.life, c.ping, cfg.OnChange
	c.known.init()
	c.pages.held = newBounded[string, page](maxHeld)
	c.suspects.keys = newBounded[string, uint64](maxSuspects)
	c.debts.horizon = cfg.TaskTTL + claimTTL
	c.tasks = kind[task.ID, *task.Task]{
		c: c, ttl: cfg.TaskTTL,
		load: c.loadShared, encode: encodeTask, decode: c.decodeTask, current: c.known.current,
	}
	c.lists = kind[task.Query, []task.Task]{
		c: c, ttl: cfg.ListTTL, listed: true,
		load: c.loadList, encode: encodeTasks, decode: c.decodeList, current: c.allCurrent,
	}
	c.counts = kind[task.Filter, task.Total]{
		c: c, ttl: cfg.CountTTL, listed: true,
		load: repo.Count, encode: encodeCount, decode: decodeCount, current: func(task.Total) bool { return true },
	}
	return c, nil
}

// Close ends the goroutines of the cache: fills under way and the delivery of
// invalidations that Redis has not taken yet, which are lost; see docs/cache.md.
// Afterwards reads go to the repository. It may be called more than once.
func (c *Cache) Close() { c.life.close() }

// Get returns one task, or task.ErrNotFound, which is never cached.
func (c *Cache) Get(ctx context.Context, id task.ID) (task.Task, error) {
	t, err := c.tasks.read(ctx, id, taskKey(id))
	if err != nil {
		return task.Task{}, err
	}
	return *t, nil
}

// List returns one page. The first ten pages of the usual sizes are cached,
// others and cursors are not.
func (c *Cache) List(ctx context.Context, q task.Query) ([]task.Task, error) {
	key, ok := listKey(q)
	if !ok {
		c.counters.uncached.Add(1)
		return c.loadList(ctx, q)
	}
	return c.lists.read(ctx, q, key)
}

// Count returns how many tasks a filter selects.
func (c *Cache) Count(ctx context.Context, f task.Filter) (task.Total, error) {
	key, ok := countKey(f)
	if !ok {
		c.counters.uncached.Add(1)
		return c.repo.Count(ctx, f)
	}
	return c.counts.read(ctx, f, key)
}

func (c *Cache) loadTask(ctx context.Context, id task.ID) (task.Task, error) {
	t, err := c.repo.Get(ctx, id)
	switch {
	case err == nil:
		c.saw(t)
	case errors.Is(err, task.ErrNotFound):
		c.known.lose(id)
	}
	return t, err
}

func (c *Cache) loadShared(ctx context.Context, id task.ID) (*task.Task, error) {
	t, err := c.loadTask(ctx, id)
	return &t, err
}

func (c *Cache) loadList(ctx context.Context, q task.Query) ([]task.Task, error) {
	ts, err := c.repo.List(ctx, q)
	c.saw(ts...)
	return ts, err
}

func (c *Cache) decodeTask(id task.ID, _, raw, body string) (*task.Task, bool) {
	if f, ok := c.known.find(id); ok && f.raw == raw {
		return f.task, true
	}
	t, err := parseTask(body)
	if err != nil || t.ID != id {
		return nil, false
	}
	return &t, c.known.learn(&t, raw, false)
}

func (c *Cache) decodeList(_ task.Query, key, raw, body string) ([]task.Task, bool) {
	moves := c.known.moves.Load()
	p, ok := c.pages.find(key)
	if !ok || p.raw != raw {
		ts, err := parseTasks(body)
		if err != nil {
			return nil, false
		}
		p = page{raw: raw, tasks: ts}
	} else if p.moves == moves {
		return p.tasks, true
	}
	for i := range p.tasks {
		if !c.known.learn(&p.tasks[i], "", false) {
			return nil, false
		}
	}
	p.moves = moves
	c.pages.put(key, p)
	return p.tasks, true
}

func (c *Cache) allCurrent(ts []task.Task) bool {
	for i := range ts {
		if !c.known.current(&ts[i]) {
			return false
		}
	}
	return true
}

func decodeCount(_ task.Filter, _, _, body string) (task.Total, bool) {
	n, err := parseCount(body)
	return n, err == nil
}
