package task

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"

	"revela/imaging"
)

// Processor is what workers do with tasks. It is safe for concurrent use.
type Processor struct {
	Repo     Repository
	Files    Files
	Fetcher  Fetcher
	Events   Publisher
	Images   *imaging.Engine
	Sets     Sets
	MaxBytes int64 // of one original
	Now      func() time.Time
}

// Attempt is one try of a worker at a task.
type Attempt struct {
	ID       ID
	Number   int // the first is 1
	Stalls   int // attempts before this one whose worker was lost
	WorkerID string
	Lease    Lease
	Progress func(ctx context.Context, percent int) // tells the queue, and does not take long
}

// Process makes the variants of one task. nil says that nothing is left to do,
// be it because the task was finished, cancelled or deleted before. Permanent
// tells which errors another attempt would meet again. ErrLeaseLost: the task
// is somebody else's now, and nothing of this attempt remains.
func (p *Processor) Process(ctx context.Context, a Attempt) error {
	t, err := p.begin(ctx, a)
	switch {
	case err != nil:
		return err
	case t.Status == Failed: // recorded, but the queue did not hear of it
		return fmt.Errorf("%w: %s", ErrFailedBefore, t.Error)
	case t.Status != Processing:
		return nil
	}
	m := &meter{p: p, a: a, at: t.StartedAt}
	if t.Original.Path == "" {
		if t, err = p.fetch(ctx, t); err != nil {
			return err
		}
		m.reach(ctx, fetched)
	}
	images, hash, err := p.render(ctx, m, t)
	if err != nil {
		return err
	}
	t.Original.ThumbHash = hash
	return p.commit(ctx, a, t, images)
}

// begin makes the task this attempt's. A task that needs no work is returned
// as it is, a deleted one as the zero Task.
//
// The order is what keeps a worker that lost its lease from taking the task
// back: the record is read first, then the lease is proved, then the record is
// written if it is still the one that was read. Whoever holds a later lease
// either wrote in between, and the write here fails, or reads what is written
// here.
func (p *Processor) begin(ctx context.Context, a Attempt) (Task, error) {
	return p.own(ctx, a, func(t Task) (Task, error) {
		return t.Begin(a.Lease.Token(), a.Number, a.Stalls, p.Now())
	}, func(t Task) {
		p.Events.Publish(ctx, Event{TaskID: t.ID, Type: EventProcessing, At: t.UpdatedAt, WorkerID: a.WorkerID})
	})
}

// own applies a transition that only the holder of the lease may make, and
// tells of it. Finished and deleted tasks are left alone.
func (p *Processor) own(ctx context.Context, a Attempt, transition func(Task) (Task, error), tell func(Task)) (Task, error) {
	for range maxConflicts {
		t, err := p.Repo.Get(ctx, a.ID)
		if errors.Is(err, ErrNotFound) {
			return Task{}, nil
		}
		if err != nil || t.Status.Finished() {
			return t, err
		}
		if err := a.Lease.Extend(ctx); err != nil {
			return Task{}, err
		}
		if t, err = transition(t); err != nil {
			return Task{}, err
		}
		t, err = p.Repo.Update(ctx, t)
		if errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return Task{}, err
		}
		tell(t)
		return t, nil
	}
	return Task{}, ErrConflict
}

// fetch reads the picture behind the task's URL and stores it, unless another
// attempt has stored one that the record does not name yet: that one stays. In
// another format it has another name, and the one that is not named goes with
// the task.
func (p *Processor) fetch(ctx context.Context, t Task) (Task, error) {
	body, err := p.Fetcher.Fetch(ctx, t.Source)
	if err != nil {
		return t, fmt.Errorf("fetch the picture: %w", err)
	}
	defer body.Close()
	if t.Original, err = store(ctx, p.Files, p.Images, t.ID, body, p.MaxBytes); err != nil {
		return t, err
	}
	if t, err = p.Repo.Update(ctx, t); err != nil {
		return t, leaseLost(err)
	}
	return t, p.Files.Keep(ctx, t.ID)
}

// render makes the variants and stores them, without naming them anywhere yet,
// and makes the picture's placeholder.
func (p *Processor) render(ctx context.Context, m *meter, t Task) (images []Image, thumbHash string, err error) {
	variants, err := p.Sets.Find(t.Variants)
	if err != nil {
		return nil, "", err
	}
	f, err := p.Files.Open(ctx, t.Original.Path)
	if err != nil {
		return nil, "", fmt.Errorf("open the original: %w", err)
	}
	defer f.Close()
	from := m.told
	made, err := p.Images.RenderWithProgress(ctx, f, variants, func(done, total int) {
		m.reach(ctx, from+(rendered-from)*done/total)
	})
	if err != nil {
		return nil, "", err
	}
	images = make([]Image, len(made.Images))
	for i, out := range made.Images {
		if images[i], err = p.put(ctx, t.ID, out); err != nil {
			return nil, "", fmt.Errorf("store variant %s: %w", out.Name, err)
		}
	}
	return images, base64.StdEncoding.EncodeToString(made.ThumbHash), nil
}

