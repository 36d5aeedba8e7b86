package rig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"revela/app/redis/redistest"
)

// Redis is a redis-server under measurement. Its methods may be called from any
// goroutine.
type Redis struct {
	Addr string // host:port

	client rueidis.Client
	stop   func()
}

// StartRedis starts a redis-server on loopback, empty and without persistence.
// Close ends it.
func StartRedis() (*Redis, error) {
	addr, stop, err := redistest.Start()
	if err != nil {
		return nil, err
	}
	r, err := DialRedis(addr)
	if err != nil {
		stop()
		return nil, err
	}
	r.stop = stop
	return r, nil
}

// DialRedis looks at a server that another process started. Close lets go of it.
func DialRedis(addr string) (*Redis, error) {
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{addr}, DisableCache: true, ForceSingleClient: true,
		ConnWriteTimeout: replyWithin,
	})
	if err != nil {
		if client != nil { // rueidis returns a client together with an error
			client.Close()
		}
		return nil, fmt.Errorf("connect to redis at %s: %w", addr, err)
	}
	return &Redis{Addr: addr, client: client, stop: func() {}}, nil
}

// Close ends the server if StartRedis started it.
func (r *Redis) Close() {
	r.client.Close()
	r.stop()
}

// The patience with a server, which may have millions of keys and a busy machine.
const (
	replyWithin = time.Minute
	restWithin  = time.Minute
	restLook    = 50 * time.Millisecond // between two looks
	restCPU     = time.Millisecond      // less than this in between is rest
)

// Reset empties the server and waits until it is at rest: what one turn left to
// be freed must not be on the bill of the next.
func (r *Redis) Reset(ctx context.Context) error {
	if err := r.client.Do(ctx, r.client.B().Flushall().Async().Build()).Error(); err != nil {
		return fmt.Errorf("empty redis: %w", err)
	}
	return r.Rest(ctx)
}

// Rest waits until the server has nothing to do and nothing to free.
func (r *Redis) Rest(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, restWithin, errors.New("redis does not come to rest"))
	defer cancel()
	tick := time.NewTicker(restLook)
	defer tick.Stop()
	for last := time.Duration(0); ; {
		cpu, err := r.CPU(ctx)
		if err != nil {
			return err
		}
		memory, err := r.info(ctx, "memory")
		if err != nil {
			return err
		}
		if cpu-last < restCPU && memory["lazyfree_pending_objects"] == "0" {
			return nil
		}
		last = cpu
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// CPU is the processor time that the server has taken since its start.
func (r *Redis) CPU(ctx context.Context) (time.Duration, error) {
	info, err := r.info(ctx, "cpu")
	if err != nil {
		return 0, err
	}
	var seconds float64
	for _, name := range []string{"used_cpu_sys", "used_cpu_user"} {
		s, err := strconv.ParseFloat(info[name], 64)
		if err != nil {
			return 0, fmt.Errorf("redis: INFO cpu: %s: %w", name, err)
		}
		seconds += s
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// Memory is how many bytes the server has allocated.
func (r *Redis) Memory(ctx context.Context) (int64, error) {
	info, err := r.info(ctx, "memory")
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(info["used_memory"], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("redis: INFO memory: %w", err)
	}
	return n, nil
}

// info reads a section of INFO.
func (r *Redis) info(ctx context.Context, section string) (map[string]string, error) {
	text, err := r.client.Do(ctx, r.client.B().Info().Section(section).Build()).ToString()
	if err != nil {
		return nil, fmt.Errorf("redis: INFO %s: %w", section, err)
	}
	fields := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}
