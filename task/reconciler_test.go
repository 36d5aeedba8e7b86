package task_test

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"revela/imaging/imagetest"
	"revela/task"
)

// empty is a queue that holds nothing and counts how often it is looked at.
type empty struct {
	nobody
	surveys   int
	scheduled []task.ID
}

func (e *empty) Survey(context.Context) (task.Survey, error) { e.surveys++; return nobody{}, nil }

func (e *empty) Schedule(_ context.Context, t task.Task) error {
	e.scheduled = append(e.scheduled, t.ID)
	return nil
}

// Tasks that are to begin much later do not make every round take stock of the
// queue. A round without grace looks at them too, and so does one that is not
// long before their time.
func TestReconcilerLeavesTheFutureToLaterRounds(t *testing.T) {
	t.Parallel()
	p := newParts(t)
	x, _, err := p.service.Submit(t.Context(), task.Submission{
		Source: task.Source{Kind: task.Upload, Name: "a.jpg"}, Body: bytes.NewReader(imagetest.JPEG(imagetest.Photo(40, 30))),
		Options: func() task.Options { return task.Options{Delay: time.Hour} },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what  string
		after time.Duration // the submission
		grace time.Duration
		found bool
	}{
		{"a regular round", time.Minute, 30 * time.Second, false},
		{"a round after a loss", time.Minute, 0, true},
		{"a regular round long before", 57 * time.Minute, 30 * time.Second, false},
		{"a regular round shortly before", 59 * time.Minute, 30 * time.Second, true},
		{"a regular round after its time", 61 * time.Minute, 30 * time.Second, true},
	} {
		q := &empty{}
		r := &task.Reconciler{
			Repo: p.repo, Scheduler: q, Events: nobody{},
			Now: func() time.Time { return x.CreatedAt.Add(tt.after) },
		}
		if _, err := r.Once(t.Context(), task.Round{Grace: tt.grace}); err != nil {
			t.Errorf("%s: %v", tt.what, err)
		}
		want, surveys := []task.ID(nil), 0
		if tt.found {
			want, surveys = []task.ID{x.ID}, 1
		}
		if !slices.Equal(q.scheduled, want) || q.surveys != surveys {
			t.Errorf("%s: scheduled %v, looked at the queue %d times", tt.what, q.scheduled, q.surveys)
		}
	}
}

// A queue that forgets a task in work does not make the task fail, however often; a
// process that starts where one ended counts a lost worker.
func TestForgottenTasksAreChargedAtTheStartOnly(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		round task.Round
		want  task.Status
		stall int
	}{
		"forgotten":    {task.Round{}, task.Pending, 0},
		"at the start": {task.Round{Start: true}, task.Failed, 3},
	} {
		p := newParts(t)
		x := p.submit(t)
		for i := range 3 {
			now, err := p.repo.Get(t.Context(), x.ID)
			if err != nil {
				t.Fatal(err)
			}
			if now, err = now.Begin("token", 1, now.Stalls, time.Now()); err != nil {
				t.Fatal(err)
			}
			if _, err := p.repo.Update(t.Context(), now); err != nil {
				t.Fatal(err)
			}
			q := &empty{}
			r := &task.Reconciler{Repo: p.repo, Scheduler: q, Events: nobody{}, MaxStalls: 2, Now: time.Now}
			if _, err := r.Once(t.Context(), tt.round); err != nil {
				t.Fatal(err)
			}
			if got := len(q.scheduled); got != 1 && (i < 2 || tt.want == task.Pending) {
				t.Errorf("%s, time %d: scheduled %d", name, i, got)
			}
		}
		if got, err := p.repo.Get(t.Context(), x.ID); err != nil || got.Status != tt.want || got.Stalls != tt.stall || got.Attempts != 0 {
			t.Errorf("%s: %s, %d stalls, %d attempts, %v", name, got.Status, got.Stalls, got.Attempts, err)
		}
	}
}
