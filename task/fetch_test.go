package task_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"revela/imaging/imagetest"
	"revela/task"
)

// serves is an address, and what it shows at the moment.
type serves func() io.Reader

func (serves) Check(task.Source) error { return nil }
func (s serves) Fetch(context.Context, task.Source) (io.ReadCloser, error) {
	return io.NopCloser(s()), nil
}

func shows(picture []byte) serves { return func() io.Reader { return bytes.NewReader(picture) } }

// Two pictures that an address shows one after the other.
func twoPictures() (one, other []byte) {
	return imagetest.JPEG(imagetest.Photo(40, 30)), imagetest.JPEG(imagetest.Photo(24, 32))
}

func (p parts) submitURL(t *testing.T) task.Task {
	t.Helper()
	p.service.Fetcher = shows(nil)
	x, _, err := p.service.Submit(t.Context(), task.Submission{
		Source: task.Source{Kind: task.URL, Name: "https://pictures.example/a.jpg"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// wantOriginal checks that the task is completed, that its original is the
// picture, and that the record tells of that.
func (p parts) wantOriginal(t *testing.T, id task.ID, picture []byte) {
	t.Helper()
	x, err := p.repo.Get(t.Context(), id)
	if err != nil || x.Status != task.Completed {
		t.Fatalf("task = %+v, %v", x, err)
	}
	file, err := os.ReadFile(filepath.Join(p.dir, x.Original.Path))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, picture) {
		t.Error("the original is another picture")
	}
	sum := sha256.Sum256(file)
	if o := x.Original; o.SHA256 != hex.EncodeToString(sum[:]) || o.Size != int64(len(file)) {
		t.Errorf("the record tells of another file: %+v", o)
	}
	if left := p.left(t); len(left) != 2 {
		t.Errorf("an original and one variant are expected: %v", left)
	}
}

// A worker that lost its lease while it fetched stores nothing over the picture
// of its successor, whose record is final.
func TestFetchWithoutLeaseChangesNothing(t *testing.T) {
	t.Parallel()
	p := newParts(t)
	x := p.submitURL(t)
	attempt := func(l *lease) task.Attempt {
		return task.Attempt{ID: x.ID, Number: 1, WorkerID: l.token, Lease: l, Progress: func(context.Context, int) {}}
	}
	one, other := twoPictures()
	first, second := &lease{token: "first"}, &lease{token: "second"}
	p.processor.Fetcher = shows(other)
	// The first sleeps when it has read all of the picture; meanwhile the second
	// does all of its work.
	slow := *p.processor
	slow.Fetcher = serves(func() io.Reader {
		return leaving{bytes.NewReader(one), func() {
			first.lost = true
			if err := p.processor.Process(t.Context(), attempt(second)); err != nil {
				t.Errorf("the second: %v", err)
			}
		}}
	})
	if err := slow.Process(t.Context(), attempt(first)); !errors.Is(err, task.ErrLeaseLost) {
		t.Errorf("the first: %v", err)
	}
	p.wantOriginal(t, x.ID, other)
}

// forgetful cannot be reached when it should store that a picture is here.
type forgetful struct{ task.Repository }

func (f forgetful) Update(ctx context.Context, t task.Task) (task.Task, error) {
	if t.Original.Path != "" {
		return task.Task{}, task.ErrUnavailable
	}
	return f.Repository.Update(ctx, t)
}

// An attempt that ends between the file and the record leaves the picture with
// which the next one goes on, whatever the address shows by then.
func TestNextAttemptGoesOnWithTheStoredPicture(t *testing.T) {
	t.Parallel()
	p := newParts(t)
	x := p.submitURL(t)
	attempt := func(number int, token string) task.Attempt {
		return task.Attempt{ID: x.ID, Number: number, WorkerID: token, Lease: &lease{token: token}, Progress: func(context.Context, int) {}}
	}
	one, other := twoPictures()
	broken := *p.processor
	broken.Repo, broken.Fetcher = forgetful{p.repo}, shows(one)
	if err := broken.Process(t.Context(), attempt(1, "first")); !errors.Is(err, task.ErrUnavailable) {
		t.Fatalf("the first: %v", err)
	}
	p.processor.Fetcher = shows(other)
	if err := p.processor.Process(t.Context(), attempt(2, "second")); err != nil {
		t.Errorf("the second: %v", err)
	}
	p.wantOriginal(t, x.ID, one)
}
