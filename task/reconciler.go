package task

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Reconciler brings records and queue back into agreement: it schedules each
// unfinished task that the queue does not hold. Several may run at once, in one
// process or in many.
type Reconciler struct {
	Repo      Repository
	Scheduler Scheduler
	Events    Publisher
	MaxStalls int // a task that loses its worker more often fails
	Now       func() time.Time
	Report    func(r Reconciled, err error) // called after each round that did or failed to do something
}

// Reconciled counts what one round did.
type Reconciled struct {
	Scheduled int // tasks that were put back into the queue
	Failed    int // tasks that had lost their worker too often
}

// The rhythm of the Reconciler.
const (
	reconcileEvery = time.Minute
	reconcileGrace = 30 * time.Second // a task that changed since is under way
	reconcileAgain = time.Second      // after a round that failed
	reconcileAhead = 2 * time.Minute  // a task that begins later will be looked at in time
	reconcilePage  = 500
)

// Round is an occasion to look for tasks that the queue lost.
type Round struct {
	Grace time.Duration // tasks that changed since then are under way, and left alone
	Start bool          // of a process: those in work may have been in the one before, and lost their worker with it
}

// Run repairs at once, whenever lost is signalled (the queue's memory is
// gone), and now and then, until ctx ends.
func (r *Reconciler) Run(ctx context.Context, lost <-chan struct{}) {
	wait, round := time.Duration(0), Round{Start: true}
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-lost:
			round.Grace = 0
		case <-timer.C:
		}
		timer.Stop()
		done, err := r.Once(ctx, round)
		if ctx.Err() != nil {
			return
		}
		if (err != nil || done != Reconciled{}) && r.Report != nil {
			r.Report(done, err)
		}
		if err != nil {
			wait = reconcileAgain // with the same round
			continue
		}
		wait, round = reconcileEvery, Round{Grace: reconcileGrace}
	}
}

// Once makes one round. With a grace, tasks that are to begin much later are left
// to a later round, so that they do not make each one take stock of the queue.
func (r *Reconciler) Once(ctx context.Context, round Round) (done Reconciled, err error) {
	now := r.Now()
	before, due := now.Add(-round.Grace).Add(time.Millisecond), time.Time{}
	if round.Grace > 0 {
		due = now.Add(reconcileAhead)
	}
	var survey Survey
	for after := ID(""); ; {
		page, err := r.Repo.Unfinished(ctx, before, due, after, reconcilePage)
		if err != nil {
			return done, fmt.Errorf("list unfinished tasks: %w", err)
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].ID
		if survey == nil { // only now, since mostly nothing is unfinished for so long
			if survey, err = r.Scheduler.Survey(ctx); err != nil {
				return done, fmt.Errorf("take stock of the queue: %w", err)
			}
		}
		if err := r.repair(ctx, round, survey, page, &done); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (r *Reconciler) repair(ctx context.Context, round Round, survey Survey, page []Task, done *Reconciled) error {
	ids := make([]ID, len(page))
	seen := make(map[ID]Task, len(page))
	for i, t := range page {
		ids[i], seen[t.ID] = t.ID, t
	}
	lost, err := survey.Lost(ctx, ids)
	if err != nil {
		return fmt.Errorf("look for tasks in the queue: %w", err)
	}
	for _, id := range lost {
		t, err := r.reset(ctx, round, seen[id])
		if errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
			continue // it moved while we looked, so somebody has it
		}
		if err != nil {
			return fmt.Errorf("reset task %s: %w", id, err)
		}
		if t.Status == Failed {
			done.Failed++
			continue
		}
		if err := r.Scheduler.Schedule(ctx, t); err != nil {
			return fmt.Errorf("schedule task %s: %w", id, err)
		}
		done.Scheduled++
	}
	return nil
}

// reset makes a task whose job was lost fit to be scheduled, unless it changed
// since it was read: then the error is ErrConflict. That the queue forgot a task in
// work is not the doing of the task, whose worker may be well.
func (r *Reconciler) reset(ctx context.Context, round Round, t Task) (Task, error) {
	if t.Status == Pending {
		now, err := r.Repo.Get(ctx, t.ID)
		if err == nil && now.Version != t.Version {
			err = ErrConflict
		}
		return now, err
	}
	back := Task.Release
	if round.Start {
		back = Task.Lose
	}
	t, err := back(t, r.Now())
	if err != nil {
		return Task{}, err
	}
	if t.Stalls > r.MaxStalls {
		if t, err = t.Fail(fmt.Sprintf("the task lost its worker %d times", t.Stalls), r.Now()); err != nil {
			return Task{}, err
		}
	}
	if t, err = r.Repo.Update(ctx, t); err != nil {
		return Task{}, err
	}
	if t.Status == Failed {
		r.Events.Publish(ctx, Event{TaskID: t.ID, Type: EventFailed, At: t.UpdatedAt, Error: t.Error, Attempts: t.Attempts})
	}
	return t, nil
}
