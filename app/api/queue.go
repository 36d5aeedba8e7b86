package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/zap"

	"revela/queue"
	"revela/task"
)

// maxJobs is how many jobs one request may see or retry in one step.
const maxJobs = 50

// lookFor bounds a look into the queue: a Redis that hangs is worth a 503.
const lookFor = 1500 * time.Millisecond

// queueStats counts the jobs by state.
func (s *Server) queueStats(c *gin.Context) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), lookFor)
	defer cancel()
	stats, err := s.cfg.Queue.Stats(ctx)
	if err != nil {
		return queueTrouble(err)
	}
	return reply(c, http.StatusOK, stats)
}

// JobList is a part of the jobs of one state.
type JobList struct {
	Data  []queue.Info `json:"data"`
	State queue.State  `json:"state"`
	Start int          `json:"start"` // place of the first, from 0
	End   int          `json:"end"`   // place of the last that was asked for, inclusive
}

// queueJobs lists jobs of one state.
func (s *Server) queueJobs(c *gin.Context) error {
	state, err := queue.ParseState(c.Param("key"))
	if err != nil {
		return &problem{code: InvalidQuery,
			detail: "The path does not name a state of jobs: one of " + list(queue.States()) + " is expected."}
	}
	p := query(c, "start", "end")
	const deepest = 1 << 30
	start := p.int("start", 0, 0, deepest)
	end := p.int("end", start+maxJobs-1, 0, deepest+maxJobs)
	switch {
	case end < start:
		p.refuse("end", "is before start", "the place of the last job, inclusive, is expected")
	case end-start >= maxJobs:
		p.refuse("end", "asks for too many jobs", "at most 50 at a time")
	}
	if p.err != nil {
		return p.err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), lookFor)
	defer cancel()
	jobs, err := s.cfg.Queue.Jobs(ctx, state, start, end)
	if err != nil {
		return queueTrouble(err)
	}
	if jobs == nil {
		jobs = []queue.Info{}
	}
	return reply(c, http.StatusOK, JobList{Data: jobs, State: state, Start: start, End: end})
}

// Paused says whether the queue hands out jobs.
type Paused struct {
	Paused bool `json:"paused"`
}

// queuePause stops the workers of all processes from taking new jobs.
func (s *Server) queuePause(c *gin.Context) error {
	if err := s.cfg.Queue.Pause(c.Request.Context()); err != nil {
		return queueTrouble(err)
	}
	return reply(c, http.StatusOK, Paused{true})
}

// queueResume ends queuePause.
func (s *Server) queueResume(c *gin.Context) error {
	if err := s.cfg.Queue.Resume(c.Request.Context()); err != nil {
		return queueTrouble(err)
	}
	return reply(c, http.StatusOK, Paused{false})
}

// Retried says what became of the failed jobs.
type Retried struct {
	Retried int `json:"retried"`
	// Skipped jobs stay failed, because their task was retried, deleted or
	// ended otherwise meanwhile, or its record cannot be read.
	Skipped int `json:"skipped"`
	// Complete is false when time ran out: ask again for the rest.
	Complete bool `json:"complete"`
}

// retryFor bounds a request that retries all failed jobs.
const retryFor = 15 * time.Second

// queueRetry retries every failed job through its task: the record decides,
// and the job follows, also one that is gone from Redis but for its id.
func (s *Server) queueRetry(c *gin.Context) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), retryFor)
	defer cancel()
	var out Retried
	// Retried jobs leave the list, so the next ones are found behind those
	// that stay.
	for ctx.Err() == nil {
		ids, err := s.cfg.Queue.FailedIDs(ctx, out.Skipped, maxJobs)
		if err != nil {
			return queueTrouble(err)
		}
		if len(ids) == 0 {
			out.Complete = true
			break
		}
		for _, id := range ids {
			ok, err := s.retryTask(ctx, id)
			switch {
			case err != nil && ctx.Err() != nil:
			case err != nil && !ofOneTask(err):
				return err
			case err != nil:
				s.log(c).Error("a failed job is skipped", zap.String("jobId", id), zap.Error(err))
				out.Skipped++
			case ok:
				out.Retried++
			case s.dropGhost(ctx, id):
			default:
				out.Skipped++
			}
		}
	}
	return reply(c, http.StatusOK, out)
}

