package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"go.uber.org/zap"

	"revela/imaging"
	"revela/queue"
	"revela/storage/remote"
	"revela/task"
)

// jobName is what every job of the queue is called.
const jobName = "process-image"

// jobData is the payload of a job. The worker needs only the id; the rest is
// for people who look into Redis.
type jobData struct {
	TaskID    task.ID `json:"taskId"`
	ImagePath string  `json:"imagePath"`
	Timestamp int64   `json:"timestamp"` // ms since the epoch
}

// scheduler is the queue as tasks see it: the job's id is the task's.
type scheduler struct {
	queue *queue.Queue
	now   func() time.Time // the clock of records
}

var _ task.Scheduler = scheduler{}

func (s scheduler) Room(ctx context.Context) error { return full(s.queue.Room(ctx)) }

func (s scheduler) Offer(ctx context.Context, t task.Task) error {
	return full(s.add(ctx, t, false))
}

func (s scheduler) Schedule(ctx context.Context, t task.Task) error { return s.add(ctx, t, true) }

// full is err as tasks know it.
func full(err error) error {
	if errors.Is(err, queue.ErrFull) {
		return fmt.Errorf("%w: %w", task.ErrQueueFull, err)
	}
	return err
}

func (s scheduler) add(ctx context.Context, t task.Task, accepted bool) error {
	data := jobData{t.ID, t.Original.Path, t.CreatedAt.UnixMilli()}
	if data.ImagePath == "" {
		data.ImagePath = t.Source.Name
	}
	payload, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode the job: %w", err)
	}
	var delay time.Duration
	if !t.NotBefore.IsZero() {
		delay = max(0, t.NotBefore.Sub(s.now())+time.Millisecond-1) // the queue counts whole ones
	}
	added, err := s.queue.Add(ctx, queue.Spec{
		ID: string(t.ID), Name: jobName, Data: payload, Accepted: accepted,
		Attempts: t.Attempts, Stalls: t.Stalls, Urgent: t.Urgent, Delay: delay,
	})
	if errors.Is(err, queue.ErrNoMemory) {
		return fmt.Errorf("%w: %w", task.ErrQueueFull, err)
	}
	if err != nil || added == 1 {
		return err
	}
	// The job is there. If it has ended, or fell out of every list, it must go
	// round again; if it is on its way, nothing is to do.
	job, err := s.queue.Job(ctx, string(t.ID))
	if errors.Is(err, queue.ErrNoJob) {
		return nil // it ended this moment: somebody else had it on its way
	}
	if err != nil {
		return err
	}
	switch job.State {
	case queue.Failed, queue.Completed:
		err = s.queue.Retry(ctx, string(t.ID))
		var moved *queue.StateError
		if errors.As(err, &moved) || errors.Is(err, queue.ErrNoJob) {
			return nil
		}
	case queue.Waiting, queue.Paused:
		_, err = s.queue.Restore(ctx, string(t.ID))
	}
	return err
}

func (s scheduler) Withdraw(ctx context.Context, id task.ID) error {
	return s.queue.Cancel(ctx, string(id))
}

func (s scheduler) Survey(ctx context.Context) (task.Survey, error) {
	held, err := s.queue.Held(ctx, false)
	return survey{held}, err
}

// survey is what the queue holds as tasks see it.
type survey struct{ held *queue.Held }

func (s survey) Lost(ctx context.Context, ids []task.ID) ([]task.ID, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	lost, err := s.held.Lost(ctx, names)
	out := make([]task.ID, len(lost))
	for i, name := range lost {
		out[i] = task.ID(name)
	}
	return out, err
}

// worker is the processor as the queue sees it.
type worker struct {
	processor *task.Processor
	log       *zap.Logger
}

var _ queue.Handler = worker{}

// storeAway is how long a job waits when the store of records cannot be
// reached; its attempt does not count.
const storeAway = 2 * time.Second

