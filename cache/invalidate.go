package cache

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/rueidis"

	"revela/task"
)

// Invalidate makes every cached copy of the task, and every cached list and
// count, unreachable: two DELs in one round trip, however many entries there
// are. It returns within Config.Budget, whatever becomes of ctx; when it has
// returned, this process reads what was stored before the call. If Redis cannot
// be reached, the invalidation is delivered as soon as it can be; until then this
// process reads the task, the lists and the counts from the repository.
func (c *Cache) Invalidate(ctx context.Context, id task.ID) {
	c.counters.invalidations.Add(1)
	if c.breaker.open() || c.drop(context.WithoutCancel(ctx), c.cfg.Budget, id) != nil {
		c.counters.deferred.Add(1)
		c.debts.add(id)
		c.repayLater()
	}
	c.Doubt(id)
	c.tasks.flights.forget(taskKey(id))
	c.lists.flights.forgetAll()
	c.counts.flights.forgetAll()
}

// Doubt makes the next reads of a task and of lists compare this process' copies
// with Redis. It is for whoever heard of a change by another way than the cache:
// that Redis announces it to the copies may come a little later.
func (c *Cache) Doubt(id task.ID) { c.suspects.mark(taskKey(id), generationKey) }

// drop deletes the entries of tasks and the generation. It uses DEL alone,
// which Redis takes even when it is out of memory. An error means that some may
// still be there.
func (c *Cache) drop(ctx context.Context, limit time.Duration, ids ...task.ID) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := exchange(ctx, c, generationKey, c.life.spawn, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, c.del(ctx, ids)
	})
	return err
}

func (c *Cache) del(ctx context.Context, ids []task.ID) error {
	cmds := make(rueidis.Commands, 0, len(ids)+1)
	for _, id := range ids {
		cmds = append(cmds, c.client.B().Del().Key(taskKey(id)).Build().ToRetryable())
	}
	cmds = append(cmds, c.client.B().Del().Key(generationKey).Build().ToRetryable())
	for _, r := range c.client.DoMulti(ctx, cmds...) {
		if err := r.Error(); err != nil {
			return fmt.Errorf("cache: drop: %w", err)
		}
	}
	return nil
}

// repayLater sees to it that the debts are being paid.
func (c *Cache) repayLater() {
	if c.debts.begin() && !c.life.spawn(c.repay) {
		c.debts.end()
	}
}

const (
	repayBatch   = 128
	repayTimeout = time.Second
	repayPause   = 50 * time.Millisecond // times the number of tries so far
	repayMaximum = 2 * time.Second
)

// repay delivers what Redis did not take, in batches, until nothing is owed.
func (c *Cache) repay() {
	for tries := time.Duration(1); ; tries++ {
		batch, more := c.debts.next(repayBatch)
		if !more {
			return // next has ended it
		}
		ids := make([]task.ID, 0, len(batch.ids))
		keys := []string{generationKey}
		for id := range batch.ids {
			ids = append(ids, id)
			keys = append(keys, taskKey(id))
		}
		if c.drop(c.life.ctx, repayTimeout, ids...) == nil {
			c.suspects.mark(keys...) // before they may be read from Redis again
			c.debts.paid(batch)
			tries = 0
			continue
		}
		if !sleep(c.life.ctx, min(tries*repayPause, repayMaximum)) {
			c.debts.end()
			return
		}
	}
}
