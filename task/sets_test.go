package task_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"revela/imaging/imagetest"
	"revela/task"
)

// submitAs submits the same picture with a set and a key.
func (p parts) submitAs(t *testing.T, set, key string) (task.Task, bool, error) {
	t.Helper()
	return p.service.Submit(t.Context(), task.Submission{
		Source: task.Source{Kind: task.Upload, Name: "a.jpg"}, Body: bytes.NewReader(imagetest.JPEG(imagetest.Photo(40, 30))),
		IdempotencyKey: key, Options: func() task.Options { return task.Options{Variants: set} },
	})
}

func TestTaskGetsTheSetThatItAskedFor(t *testing.T) {
	t.Parallel()
	p := newParts(t)
	for set, want := range map[string]string{"": "10", task.DefaultSet: "10", "tiny": "3 2"} {
		x, _, err := p.submitAs(t, set, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.processor.Process(t.Context(), attemptAt(x)); err != nil {
			t.Fatal(err)
		}
		got, err := p.repo.Get(t.Context(), x.ID)
		var names []string
		for _, img := range got.Images {
			names = append(names, img.Resolution)
		}
		if s := strings.Join(names, " "); err != nil || s != want {
			t.Errorf("set %q made %q, want %q; %v", set, s, want, err)
		}
	}
}

func TestUnknownSetLeavesNothing(t *testing.T) {
	t.Parallel()
	p := newParts(t)
	_, _, err := p.submitAs(t, "huge", "")
	var unknown *task.UnknownSetError
	if !errors.As(err, &unknown) || !strings.Contains(err.Error(), `"huge"; there is default, tiny`) {
		t.Errorf("Submit: %v", err)
	}
	if left := p.left(t); len(left) != 0 {
		t.Errorf("files stayed: %v", left)
	}
}

// A worker with an older configuration must not make other variants instead, and
// must leave the task to a worker that knows better.
func TestWorkerThatDoesNotKnowTheSet(t *testing.T) {
	t.Parallel()
	p := newParts(t)
	x, _, err := p.submitAs(t, "tiny", "")
	if err != nil {
		t.Fatal(err)
	}
	older := *p.processor
	older.Sets = task.Sets{task.DefaultSet: p.processor.Sets[task.DefaultSet]}
	err = older.Process(t.Context(), attemptAt(x))
	var unknown *task.UnknownSetError
	if !errors.As(err, &unknown) || task.Permanent(err) {
		t.Errorf("the older worker: %v, permanent %v", err, task.Permanent(err))
	}
	if err := p.processor.Process(t.Context(), attemptAt(x)); err != nil {
		t.Errorf("the newer worker: %v", err)
	}
}

// The same picture in other variants is another request.
func TestIdempotencyMindsTheSet(t *testing.T) {
	t.Parallel()
	p := newParts(t)
	first, created, err := p.submitAs(t, "", "key")
	if err != nil || !created {
		t.Fatal(created, err)
	}
	again, created, err := p.submitAs(t, task.DefaultSet, "key")
	if err != nil || created || again.ID != first.ID {
		t.Errorf("the default by name: %v, %v, %v", again.ID, created, err)
	}
	if _, _, err := p.submitAs(t, "tiny", "key"); !errors.Is(err, task.ErrIdempotencyMismatch) {
		t.Errorf("another set: %v", err)
	}
}

func attemptAt(x task.Task) task.Attempt {
	return task.Attempt{ID: x.ID, Number: 1, WorkerID: "w", Lease: &lease{token: "w"}, Progress: func(context.Context, int) {}}
}

// The placeholder comes with the results, and a second attempt makes the same.
func TestCompletedTaskHasAPlaceholder(t *testing.T) {
	t.Parallel()
	p := newParts(t)
	x := p.submit(t)
	if x.Original.ThumbHash != "" {
		t.Errorf("a new task has the placeholder %q", x.Original.ThumbHash)
	}
	if err := p.processor.Process(t.Context(), attemptAt(x)); err != nil {
		t.Fatal(err)
	}
	got, err := p.repo.Get(t.Context(), x.ID)
	hash, decoded := base64.StdEncoding.DecodeString(got.Original.ThumbHash)
	if err != nil || decoded != nil || len(hash) < 5 {
		t.Errorf("placeholder %q: %v, %v", got.Original.ThumbHash, err, decoded)
	}
}
