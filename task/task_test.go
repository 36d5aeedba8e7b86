package task_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"revela/imaging"
	"revela/imaging/imagetest"
	"revela/storage/files"
	"revela/storage/sqlite"
	"revela/task"
)

// Every transition that the contract allows, and no other.
func TestLifeCycle(t *testing.T) {
	t.Parallel()
	now := time.Now()
	steps := map[string]func(task.Task) (task.Task, error){
		"begin":    func(x task.Task) (task.Task, error) { return x.Begin("token", 1, 0, now) },
		"complete": func(x task.Task) (task.Task, error) { return x.Complete(nil, now) },
		"wait":     func(x task.Task) (task.Task, error) { return x.Wait("reason", now) },
		"release":  func(x task.Task) (task.Task, error) { return x.Release(now) },
		"lose":     func(x task.Task) (task.Task, error) { return x.Lose(now) },
		"fail":     func(x task.Task) (task.Task, error) { return x.Fail("reason", now) },
		"retry":    func(x task.Task) (task.Task, error) { return x.Retry(now) },
		"promote":  func(x task.Task) (task.Task, error) { return x.Promote(now) },
		"cancel":   func(x task.Task) (task.Task, error) { return x.Cancel(now) },
	}
	allowed := map[task.Status]map[string]task.Status{
		task.Pending:    {"begin": task.Processing, "wait": task.Pending, "fail": task.Failed, "promote": task.Pending, "cancel": task.Cancelled},
		task.Processing: {"begin": task.Processing, "complete": task.Completed, "wait": task.Pending, "release": task.Pending, "lose": task.Pending, "fail": task.Failed, "cancel": task.Cancelled},
		task.Failed:     {"retry": task.Pending},
		task.Completed:  {},
		task.Cancelled:  {},
	}
	for _, from := range task.Statuses() {
		for name, step := range steps {
			got, err := step(task.Task{Status: from, Attempts: 1})
			want, ok := allowed[from][name]
			if ok && (err != nil || got.Status != want) {
				t.Errorf("%s, %s: %s, %v; want %s", from, name, got.Status, err, want)
			}
			var state *task.StateError
			if !ok && (!errors.As(err, &state) || got.Status != from) {
				t.Errorf("%s, %s: %s, %v; want a refusal", from, name, got.Status, err)
			}
		}
	}
}

// nobody schedules nothing and hears nothing.
type nobody struct{}

func (nobody) Room(context.Context) error                               { return nil }
func (nobody) Offer(context.Context, task.Task) error                   { return nil }
func (nobody) Schedule(context.Context, task.Task) error                { return nil }
func (nobody) Withdraw(context.Context, task.ID) error                  { return nil }
func (nobody) Survey(context.Context) (task.Survey, error)              { return nobody{}, nil }
func (nobody) Lost(_ context.Context, ids []task.ID) ([]task.ID, error) { return ids, nil }
func (nobody) Publish(context.Context, task.Event)                      {}

// lease is held until it is not.
type lease struct {
	token string
	lost  bool
}

func (l *lease) Token() string { return l.token }
func (l *lease) Extend(context.Context) error {
	if l.lost {
		return task.ErrLeaseLost
	}
	return nil
}

type parts struct {
	dir       string
	repo      *sqlite.Store
	files     *files.Store
	service   *task.Service
	processor *task.Processor
}

