package cache

import (
	"errors"
	"fmt"
	"time"
)

// Config says how long entries live and how long Redis may hold a read up. A
// zero field takes its default.
type Config struct {
	TaskTTL  time.Duration // life of one task, 1ms to 24h; default 60s
	ListTTL  time.Duration // life of one page of a list, 1ms to 24h; default 30s
	CountTTL time.Duration // life of one total, 1ms to 24h; default 45s

	// LocalTTL is how long this process may use its own copy of an entry without
	// asking Redis again, 1ms to 24h; default 10s. Redis announces every change
	// of a copy, so this only bounds how stale a copy can get while the
	// connection is dead and nobody has noticed.
	LocalTTL time.Duration

	// Budget is how long Redis may hold up one read or one Invalidate, in all,
	// 1ms to 10s; default 75ms.
	Budget time.Duration

	// LoadTimeout bounds one read of the repository on behalf of all who wait
	// for it, 1ms to 1m; default 1.9s. The repository must mind its context.
	LoadTimeout time.Duration

	// Steady, if set, reports that no connection to Redis is being made now. A
	// read need not guard against waiting for one then, which costs a hot one
	// more than all the rest. It is called for each read.
	Steady func(now time.Time) bool

	// Epoch, if set, is another number whenever a connection to Redis was made, and is so
	// before anything is read from it. What Redis holds may be of an earlier moment
	// then, after a restart from a snapshot or a failover, so lists and totals from before
	// are not used any more. It is called for each read.
	Epoch func() int64

	// OnChange, if set, hears when Redis is found unreachable (with the cause)
	// and when it is found back (nil). It must neither block nor call the cache.
	OnChange func(err error)
}

func (c Config) withDefaults() Config {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.TaskTTL, 60 * time.Second},
		{&c.ListTTL, 30 * time.Second},
		{&c.CountTTL, 45 * time.Second},
		{&c.LocalTTL, 10 * time.Second},
		{&c.Budget, 75 * time.Millisecond},
		{&c.LoadTimeout, 1900 * time.Millisecond},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return c
}

// Validate lists every field that is out of range. Zero is in range.
func (c Config) Validate() error {
	var errs []error
	for _, f := range []struct {
		name  string
		value time.Duration
		most  time.Duration
	}{
		{"TaskTTL", c.TaskTTL, 24 * time.Hour},
		{"ListTTL", c.ListTTL, 24 * time.Hour},
		{"CountTTL", c.CountTTL, 24 * time.Hour},
		{"LocalTTL", c.LocalTTL, 24 * time.Hour},
		{"Budget", c.Budget, 10 * time.Second},
		{"LoadTimeout", c.LoadTimeout, time.Minute},
	} {
		if f.value != 0 && (f.value < time.Millisecond || f.value > f.most) {
			errs = append(errs, fmt.Errorf("cache: %s is %v, expected 1ms to %v", f.name, f.value, f.most))
		}
	}
	return errors.Join(errs...)
}
