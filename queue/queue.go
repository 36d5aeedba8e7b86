package queue

import (
	"context"
	"errors"
	"fmt"
	"time"
)

type Queue struct{}

var ErrNoJob = errors.New("no such job")

type StateError struct {
	ID     string
	State  State
	Action string
}

func (e *StateError) Error() string {
	return fmt.Sprintf("job %s is %s and cannot %s", e.ID, e.State, e.Action)
}

func (q *Queue) Stats(ctx context.Context) (Stats, error)                          { panic("queue") }
func (q *Queue) Jobs(ctx context.Context, s State, start, end int) ([]Info, error) { panic("queue") }
func (q *Queue) Job(ctx context.Context, id string) (Info, error)                  { panic("queue") }
func (q *Queue) Retry(ctx context.Context, id string) error                        { panic("queue") }
func (q *Queue) Promote(ctx context.Context, id string) error                      { panic("queue") }
func (q *Queue) Remove(ctx context.Context, id string) error                       { panic("queue") }
func (q *Queue) Clean(ctx context.Context, s State, olderThan time.Duration, limit int) ([]string, error) {
	panic("queue")
}
func (q *Queue) Pause(ctx context.Context) error  { panic("queue") }
func (q *Queue) Resume(ctx context.Context) error { panic("queue") }
func (q *Queue) Ping(ctx context.Context) error   { panic("queue") }
