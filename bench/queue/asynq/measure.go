package main

import (
	"context"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

// measure tells what work on n tasks takes, by this process and by Redis.
func (c *contender) measure(ctx context.Context, work func() error) (map[string]any, error) {
	redis0, err := c.redisCPU(ctx)
	if err != nil {
		return nil, err
	}
	cpu0, begin := selfCPU(), time.Now()
	if err := work(); err != nil {
		return nil, err
	}
	wall, cpu := time.Since(begin).Seconds(), selfCPU()-cpu0
	redis1, err := c.redisCPU(ctx)
	n := float64(c.n)
	return map[string]any{
		"n": n, "wall_s": wall, "jobs_s": n / wall,
		"cpu_us_per_job": cpu * 1e6 / n, "redis_us_per_job": (redis1 - redis0) * 1e6 / n,
	}, err
}

// selfCPU is in seconds.
func selfCPU() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

var used = regexp.MustCompile(`used_cpu_(?:sys|user):([0-9.]+)`)

// redisCPU is in seconds.
func (c *contender) redisCPU(ctx context.Context) (seconds float64, err error) {
	info, err := c.redis.Info(ctx, "cpu").Result()
	if err != nil {
		return 0, err
	}
	for _, m := range used.FindAllStringSubmatch(info, -1) {
		s, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return 0, err
		}
		seconds += s
	}
	return seconds, nil
}
