package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

var errClosed = errors.New("cache: closed")

// life owns the goroutines of a cache.
type life struct {
	ctx    context.Context
	cancel context.CancelFunc
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

// spawn runs fn in a goroutine that close waits for; false once closed.
func (l *life) spawn(fn func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.wg.Go(fn)
	return true
}

// branch is spawn for those who run under l: it does so while l closes, too.
func (l *life) branch(fn func()) bool {
	l.wg.Go(fn)
	return true
}

func (l *life) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	l.wg.Wait()
}

// flights makes concurrent reads of a key share one piece of work. Unlike
// x/sync/singleflight it lets the work go on after its result is known: nobody
// waits while the value is on its way to Redis.
type flights[T any] struct {
	mu    sync.Mutex
	calls map[string]*call[T]
}

type call[T any] struct {
	once  sync.Once
	known chan struct{} // closed when val and err are set
	ended chan struct{} // closed when the work is done
	val   T
	err   error
}

func (c *call[T]) publish(v T, err error) {
	c.once.Do(func() {
		c.val, c.err = v, err
		close(c.known)
	})
}

// do returns what work publishes, or ctx's error as soon as ctx ends. The work
// runs under l, not under ctx: one reader's going away must not fail the others.
//
// Who comes when the result is known already may not have it, since it may be
// older than his call; he waits for the end of the work and is told to look again.
func (f *flights[T]) do(ctx context.Context, l *life, key string, work func(ctx context.Context, publish func(T, error))) (v T, again bool, err error) {
	f.mu.Lock()
	c, ok := f.calls[key]
	if !ok {
		c = &call[T]{known: make(chan struct{}), ended: make(chan struct{})}
		if f.calls == nil {
			f.calls = make(map[string]*call[T])
		}
		f.calls[key] = c
	}
	f.mu.Unlock()
	if !ok && !l.spawn(func() { f.run(l.ctx, key, c, work) }) {
		f.end(key, c, errClosed)
	}
	wait := c.known
	if ok {
		select {
		case <-c.known:
			wait, again = c.ended, true
		default:
		}
	}
	select {
	case <-wait:
	case <-ctx.Done():
		return v, false, ctx.Err()
	}
	if again {
		return v, true, nil
	}
	return c.val, false, c.err
}

func (f *flights[T]) run(ctx context.Context, key string, c *call[T], work func(context.Context, func(T, error))) {
	err := errClosed
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cache: panic: %v\n%s", p, debug.Stack())
		}
		f.end(key, c, err)
	}()
	work(ctx, c.publish)
}

// end takes the call out of the map; err is for those who still wait.
func (f *flights[T]) end(key string, c *call[T], err error) {
	f.mu.Lock()
	if f.calls[key] == c {
		delete(f.calls, key)
	}
	f.mu.Unlock()
	var none T
	c.publish(none, err)
	close(c.ended)
}

// forget lets later readers of key start anew.
func (f *flights[T]) forget(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.calls, key)
}

// forgetAll is forget for every key.
func (f *flights[T]) forgetAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.calls)
}