// put stores one variant under the checksum of its bytes, so that doing it
// again changes nothing.
func (p *Processor) put(ctx context.Context, id ID, out imaging.Output) (Image, error) {
	sum := md5.Sum(out.Data)
	img := Image{
		Resolution: out.Name, Format: string(out.Format), Width: out.Width, Height: out.Height,
		Size: int64(len(out.Data)), MD5: hex.EncodeToString(sum[:]),
	}
	dir := path.Join("output", string(id), out.Name)
	img.Path = path.Join(dir, img.MD5+"."+out.Format.Ext())
	staged, err := p.Files.Stage(ctx, dir)
	if err != nil {
		return Image{}, err
	}
	defer staged.Discard()
	if _, err := io.Copy(staged, bytes.NewReader(out.Data)); err != nil {
		return Image{}, err
	}
	if err := staged.Commit(img.Path); err != nil && !errors.Is(err, fs.ErrExist) {
		return Image{}, err
	}
	return img, nil
}

// commit names the results in the record, unless the task is no longer this
// attempt's. While the store cannot be reached it holds them and tries again,
// until ctx ends.
func (p *Processor) commit(ctx context.Context, a Attempt, t Task, images []Image) error {
	done, err := t.Complete(images, p.Now())
	if err != nil {
		return err
	}
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		stored, err := p.Repo.Update(ctx, done)
		if err == nil {
			done = stored
			break
		}
		if errors.Is(err, ErrUnavailable) && pause(ctx, wait) {
			continue
		}
		if errors.Is(err, ErrNotFound) { // deleted meanwhile, with all its files but these
			return errors.Join(p.Files.RemoveTask(context.WithoutCancel(ctx), t.ID), ErrLeaseLost)
		}
		if errors.Is(err, ErrConflict) && p.committed(ctx, a) {
			break // by an earlier try here, whose answer was lost
		}
		return leaseLost(err)
	}
	p.Events.Publish(ctx, Event{
		TaskID: t.ID, Type: EventCompleted, At: done.UpdatedAt, Images: images,
		ProcessingTime: done.FinishedAt.Sub(done.StartedAt), WorkerID: a.WorkerID,
	})
	return nil
}

// committed reports whether the record carries this very attempt's results.
func (p *Processor) committed(ctx context.Context, a Attempt) bool {
	t, err := p.Repo.Get(ctx, a.ID)
	return err == nil && t.Status == Completed && t.Token == a.Lease.Token()
}

// Failed records how an attempt ended that Process, or its time, or its worker
// failed, and why, in words for its owner: final ends the task, otherwise it
// waits for the next attempt.
// ErrLeaseLost: the task is somebody else's now.
func (p *Processor) Failed(ctx context.Context, a Attempt, reason string, final bool) error {
	_, err := p.own(ctx, a, func(t Task) (Task, error) {
		t.Attempts, t.Stalls = a.Number, a.Stalls
		if final {
			return t.Fail(reason, p.Now())
		}
		return t.Wait(reason, p.Now())
	}, func(t Task) {
		e := Event{TaskID: t.ID, Type: EventFailed, At: t.UpdatedAt, Error: reason, Attempts: a.Number, WorkerID: a.WorkerID}
		if !final {
			e.Type, e.WillRetry = EventRetry, true
		}
		p.Events.Publish(ctx, e)
	})
	return err
}

// HandBack returns a running task to pending because its worker stops.
func (p *Processor) HandBack(ctx context.Context, a Attempt) error {
	_, err := p.own(ctx, a, func(t Task) (Task, error) { return t.Release(p.Now()) }, func(Task) {})
	return err
}

// Permanent reports whether another attempt would meet the same error: the
// picture is broken, or its source is gone or forbidden.
func Permanent(err error) bool {
	var picture *imaging.Error
	return errors.As(err, &picture) || errors.Is(err, ErrSourceRefused) || errors.Is(err, fs.ErrNotExist) ||
		errors.Is(err, ErrFileTooLarge) || errors.Is(err, ErrEmpty) || errors.Is(err, ErrFailedBefore)
}

// leaseLost turns a failed compare-and-swap of a running task into what it
// means.
func leaseLost(err error) error {
	if errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
		return ErrLeaseLost
	}
	return err
}

// pause waits for d and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
