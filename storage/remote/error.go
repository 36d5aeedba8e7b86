package remote

import (
	"errors"
	"fmt"

	"revela/task"
)

// ErrUnreachable says that a source did not give its picture this time. It may
// be tried again.
var ErrUnreachable = errors.New("the source could not be read")

// Error is a failure whose text is for the client and therefore always that of
// its kind. Why it happened is for the operator only.
type Error struct {
	Kind  error // ErrUnreachable, or task.ErrSourceRefused, which is permanent
	Cause error // not part of the text and not in the chain of errors.Is
}

func (e *Error) Error() string { return e.Kind.Error() }
func (e *Error) Unwrap() error { return e.Kind }

func refused(cause error) error     { return &Error{task.ErrSourceRefused, cause} }
func unreachable(cause error) error { return &Error{ErrUnreachable, cause} }

func tooLarge(limit int64) error {
	return fmt.Errorf("%w: %w: at most %d bytes", task.ErrSourceRefused, task.ErrFileTooLarge, limit)
}
