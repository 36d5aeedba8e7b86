package app

import (
	"errors"
	"fmt"
	"testing"

	"revela/queue"
	"revela/storage/remote"
	"revela/task"
)

// What a task's owner hears of a failure, and that it is no more than he may know.
func TestReasonIsForTheOwner(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{
		fmt.Errorf("fetch the picture: %w: it answered 503", remote.ErrUnreachable):               "the source could not be read",
		&remote.Error{Kind: remote.ErrUnreachable, Cause: errors.New("dial 10.0.0.1")}:            "the source could not be read",
		fmt.Errorf("%w: it answered 404", task.ErrSourceRefused):                                  task.ErrSourceRefused.Error(),
		queue.Permanent(queue.ErrStalled):                                                         "the worker was lost each time it tried",
		fmt.Errorf("%w: %w", queue.ErrTimeout, errors.New("decode")):                              queue.ErrTimeout.Error(),
		fmt.Errorf("store variant 1024: %w", errors.New("open /data/secret: input/output error")): "an internal error; the log of the worker has the cause",
		&queue.PanicError{Value: "index out of range"}:                                            "an internal error; the log of the worker has the cause",
	} {
		if got := reason(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
