package rig

import (
	"context"
	"time"

	"revela/bench/report"
)

// Cost is what a stretch of work took.
type Cost struct {
	Wall  time.Duration
	CPU   time.Duration // of this process; 0 where the system does not tell
	Redis time.Duration // processor time of the redis-server
}

// Measure runs work and tells what it took, by this process and by r.
func (r *Redis) Measure(ctx context.Context, work func() error) (Cost, error) {
	redis, err := r.CPU(ctx)
	if err != nil {
		return Cost{}, err
	}
	cpu, begin := SelfCPU(), time.Now()
	if err := work(); err != nil {
		return Cost{}, err
	}
	c := Cost{Wall: time.Since(begin), CPU: SelfCPU() - cpu}
	after, err := r.CPU(ctx)
	c.Redis = after - redis
	return c, err
}

// Add adds what another stretch took.
func (c *Cost) Add(other Cost) {
	c.Wall += other.Wall
	c.CPU += other.CPU
	c.Redis += other.Redis
}

// PerJob spreads the cost over n jobs.
func (c Cost) PerJob(n int) report.Metrics {
	m := report.Metrics{
		"n":                float64(n),
		"wall_s":           c.Wall.Seconds(),
		"jobs_s":           float64(n) / c.Wall.Seconds(),
		"redis_us_per_job": Micros(c.Redis) / float64(n),
	}
	if c.CPU > 0 {
		m["cpu_us_per_job"] = Micros(c.CPU) / float64(n)
	}
	return m
}

// Micros is d in microseconds.
func Micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// Millis is d in milliseconds.
func Millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
