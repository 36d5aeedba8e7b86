package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"revela/bench/report"
	"revela/bench/rig"
	"revela/cache"
	"revela/storage/sqlite"
	"revela/task"
)

const fewLists = 10

// invalidation times what a change costs while few and many lists are cached:
// our way, and the one that deletes all keys of a pattern.
func invalidation(ctx context.Context, s *stage, o options, r *report.Report, redis *rig.Redis) error {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{redis.Addr}})
	if err != nil {
		return err
	}
	defer client.Close()
	store, err := sqlite.Open(ctx, filepath.Join(s.dir, "data", "tasks.db"))
	if err != nil {
		return err
	}
	defer store.Close()
	c, err := cache.New(client, store, cache.Config{Budget: time.Second})
	if err != nil {
		return err
	}
	defer c.Close()
	ways := []way{
		{"revela", 200, false, func() error { c.Invalidate(ctx, task.NewID()); return nil }},
		{"keys-and-del", 5, true, func() error { return dropPattern(ctx, client) }},
	}
	for range o.rounds {
		for _, lists := range []int{fewLists, o.lists} {
			for _, w := range ways {
				m, err := w.measure(ctx, client, redis, lists)
				if err != nil {
					return err
				}
				r.Add("invalidate-"+strconv.Itoa(lists), w.who, m)
			}
		}
	}
	return nil
}

// way is one way to make all cached lists unreachable.
type way struct {
	who    string
	times  int
	drops  bool // deletes the keys, so they are made anew each time
	forget func() error
}

func (w way) measure(ctx context.Context, client rueidis.Client, redis *rig.Redis, lists int) (report.Metrics, error) {
	var took []time.Duration
	var sum rig.Cost
	for i := range w.times {
		if i == 0 || w.drops {
			if err := fillLists(ctx, client, lists); err != nil {
				return nil, err
			}
		}
		cost, err := redis.Measure(ctx, w.forget)
		if err != nil {
			return nil, err
		}
		took = append(took, cost.Wall)
		sum.Add(cost)
	}
	slices.Sort(took)
	return report.Metrics{
		"p50_us": rig.Micros(took[len(took)/2]), "max_us": rig.Micros(took[len(took)-1]),
		"redis_us_per_op": rig.Micros(sum.Redis) / float64(w.times),
	}, nil
}

// The names of cached lists, as docs/cache.md has them.
const listPrefix = "tasks:list:"

// fillLists sees to it that so many lists are cached.
func fillLists(ctx context.Context, client rueidis.Client, lists int) error {
	const batch = 1000
	for from := 0; from < lists; from += batch {
		pairs := client.B().Mset().KeyValue()
		for i := from; i < min(from+batch, lists); i++ {
			pairs = pairs.KeyValue(listPrefix+strconv.Itoa(i), "[]")
		}
		if err := client.Do(ctx, pairs.Build()).Error(); err != nil {
			return fmt.Errorf("fill the cache: %w", err)
		}
	}
	return nil
}

// dropPattern deletes all keys of a pattern, as is often done.
func dropPattern(ctx context.Context, client rueidis.Client) error {
	keys, err := client.Do(ctx, client.B().Keys().Pattern(listPrefix+"*").Build()).AsStrSlice()
	if err != nil || len(keys) == 0 {
		return err
	}
	return client.Do(ctx, client.B().Del().Key(keys...).Build()).Error()
}
