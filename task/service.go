package task

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"revela/imaging"
)

// Service is what callers of the API may do with tasks. It is safe for
// concurrent use.
type Service struct {
	Repo      Repository // as it is
	Reads     Reader     // as it was a moment ago at most: what is shown
	Files     Files
	Fetcher   Fetcher
	Scheduler Scheduler
	Events    Publisher
	Images    *imaging.Engine
	Sets      Sets
	MaxBytes  int64            // of one original
	Now       func() time.Time // the clock of records

	// Unscheduled is called when a task was stored of which the queue could not
	// be told. It must not block; the Reconciler should run soon.
	Unscheduled func()
}

// Submission is a picture that a caller hands in.
type Submission struct {
	Source         Source
	Body           io.Reader // for uploads
	IdempotencyKey string    // "" is none
	// Options returns what else is wanted. It is asked when Body was read to its
	// end: in a form, other fields may follow the picture. nil is the zero
	// Options.
	Options func() Options
}

// Submit stores a picture, its record and its job, in this order, and returns
// the task. created is false when the idempotency key had made it before.
//
// Uploads and paths are stored and checked here; a URL is fetched by the
// worker. ErrQueueFull says that too many tasks wait, and none has the idempotency
// key. An error leaves nothing behind, with one exception: when the record is
// stored and the queue cannot be reached, the task is accepted and the Reconciler
// schedules it later. *UnknownSetError: the variants that are wanted are not
// configured. ErrInvalidDelay: the task may not wait so long.
func (s *Service) Submit(ctx context.Context, in Submission) (t Task, created bool, err error) {
	if err := s.Scheduler.Room(ctx); errors.Is(err, ErrQueueFull) && !s.known(ctx, in.IdempotencyKey) {
		return Task{}, false, err // before a byte is read
	}
	now := Millis(s.Now())
	t = Task{
		ID: NewID(), Status: Pending, Source: in.Source,
		IdempotencyKey: in.IdempotencyKey, CreatedAt: now, UpdatedAt: now,
	}
	if in.Source.Kind != Upload {
		if err := s.Fetcher.Check(in.Source); err != nil {
			return Task{}, false, err
		}
	}
	if in.Source.Kind == URL {
		t.Fingerprint = fingerprint(in.Source.Name)
	} else {
		body := in.Body
		if in.Source.Kind == Path {
			rc, err := s.Fetcher.Fetch(ctx, in.Source)
			if err != nil {
				return Task{}, false, err
			}
			defer rc.Close()
			body = rc
		}
		t.Original, err = store(ctx, s.Files, s.Images, t.ID, body, s.MaxBytes)
		if err != nil {
			s.forget(ctx, t.ID)
			return Task{}, false, err
		}
		t.Fingerprint = t.Original.SHA256
	}
	if err := s.choose(&t, in.Options); err != nil {
		s.forget(ctx, t.ID)
		return Task{}, false, err
	}

	stored, err := s.create(ctx, t)
	if errors.Is(err, ErrKeyTaken) {
		s.forget(ctx, t.ID)
		t, err = s.earlier(ctx, t)
		return t, false, err
	}
	if err != nil {
		return Task{}, false, err
	}
	t = stored
	if err := s.accept(ctx, t); err != nil {
		return Task{}, false, err
	}
	return t, true, nil
}

// known reports whether an idempotency key has made a task: asking again for that
// takes no room in the queue.
func (s *Service) known(ctx context.Context, key string) bool {
	if key == "" {
		return false
	}
	_, err := s.Repo.FindByKey(ctx, key)
	return err == nil
}

// choose sets what t asks for.
func (s *Service) choose(t *Task, wanted func() Options) error {
	var o Options
	if wanted != nil {
		o = wanted()
	}
	if err := o.Check(); err != nil {
		return err
	}
	t.Variants, t.Urgent = cmp.Or(o.Variants, DefaultSet), o.Urgent
	if o.Delay > 0 { // from now on, not from when a long upload began
		t.NotBefore = Millis(s.Now().Add(o.Delay))
	}
	if _, err := s.Sets.Find(t.Variants); err != nil {
		return err
	}
	if t.Variants != DefaultSet { // the same picture in other variants is another request
		t.Fingerprint = fingerprint(t.Fingerprint + "\n" + t.Variants)
	}
	return nil
}

