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
	ID       string        // unique, see CheckID; adding an id that is there is doing nothing
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
