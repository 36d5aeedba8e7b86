package queue

import (
	"errors"
	"fmt"
	"time"
)

// Errors of the queue. Callers match them with errors.Is.
var (
	// ErrNoJob says that there is no job of that id.
	ErrNoJob = errors.New("no such job")
	// ErrInvalidID says that no job may have this id, see CheckID.
	ErrInvalidID = errors.New("not an id of a job")
	// ErrBroken says that the key of a job holds something else than a job.
	ErrBroken = errors.New("the job's key does not hold a job")
	// ErrFull says that as many jobs wait as may.
	ErrFull = errors.New("the queue is full")
	// ErrNoMemory says that Redis is at its maxmemory. Jobs that are there still
	// end, and make room.
	ErrNoMemory = errors.New("redis has no memory for another job; wait for jobs to end, or raise its maxmemory")
	// ErrForbidden says that Redis's access list withholds a right from us.
	ErrForbidden = errors.New("the redis user lacks rights that the queue needs (docs/queue.md lists them)")
	// ErrLeaseLost says that a job is no longer this worker's: its lease ended,
	// or the job was cancelled.
	ErrLeaseLost = errors.New("the lease was lost")
	// ErrStopping is the cause of a job's context when its pool stops.
	ErrStopping = errors.New("the worker is stopping")
	// ErrTimeout is the cause of a job's context when its attempt took too long.
	ErrTimeout = errors.New("the attempt took longer than the job timeout")
	// ErrStalled is the reason of a job that lost its worker too often.
	ErrStalled = errors.New("job stalled more than allowable limit")
)

// StateError says that a job's state forbids what was asked.
type StateError struct {
	ID     string
	State  State
	Action string // what was asked: "be promoted"
}

func (e *StateError) Error() string {
	return fmt.Sprintf("job %s is %s and cannot %s", e.ID, e.State, e.Action)
}

// Permanent marks err as one that another attempt would meet again: the job
// fails at once.
func Permanent(err error) error { return &permanentError{err} }

type permanentError struct{ error }

func isPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

func (e *permanentError) Unwrap() error { return e.error }

// Postpone marks err as none of the job's doing: the job goes back, to be taken
// again after delay, and no attempt is counted.
func Postpone(err error, delay time.Duration) error { return &postponedError{err, delay} }

type postponedError struct {
	error
	delay time.Duration
}

func (e *postponedError) Unwrap() error { return e.error }

// PanicError is a handler's panic, kept with its stack.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }
