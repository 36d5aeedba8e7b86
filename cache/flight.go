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

func (l *life) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	l.wg.Wait()
}

// flights makes concurrent reads of a key share one piece of work. Unlike
// x/sync/singleflight it lets the work go on after its result is known: whoever
// comes while the value is on its way to Redis gets it at once.
type flights[T any] struct {
	mu    sync.Mutex
	calls map[string]*call[T]
}

type call[T any] struct {
	once sync.Once
	done chan struct{} // closed when val and err are set
	val  T
	err  error
}

func (c *call[T]) publish(v T, err error) {
	c.once.Do(func() {
		c.val, c.err = v, err
		close(c.done)
	})
}

// do returns what work publishes, or ctx's error as soon as ctx ends. The work
// runs under l, not under ctx: one reader's going away must not fail the others.
func (f *flights[T]) do(ctx context.Context, l *life, key string, work func(ctx context.Context, publish func(T, error))) (T, error) {
	f.mu.Lock()
	c, ok := f.calls[key]
	if !ok {
		c = &call[T]{done: make(chan struct{})}
		if f.calls == nil {
			f.calls = make(map[string]*call[T])
		}
		f.calls[key] = c
	}
	f.mu.Unlock()
	if !ok && !l.spawn(func() { f.run(l.ctx, key, c, work) }) {
		f.end(key, c, errClosed)
	}
	select {
	case <-c.done:
		return c.val, c.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
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