func newParts(t *testing.T) parts {
	t.Helper()
	p := parts{dir: t.TempDir()}
	var err error
	if p.repo, err = sqlite.Open(t.Context(), filepath.Join(p.dir, "tasks.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.repo.Close() })
	if p.files, err = files.Open(p.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.files.Close() })
	images, err := imaging.New(imaging.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	sets := task.Sets{
		task.DefaultSet: {{Name: "10", Width: 10, Quality: 85}},
		"tiny":          {{Name: "3", Width: 3, Quality: 85}, {Name: "2", Width: 2, Quality: 85}},
	}
	p.service = &task.Service{
		Repo: p.repo, Reads: p.repo, Files: p.files, Scheduler: nobody{}, Events: nobody{},
		Images: images, Sets: sets, MaxBytes: 1 << 20, Now: time.Now, Unscheduled: func() {},
	}
	p.processor = &task.Processor{
		Repo: p.repo, Files: p.files, Events: nobody{}, Images: images,
		Sets: sets, MaxBytes: 1 << 20, Now: time.Now,
	}
	return p
}

func (p parts) submit(t *testing.T) task.Task {
	t.Helper()
	x, _, err := p.service.Submit(t.Context(), task.Submission{
		Source: task.Source{Kind: task.Upload, Name: "a.jpg"}, Body: bytes.NewReader(imagetest.JPEG(imagetest.Photo(40, 30))),
	})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// left are the files of all tasks.
func (p parts) left(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"storage/images/*/*", "storage/images/*/.*", "output/*/*/*"} {
		m, err := filepath.Glob(filepath.Join(p.dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m...)
	}
	return all
}

// leaving is a body whose sender is gone when it has been read.
type leaving struct {
	io.Reader
	leave func()
}

func (l leaving) Read(b []byte) (int, error) {
	n, err := l.Reader.Read(b)
	if err == io.EOF {
		l.leave()
	}
	return n, err
}

func TestCallerWhoLeftLeavesNothing(t *testing.T) {
	t.Parallel()
	p := newParts(t)
	ctx, leave := context.WithCancel(t.Context())
	_, _, err := p.service.Submit(ctx, task.Submission{
		Source: task.Source{Kind: task.Upload, Name: "a.jpg"},
		Body:   leaving{bytes.NewReader(imagetest.JPEG(imagetest.Photo(40, 30))), leave},
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Submit: %v", err)
	}
	if n, err := p.repo.Count(t.Context(), task.Filter{}); err != nil || n.N != 0 {
		t.Errorf("%v records, %v", n, err)
	}
	if left := p.left(t); len(left) != 0 {
		t.Errorf("files stayed: %v", left)
	}
}

// A delete that breaks off when the record is gone: the sweep ends it. One that
// breaks off before: the sweep keeps the files.
func TestDeleteThatBreaksOff(t *testing.T) {
	t.Parallel()
	p := newParts(t)
	gone, stays := p.submit(t), p.submit(t)
	if err := errors.Join(p.files.Unkeep(t.Context(), gone.ID), p.files.Unkeep(t.Context(), stays.ID), p.repo.Delete(t.Context(), gone.ID)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	(&task.Sweeper{
		Repo: p.repo, Files: p.files, Now: func() time.Time { return time.Now().Add(2 * time.Hour) },
		Report: func(removed int, err error) {
			if removed != 1 || err != nil {
				t.Errorf("removed %d, %v", removed, err)
			}
			cancel()
		},
	}).Run(ctx)
	if left := p.left(t); len(left) != 1 || left[0] != filepath.Join(p.dir, stays.Original.Path) {
		t.Errorf("left: %v", left)
	}
}

// A worker that lost its lease to another can neither take the task back nor
// overwrite its successor's result, whenever it wakes.
func TestWorkerWithoutLeaseCommitsNothing(t *testing.T) {
	t.Parallel()
	p := newParts(t)
	x := p.submit(t)
	attempt := func(l *lease) task.Attempt {
		return task.Attempt{ID: x.ID, Number: 1, WorkerID: l.token, Lease: l, Progress: func(context.Context, int) {}}
	}
	first, second := &lease{token: "first"}, &lease{token: "second"}
	// The first sleeps between its work and its commit; meanwhile the second
	// does all of it.
	slow := *p.processor
	slow.Events = onEvent(func(e task.Event) {
		if e.Type == task.EventProgress {
			first.lost = true
			if err := p.processor.Process(t.Context(), attempt(second)); err != nil {
				t.Errorf("the second: %v", err)
			}
		}
	})
	if err := slow.Process(t.Context(), attempt(first)); !errors.Is(err, task.ErrLeaseLost) {
		t.Errorf("the first: %v", err)
	}
	if err := p.processor.Failed(t.Context(), attempt(first), "late", true); err != nil {
		t.Errorf("Failed after the end: %v", err) // it is over, there is nothing to record
	}
	got, err := p.repo.Get(t.Context(), x.ID)
	if err != nil || got.Status != task.Completed || got.Token != "second" || len(got.Images) != 1 {
		t.Errorf("task = %+v, %v", got, err)
	}
	if left := p.left(t); len(left) != 2 {
		t.Errorf("an original and one variant are expected: %v", left)
	}
}

type onEvent func(task.Event)

func (f onEvent) Publish(_ context.Context, e task.Event) { f(e) }
