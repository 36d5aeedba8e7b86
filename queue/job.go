package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// Spec is a job to be added.
type Spec struct {
	ID       string        // unique; adding an id that is there is doing nothing
	Name     string        // what kind of work it is
	Data     []byte        // payload, JSON; not to be changed once it is added
	Delay    time.Duration // at least this long before its first attempt
	Urgent   bool          // overtakes jobs that are not, up to four in a row
	Accepted bool          // was accepted before: MaxWaiting does not concern it, and what a job that was lost left behind goes
	Attempts int           // attempts made before, by a job that was lost
	Stalls   int           // of these, those whose worker was lost
}

// urgent is what the hash of an urgent job says as its priority.
const urgent = "urgent"

// Job is one attempt at a job, in the hands of a handler.
type Job struct {
	ID          string
	Name        string
	Data        []byte
	Attempt     int // the first is 1
	MaxAttempts int
	Stalls      int // attempts before this one whose worker was lost

	token   string
	pool    *Pool
	began   time.Time         // of the attempt
	end     func(cause error) // ends the handler's context; later causes do nothing
	settled sync.Once         // by whoever comes first: the handler's return, or giveUp
}

// Token names this attempt's hold on the job; no other attempt has the same.
func (j *Job) Token() string { return j.token }

// WorkerID names the pool that works on the job.
func (j *Job) WorkerID() string { return j.pool.id }

// Extend renews the lease and thereby proves that it is still held.
// ErrLeaseLost says that somebody else may have the job now.
func (j *Job) Extend(ctx context.Context) error {
	held, err := j.pool.renew(ctx, []*Job{j})
	if err != nil {
		return err
	}
	if !held[0] {
		return ErrLeaseLost
	}
	return nil
}

// Progress publishes how far the work is: any JSON value, shown with the job.
func (j *Job) Progress(ctx context.Context, progress any) error {
	b, err := json.Marshal(progress)
	if err != nil {
		return fmt.Errorf("queue: progress of job %s: %w", j.ID, err)
	}
	return j.pool.progress(ctx, j, string(b))
}

// Info is what the queue knows of one job.
type Info struct {
	ID           string          `json:"id"`
	Name         string          `json:"name"`
	State        State           `json:"state"`
	Data         json.RawMessage `json:"data"`
	Opts         json.RawMessage `json:"opts"`
	Priority     string          `json:"priority,omitempty"`     // "urgent" or nothing
	Timestamp    int64           `json:"timestamp"`              // ms since the epoch, when it was added
	ProcessedOn  int64           `json:"processedOn,omitempty"`  // ms, when the last attempt began
	FinishedOn   int64           `json:"finishedOn,omitempty"`   // ms, when it completed or failed
	AttemptsMade int             `json:"attemptsMade"`           // attempts that ended in failure or success
	Stalls       int             `json:"stalledCounter"`         // attempts whose worker was lost
	FailedReason string          `json:"failedReason,omitempty"` // of the last failed attempt
	Stacktrace   []string        `json:"stacktrace,omitempty"`   // one entry a failed attempt, with its time
	Progress     json.RawMessage `json:"progress,omitempty"`
	DueAt        int64           `json:"dueAt,omitempty"` // ms, for delayed jobs
}