func (w worker) Process(ctx context.Context, job *queue.Job) error {
	a, err := attempt(job)
	if err != nil {
		return queue.Permanent(err)
	}
	err = w.processor.Process(ctx, a)
	if err != nil && errors.Is(context.Cause(ctx), queue.ErrStopping) {
		// The job goes back whatever becomes of this: the next worker takes a
		// record in processing as well.
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeAway)
		defer cancel()
		_ = w.processor.HandBack(back, a)
		return err
	}
	switch {
	case errors.Is(err, task.ErrLeaseLost):
		return queue.ErrLeaseLost
	case errors.Is(err, task.ErrUnavailable):
		return queue.Postpone(err, storeAway)
	case task.Permanent(err):
		return queue.Permanent(err)
	}
	return err
}

func (w worker) Failed(ctx context.Context, job *queue.Job, f queue.Failure) error {
	a, err := attempt(job)
	if err != nil {
		return nil // no task to tell
	}
	err = w.processor.Failed(ctx, a, reason(f.Err), f.Final)
	switch {
	case err == nil:
		w.tell(job, f)
	case errors.Is(err, task.ErrLeaseLost):
		return queue.ErrLeaseLost
	case !errors.Is(err, task.ErrUnavailable) && !errors.Is(err, task.ErrConflict) && ctx.Err() == nil:
		return queue.Permanent(err) // a record that cannot be read will not be next time
	}
	return err
}

// reason is what a task's owner may know of a failure. The log and the job in
// the queue have the rest.
func reason(err error) string {
	var picture *imaging.Error
	var source *remote.Error
	var unknown *task.UnknownSetError
	switch {
	case errors.As(err, &unknown):
		return "the worker's configuration does not know the variants: " + unknown.Error()
	case errors.As(err, &picture):
		return picture.Detail
	case errors.As(err, &source):
		return source.Error()
	case errors.Is(err, queue.ErrTimeout):
		return queue.ErrTimeout.Error()
	case errors.Is(err, queue.ErrStalled):
		return "the worker was lost each time it tried"
	case errors.Is(err, fs.ErrNotExist):
		return "the original is gone"
	}
	for _, known := range []error{remote.ErrUnreachable, task.ErrFileTooLarge, task.ErrEmpty, task.ErrSourceRefused, task.ErrFailedBefore} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "an internal error; the log of the worker has the cause"
}

// tell logs a failure, with what the task's own error does not show.
func (w worker) tell(job *queue.Job, f queue.Failure) {
	fields := []zap.Field{
		zap.String("taskId", job.ID), zap.Int("attempt", job.Attempt), zap.Bool("final", f.Final),
		zap.Duration("retryIn", f.Delay), zap.Error(f.Err),
	}
	var fetch *remote.Error
	if errors.As(f.Err, &fetch) {
		fields = append(fields, zap.NamedError("cause", fetch.Cause))
	}
	var panicked *queue.PanicError
	if errors.As(f.Err, &panicked) {
		fields = append(fields, zap.ByteString("stack", panicked.Stack))
	}
	w.log.Warn("an attempt failed", fields...)
}

func attempt(job *queue.Job) (task.Attempt, error) {
	id, err := task.ParseID(job.ID)
	if err != nil {
		return task.Attempt{}, fmt.Errorf("job %q: %w", job.ID, err)
	}
	return task.Attempt{ID: id, Number: job.Attempt, Stalls: job.Stalls, WorkerID: job.WorkerID(), Lease: lease{job}, Progress: func(ctx context.Context, percent int) {
		ctx, cancel := context.WithTimeout(ctx, progressFor)
		defer cancel()
		_ = job.Progress(ctx, percent) // for people; the lease is proved elsewhere
	}}, nil
}

// progressFor bounds how long work waits for its progress to be noted.
const progressFor = 250 * time.Millisecond

// lease is a job's lease as tasks see it.
type lease struct{ job *queue.Job }

func (l lease) Token() string { return l.job.Token() }

func (l lease) Extend(ctx context.Context) error {
	err := l.job.Extend(ctx)
	if errors.Is(err, queue.ErrLeaseLost) {
		return task.ErrLeaseLost
	}
	if err != nil {
		return fmt.Errorf("%w: %w", task.ErrUnavailable, err)
	}
	return nil
}