// ofOneTask reports whether an error is that of a single record, which keeps nobody
// from dealing with others.
func ofOneTask(err error) bool {
	return !errors.Is(err, task.ErrUnavailable) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// retryTask retries a job's task. It is false when the task does not allow it.
func (s *Server) retryTask(ctx context.Context, jobID string) (bool, error) {
	id, err := task.ParseID(jobID)
	if err != nil {
		return false, nil
	}
	_, err = s.cfg.Service.Retry(ctx, id)
	var state *task.StateError
	if errors.As(err, &state) || errors.Is(err, task.ErrNotFound) || errors.Is(err, task.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// dropGhost takes an id without a job out of the failed ones. It is false when
// the job is there.
func (s *Server) dropGhost(ctx context.Context, id string) bool {
	if _, err := s.cfg.Queue.Job(ctx, id); !errors.Is(err, queue.ErrNoJob) {
		return false
	}
	return errors.Is(s.cfg.Queue.Retry(ctx, id), queue.ErrNoJob) // which lets go of the id
}

// Cleaned says which jobs were removed.
type Cleaned struct {
	Removed int      `json:"removed"`
	IDs     []string `json:"ids"`
}

// maxClean is how many jobs one request may remove.
const maxClean = 1000

// queueClean removes jobs of one state that are old enough.
func (s *Server) queueClean(c *gin.Context) error {
	in := struct {
		State     string `json:"state"`
		OlderThan string `json:"olderThan"`
		Limit     int    `json:"limit"`
	}{OlderThan: "0s", Limit: maxClean}
	if err := readJSON(c, &in, smallJSON); err != nil {
		return err
	}
	state, err := queue.ParseState(in.State)
	if err != nil || state == queue.Active {
		return &problem{code: InvalidBody,
			detail: "state must be one of waiting, completed, failed, delayed, paused.",
			hint:   "Active jobs end by themselves; cancel their tasks to stop them."}
	}
	age, err := time.ParseDuration(in.OlderThan)
	if err != nil || age < 0 {
		return &problem{code: InvalidBody, detail: `olderThan must be a duration of 0 or more, such as "24h" or "90s".`}
	}
	if in.Limit < 1 || in.Limit > maxClean {
		return &problem{code: InvalidBody, detail: "limit must be from 1 to 1000."}
	}
	ids, err := s.cfg.Queue.Clean(c.Request.Context(), state, age, in.Limit)
	if err != nil {
		return queueTrouble(err)
	}
	if ids == nil {
		ids = []string{}
	}
	for _, id := range ids {
		err := s.letGo(c.Request.Context(), id)
		switch {
		case err != nil && !ofOneTask(err):
			return err
		case err != nil:
			s.log(c).Error("the task of a removed job stays", zap.String("jobId", id), zap.Error(err))
		}
	}
	return reply(c, http.StatusOK, Cleaned{Removed: len(ids), IDs: ids})
}

// jobRetry retries one failed job through its task.
func (s *Server) jobRetry(c *gin.Context) error {
	id, err := jobID(c)
	if err != nil {
		return err
	}
	t, err := s.cfg.Service.Retry(c.Request.Context(), id)
	if errors.Is(err, task.ErrNotFound) {
		return &problem{code: JobNotFound}
	}
	if err != nil {
		return err
	}
	c.Header("Location", taskURL(id))
	return reply(c, http.StatusAccepted, show(t))
}

// jobPromote makes a delayed job due now.
func (s *Server) jobPromote(c *gin.Context) error {
	id, err := jobID(c)
	if err != nil {
		return err
	}
	// The record first: a queue that is lost in between is rebuilt from it. A
	// task that is not pending has nothing to promote, and the queue says so.
	var state *task.StateError
	if err := s.cfg.Service.Promote(c.Request.Context(), id); err != nil && !errors.As(err, &state) && !errors.Is(err, task.ErrNotFound) {
		return err
	}
	if err := s.cfg.Queue.Promote(c.Request.Context(), string(id)); err != nil {
		return queueTrouble(err)
	}
	c.Status(http.StatusNoContent)
	return nil
}

// jobRemove takes a job out of the queue.
func (s *Server) jobRemove(c *gin.Context) error {
	id, err := jobID(c)
	if err != nil {
		return err
	}
	if err := s.cfg.Queue.Remove(c.Request.Context(), string(id)); err != nil {
		return queueTrouble(err)
	}
	if err := s.letGo(c.Request.Context(), string(id)); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// letGo cancels the task of a job that was removed, if it is unfinished: the
// Reconciler would make it a new job otherwise.
func (s *Server) letGo(ctx context.Context, jobID string) error {
	id, err := task.ParseID(jobID)
	if err != nil {
		return nil // a job that is not ours has no task
	}
	// The job is gone, whether the caller waits or not.
	_, err = s.cfg.Service.Cancel(context.WithoutCancel(ctx), id)
	var state *task.StateError
	if errors.As(err, &state) || errors.Is(err, task.ErrNotFound) {
		return nil
	}
	return err
}

// jobID reads a job's id, which is its task's.
func jobID(c *gin.Context) (task.ID, error) {
	id, err := task.ParseID(c.Param("key"))
	if err != nil {
		return "", &problem{code: JobNotFound, detail: "A job's id is its task's: 24 hexadecimal digits in lower case."}
	}
	return id, nil
}

// queueTrouble says that Redis is to blame for what the queue does not explain
// itself: package queue knows nothing of the errors of package task.
func queueTrouble(err error) error {
	var state *queue.StateError
	if errors.Is(err, queue.ErrNoJob) || errors.As(err, &state) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &problem{code: Unavailable, detail: "The queue cannot be reached.", cause: err}
}