// create stores the record of a picture whose file is in its place. A caller
// that has left by now gets no task; later it is not asked any more, so that
// the record is either there or known not to be.
func (s *Service) create(ctx context.Context, t Task) (Task, error) {
	if err := ctx.Err(); err != nil {
		s.forget(ctx, t.ID)
		return Task{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterCommit)
	defer cancel()
	stored, err := s.Repo.Create(ctx, t)
	if err == nil || errors.Is(err, ErrKeyTaken) {
		return stored, err
	}
	// The answer may be lost and the record there all the same. If it is, or
	// nobody can tell, the files must stay; the sweep looks again later.
	now, look := s.Repo.Get(ctx, t.ID)
	switch {
	case look == nil:
		return now, nil
	case errors.Is(look, ErrNotFound):
		s.forget(ctx, t.ID)
	}
	return Task{}, fmt.Errorf("store the task: %w", err)
}

// accept does what follows a stored record. The caller's cancellation no
// longer counts: the task exists.
func (s *Service) accept(ctx context.Context, t Task) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterCommit)
	defer cancel()
	if t.Original.Path != "" {
		_ = s.Files.Keep(ctx, t.ID) // otherwise the sweep asks the record, and keeps them
	}
	s.Events.Publish(ctx, Event{TaskID: t.ID, Type: EventCreated, At: t.CreatedAt})
	if err := s.tell(ctx, t, s.Scheduler.Offer); errors.Is(err, ErrQueueFull) {
		return errors.Join(err, s.discard(ctx, t))
	}
	return nil // otherwise the Reconciler schedules it
}

// tell tells the queue of a stored task, or else that it must hear of it soon.
func (s *Service) tell(ctx context.Context, t Task, schedule func(context.Context, Task) error) error {
	ctx, cancel := context.WithTimeout(ctx, toSchedule)
	defer cancel()
	err := schedule(ctx, t)
	if err != nil && !errors.Is(err, ErrQueueFull) {
		s.Unscheduled()
	}
	return err
}

// How long a caller may have to wait for what its own cancellation no longer
// ends.
const (
	afterCommit = 3 * time.Second // all steps from storing the record
	toSchedule  = time.Second     // the queue's among them
)

// earlier returns the task that has t's idempotency key, if it was made by the
// same request.
func (s *Service) earlier(ctx context.Context, t Task) (Task, error) {
	first, err := s.Repo.FindByKey(ctx, t.IdempotencyKey)
	if err != nil {
		return Task{}, fmt.Errorf("find the task of the idempotency key: %w", err)
	}
	if first.Fingerprint != t.Fingerprint {
		return Task{}, ErrIdempotencyMismatch
	}
	return first, nil
}

// Get returns one task, possibly from the cache.
func (s *Service) Get(ctx context.Context, id ID) (Task, error) { return s.Reads.Get(ctx, id) }

// Page is one page of a listing.
type Page struct {
	Tasks []Task
	Total Total
	Next  Cursor // zero where nothing follows; after a full page nothing may follow all the same
}

// List returns one page and the total, possibly from the cache.
func (s *Service) List(ctx context.Context, q Query) (Page, error) {
	total := sync.OnceValues(func() (Total, error) { return s.Reads.Count(ctx, q.Filter) })
	// What is in the cache is there at once. Where it is not, the total should
	// not wait for the tasks.
	early := time.AfterFunc(time.Millisecond, func() {
		defer func() { _ = recover() }() // total panics again below, where the request's handler hears of it
		_, _ = total()
	})
	tasks, err := s.Reads.List(ctx, q)
	early.Stop()
	n, failed := total()
	if err = errors.Join(err, failed); err != nil {
		return Page{}, err
	}
	p := Page{Tasks: tasks, Total: n}
	if len(tasks) == q.Limit { // the total may be of another moment, and does not say whether more follow
		last := tasks[len(tasks)-1]
		p.Next = Cursor{last.CreatedAt, last.ID}
	}
	return p, nil
}

// Search returns one page of the tasks whose source's name contains text; see
// Repository.Search. It is never cached.
func (s *Service) Search(ctx context.Context, q Query, text string) (Page, error) {
	m, err := s.Repo.Search(ctx, q, text)
	if err != nil {
		return Page{}, err
	}
	return Page{Tasks: m.Tasks, Total: m.Total, Next: m.Next}, nil
}

