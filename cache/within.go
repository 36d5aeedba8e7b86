package cache

import "context"

// within returns what ask finds, or an error when ctx ends; ask then goes on by
// itself. It is for rueidis, which minds no context while a connection is being made that
// another needs, too: that takes seconds with a server that hangs. start is life's.
//
// ctx is not the caller's of a read: rueidis lets others wait for the same answer and
// would fail them with it.
func within[T any](ctx context.Context, start func(func()) bool, ask func(context.Context) (T, error)) (T, error) {
	type answer struct {
		found T
		err   error
		panic any
	}
	answers := make(chan answer, 1)
	if !start(func() {
		a := answer{err: errClosed} // should ask end its goroutine
		defer func() { a.panic = recover(); answers <- a }()
		a.found, a.err = ask(ctx)
	}) {
		return answer{}.found, errClosed
	}
	select {
	case a := <-answers:
		if a.panic != nil {
			panic(a.panic)
		}
		return a.found, a.err
	case <-ctx.Done():
		return answer{}.found, ctx.Err()
	}
}