// Retry gives a failed task new attempts.
func (s *Service) Retry(ctx context.Context, id ID) (Task, error) {
	t, err := s.change(ctx, id, func(t Task) (Task, error) { return t.Retry(s.Now()) })
	if err != nil {
		return Task{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterCommit)
	defer cancel()
	_ = s.tell(ctx, t, s.Scheduler.Schedule) // the Reconciler does it otherwise
	s.Events.Publish(ctx, Event{TaskID: id, Type: EventRetry, At: t.UpdatedAt, WillRetry: true})
	return t, nil
}

// Promote lets a pending task begin at once that was to begin later. Its job is
// the caller's to move: the record comes first, so that a queue that is lost in
// between is rebuilt without the delay.
func (s *Service) Promote(ctx context.Context, id ID) error {
	t, err := s.Repo.Get(ctx, id)
	if err != nil || t.NotBefore.IsZero() {
		return err
	}
	_, err = s.change(ctx, id, func(t Task) (Task, error) { return t.Promote(s.Now()) })
	return err
}

// Cancel stops an unfinished task, on whichever process it runs. Its result,
// should it be ready a moment later, is refused.
func (s *Service) Cancel(ctx context.Context, id ID) (Task, error) {
	t, err := s.change(ctx, id, func(t Task) (Task, error) { return t.Cancel(s.Now()) })
	if err != nil {
		return Task{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterCommit)
	defer cancel()
	_ = s.Scheduler.Withdraw(ctx, id) // a worker that takes it finds it cancelled
	s.Events.Publish(ctx, Event{TaskID: id, Type: EventCancelled, At: t.UpdatedAt})
	return t, nil
}

// Delete removes a task: its record, then its job, then its files.
func (s *Service) Delete(ctx context.Context, id ID) error {
	t, err := s.Repo.Get(ctx, id)
	if err != nil {
		return err
	}
	return s.discard(ctx, t)
}

func (s *Service) discard(ctx context.Context, t Task) error {
	// Should this break off after the record is gone, the sweep removes the
	// files; should the record stay, it keeps them.
	if err := s.Files.Unkeep(ctx, t.ID); err != nil {
		return fmt.Errorf("prepare to remove the files: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterCommit)
	defer cancel()
	if err := s.Repo.Delete(ctx, t.ID); err != nil {
		return err
	}
	_ = s.Scheduler.Withdraw(ctx, t.ID) // a worker that takes it finds no record
	if err := s.Files.RemoveTask(ctx, t.ID); err != nil {
		return fmt.Errorf("remove the files: %w", err)
	}
	s.Events.Publish(ctx, Event{TaskID: t.ID, Type: EventDeleted, At: Millis(s.Now())})
	return nil
}

// OpenOriginal opens the uploaded picture, byte for byte.
func (s *Service) OpenOriginal(ctx context.Context, id ID) (Task, File, error) {
	t, err := s.Get(ctx, id)
	if err != nil {
		return Task{}, nil, err
	}
	if t.Original.Path == "" {
		return t, nil, fmt.Errorf("the original of %s is not here yet: %w", id, ErrNotFound)
	}
	f, err := s.Files.Open(ctx, t.Original.Path)
	return t, f, err
}

// OpenImage opens one variant.
func (s *Service) OpenImage(ctx context.Context, id ID, resolution string) (Image, File, error) {
	t, err := s.Get(ctx, id)
	if err != nil {
		return Image{}, nil, err
	}
	for _, img := range t.Images {
		if img.Resolution == resolution {
			f, err := s.Files.Open(ctx, img.Path)
			return img, f, err
		}
	}
	return Image{}, nil, fmt.Errorf("task %s has no image %q: %w", id, resolution, ErrNotFound)
}

// change applies one transition, again from the stored record whenever
// somebody else was faster.
func (s *Service) change(ctx context.Context, id ID, transition func(Task) (Task, error)) (Task, error) {
	return update(ctx, s.Repo, id, transition)
}

func update(ctx context.Context, repo Repository, id ID, transition func(Task) (Task, error)) (Task, error) {
	for range maxConflicts {
		t, err := repo.Get(ctx, id)
		if err != nil {
			return Task{}, err
		}
		if t, err = transition(t); err != nil {
			return Task{}, err
		}
		t, err = repo.Update(ctx, t)
		if !errors.Is(err, ErrConflict) {
			return t, err
		}
	}
	return Task{}, ErrConflict
}

// maxConflicts bounds a compare-and-swap loop. A task changes a few times in
// its life, so even two conflicts in a row are rare.
const maxConflicts = 16

// forget removes what an unaccepted submission left on disk.
func (s *Service) forget(ctx context.Context, id ID) {
	_ = s.Files.RemoveTask(context.WithoutCancel(ctx), id) // otherwise Sweep does
}

func fingerprint(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
