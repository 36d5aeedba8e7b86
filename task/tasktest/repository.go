package tasktest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"revela/task"
)

// Repository checks a task.Repository one call at a time. open returns an empty
// one, of which nothing else knows.
func Repository(t *testing.T, open func(t *testing.T) task.Repository) {
	for name, check := range map[string]func(*testing.T, task.Repository){
		"round trip":         roundTrip,
		"sparse round trip":  sparseRoundTrip,
		"odd text":           oddText,
		"canonical form":     canonicalForm,
		"versions":           versions,
		"missing":            missing,
		"malformed ids":      malformedIDs,
		"taken id":           takenID,
		"idempotency keys":   idempotencyKeys,
		"delete":             deletes,
		"list order":         listOrder,
		"list pages":         listPages,
		"list without limit": listWithoutLimit,
		"filter and count":   filterAndCount,
		"search":             search,
		"unfinished":         unfinished,
		"unfinished by due":  unfinishedByDue,
		"ended contexts":     endedContexts,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, open(t))
		})
	}
}

// epoch is a time of which stores keep everything: UTC, whole milliseconds.
var epoch = time.Date(2026, 3, 1, 12, 30, 15, 678_000_000, time.UTC)

// blank is a new task as the Service makes it for a URL: most fields are empty.
func blank(at time.Time) task.Task {
	return task.Task{
		ID: task.NewID(), Status: task.Pending,
		Source:    task.Source{Kind: task.URL, Name: "https://example.org/a.jpg"},
		CreatedAt: at, UpdatedAt: at,
	}
}

// full is a task in which every field is set, each to a value of its own.
func full() task.Task {
	return task.Task{
		ID:     task.NewID(),
		Status: task.Completed,
		Source: task.Source{Kind: task.Upload, Name: "Überfahrt ⛴ 船.jpg"},
		Original: task.Original{Path: "storage/images/x/original.jpg", Format: "jpeg", Width: 4000, Height: 3000, Size: 5_000_000_000, SHA256: strings.Repeat("ab", 32),
			Frames: 24, ThumbHash: "1QcSHQRnh493V4dIh4eXh1h4kJUI"},
		Variants: "thumbs", Urgent: true,
		Images: []task.Image{
			{Resolution: "1024", Path: "output/x/1024/m1.jpg", Format: "jpeg", Width: 1024, Height: 768, Size: 6_000_000_000, MD5: strings.Repeat("01", 16)},
			{Resolution: "thumb/ñ", Path: "output/x/thumb/m2.webp", Format: "webp", Width: 100, Height: 75, Size: 4321, MD5: strings.Repeat("23", 16)},
		},
		Error: "line one\nline \"two\"", Attempts: 3, Stalls: 2,
		IdempotencyKey: "key-ключ", Fingerprint: strings.Repeat("cd", 32),
		Version: 1, Token: "host:42:7",
		NotBefore: epoch.Add(time.Millisecond), StartedAt: epoch.Add(time.Second), FinishedAt: epoch.Add(2 * time.Second),
		CreatedAt: epoch, UpdatedAt: epoch.Add(2*time.Second + time.Millisecond),
	}
}

func roundTrip(t *testing.T, repo task.Repository) {
	want := full()
	same(t, "Create", must(repo.Create(t.Context(), want))(t), want)
	same(t, "Get", must(repo.Get(t.Context(), want.ID))(t), want)
	same(t, "FindByKey", must(repo.FindByKey(t.Context(), want.IdempotencyKey))(t), want)
	same(t, "List", must(repo.List(t.Context(), task.Query{Limit: 2}))(t), []task.Task{want})

	// And the same by Update, from a task that had none of it.
	created := must(repo.Create(t.Context(), blank(epoch)))(t)
	want.ID, want.IdempotencyKey = created.ID, "another key"
	updated := must(repo.Update(t.Context(), want))(t)
	want.Version = 2
	same(t, "Update", updated, want)
	same(t, "Get after Update", must(repo.Get(t.Context(), want.ID))(t), want)
}

func sparseRoundTrip(t *testing.T, repo task.Repository) {
	want := blank(epoch)
	want.Version = 1
	same(t, "Create", must(repo.Create(t.Context(), want))(t), want)
	same(t, "Get", must(repo.Get(t.Context(), want.ID))(t), want)

	// Update also takes fields away.
	emptied := must(repo.Create(t.Context(), full()))(t)
	want.ID, want.Version = emptied.ID, emptied.Version
	want = must(repo.Update(t.Context(), want))(t)
	same(t, "Get after Update", must(repo.Get(t.Context(), want.ID))(t), want)
	if _, err := repo.FindByKey(t.Context(), emptied.IdempotencyKey); !errors.Is(err, task.ErrNotFound) {
		t.Errorf("FindByKey after the key was taken away: %v, want ErrNotFound", err)
	}
}

// oddText sends what file names and headers may hold.
func oddText(t *testing.T, repo task.Repository) {
	for _, text := range []string{
		"'; DROP TABLE tasks; --", "$where", "{$ne: 1}", "a.b.c", "\u202egpj.exe", "%_*?\\", "\x01\x7f",
		"e\u0301 is not \u00e9", "👩‍👩‍👧‍👦", strings.Repeat("long ", 10_000),
	} {
		want := blank(epoch)
		want.Source.Name, want.Error, want.IdempotencyKey, want.Version = text, text, text, 1
		if len(text) > 1000 {
			want.IdempotencyKey = text[:255] // what the API takes
		}
		same(t, "Create", must(repo.Create(t.Context(), want))(t), want)
		same(t, "FindByKey", must(repo.FindByKey(t.Context(), want.IdempotencyKey))(t), want)
	}
	// What is not text is made text; the key is still found.
	broken := blank(epoch)
	broken.Source.Name, broken.IdempotencyKey = "caf\xe9.jpg", "k\xff"
	stored := must(repo.Create(t.Context(), broken))(t)
	if want := "caf\uFFFD.jpg"; stored.Source.Name != want {
		t.Errorf("the name %q was stored as %q, want %q", broken.Source.Name, stored.Source.Name, want)
	}
	same(t, "FindByKey", must(repo.FindByKey(t.Context(), broken.IdempotencyKey))(t), stored)
}

// canonicalForm checks that what Create and Update return is what Get returns,
// even if what they were given could not be kept as it was.
func canonicalForm(t *testing.T, repo task.Repository) {
	given := blank(epoch)
	local := epoch.Add(123 * time.Microsecond).In(time.FixedZone("east", 3*3600))
	given.CreatedAt, given.UpdatedAt, given.StartedAt, given.FinishedAt = local, local, local, local
	given.NotBefore = local
	given.Images = []task.Image{}
	given.Version = 99 // Create starts at 1

	want := given
	want.CreatedAt, want.UpdatedAt, want.StartedAt, want.FinishedAt = epoch, epoch, epoch, epoch
	want.NotBefore = epoch
	want.Images, want.Version = nil, 1
	same(t, "Create", must(repo.Create(t.Context(), given))(t), want)
	same(t, "Get", must(repo.Get(t.Context(), given.ID))(t), want)

	given.Version, want.Version = 1, 2
	same(t, "Update", must(repo.Update(t.Context(), given))(t), want)
	same(t, "Get after Update", must(repo.Get(t.Context(), given.ID))(t), want)
}

func versions(t *testing.T, repo task.Repository) {
	first := must(repo.Create(t.Context(), blank(epoch)))(t)

	second := first
	second.Attempts = 1
	second = must(repo.Update(t.Context(), second))(t)
	if second.Version != first.Version+1 {
		t.Errorf("Update went from version %d to %d, want the next", first.Version, second.Version)
	}

	late := first
	late.Attempts = 99
	for _, version := range []int64{first.Version, second.Version + 1, 0} {
		late.Version = version
		if _, err := repo.Update(t.Context(), late); !errors.Is(err, task.ErrConflict) {
			t.Errorf("Update of version %d at version %d: %v, want ErrConflict", version, second.Version, err)
		}
	}
	same(t, "Get", must(repo.Get(t.Context(), first.ID))(t), second)
}

func missing(t *testing.T, repo task.Repository) {
	must(repo.Create(t.Context(), blank(epoch)))(t) // something else is there
	gone := blank(epoch)
	gone.Version = 1
	for what, call := range map[string]func() error{
		"Get":       func() error { _, err := repo.Get(t.Context(), gone.ID); return err },
		"Update":    func() error { _, err := repo.Update(t.Context(), gone); return err },
		"Delete":    func() error { return repo.Delete(t.Context(), gone.ID) },
		"FindByKey": func() error { _, err := repo.FindByKey(t.Context(), "no such key"); return err },
		"no key":    func() error { _, err := repo.FindByKey(t.Context(), ""); return err },
	} {
		if err := call(); !errors.Is(err, task.ErrNotFound) {
			t.Errorf("%s of what is not there: %v, want ErrNotFound", what, err)
		}
	}
}

func malformedIDs(t *testing.T, repo task.Repository) {
	for _, id := range []task.ID{"", "xyz", "../../etc/passwd", "0123456789ABCDEF01234567"} {
		if _, err := repo.Get(t.Context(), id); !errors.Is(err, task.ErrNotFound) {
			t.Errorf("Get(%q): %v, want ErrNotFound", id, err)
		}
		if err := repo.Delete(t.Context(), id); !errors.Is(err, task.ErrNotFound) {
			t.Errorf("Delete(%q): %v, want ErrNotFound", id, err)
		}
		bad := blank(epoch)
		bad.ID = id
		if _, err := repo.Create(t.Context(), bad); !errors.Is(err, task.ErrInvalidID) {
			t.Errorf("Create(%q): %v, want ErrInvalidID", id, err)
		}
	}
}

func takenID(t *testing.T, repo task.Repository) {
	first := must(repo.Create(t.Context(), full()))(t)
	second := blank(epoch)
	second.ID = first.ID
	if _, err := repo.Create(t.Context(), second); !errors.Is(err, task.ErrConflict) {
		t.Errorf("Create with a taken id: %v, want ErrConflict", err)
	}
	same(t, "Get", must(repo.Get(t.Context(), first.ID))(t), first)
}

func idempotencyKeys(t *testing.T, repo task.Repository) {
	for range 3 { // no key is no reason to collide
		must(repo.Create(t.Context(), blank(epoch)))(t)
	}
	keyed := blank(epoch)
	keyed.IdempotencyKey = "once"
	first := must(repo.Create(t.Context(), keyed))(t)

	keyed.ID = task.NewID()
	if _, err := repo.Create(t.Context(), keyed); !errors.Is(err, task.ErrKeyTaken) {
		t.Errorf("Create with a taken key: %v, want ErrKeyTaken", err)
	}
	if _, err := repo.Get(t.Context(), keyed.ID); !errors.Is(err, task.ErrNotFound) {
		t.Errorf("Get of the refused task: %v, want ErrNotFound", err)
	}
	same(t, "FindByKey", must(repo.FindByKey(t.Context(), "once"))(t), first)

	other := blank(epoch)
	other.IdempotencyKey = "Once" // keys are bytes, not words
	must(repo.Create(t.Context(), other))(t)

	// A key is free again when its task is gone.
	if err := repo.Delete(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	must(repo.Create(t.Context(), keyed))(t)
}

func deletes(t *testing.T, repo task.Repository) {
	kept := must(repo.Create(t.Context(), blank(epoch)))(t)
	gone := must(repo.Create(t.Context(), blank(epoch)))(t)
	if err := repo.Delete(t.Context(), gone.ID); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	if err := repo.Delete(t.Context(), gone.ID); !errors.Is(err, task.ErrNotFound) {
		t.Errorf("Delete again: %v, want ErrNotFound", err)
	}
	if _, err := repo.Update(t.Context(), gone); !errors.Is(err, task.ErrNotFound) {
		t.Errorf("Update after Delete: %v, want ErrNotFound", err)
	}
	same(t, "List", must(repo.List(t.Context(), task.Query{Limit: 10}))(t), []task.Task{kept})
}

// endedContexts checks that a caller that has left gets its own error, at once.
func endedContexts(t *testing.T, repo task.Repository) {
	stored := must(repo.Create(t.Context(), blank(epoch)))(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, call := range map[string]func() error{
		"Create":     func() error { _, err := repo.Create(ctx, blank(epoch)); return err },
		"Update":     func() error { _, err := repo.Update(ctx, stored); return err },
		"Delete":     func() error { return repo.Delete(ctx, stored.ID) },
		"Get":        func() error { _, err := repo.Get(ctx, stored.ID); return err },
		"FindByKey":  func() error { _, err := repo.FindByKey(ctx, "key"); return err },
		"List":       func() error { _, err := repo.List(ctx, task.Query{Limit: 1}); return err },
		"Count":      func() error { _, err := repo.Count(ctx, task.Filter{}); return err },
		"Search":     func() error { _, err := repo.Search(ctx, task.Query{Limit: 1}, "a"); return err },
		"Unfinished": func() error { _, err := repo.Unfinished(ctx, epoch, time.Time{}, "", 1); return err },
		"Ping":       func() error { return repo.Ping(ctx) },
	} {
		start := time.Now()
		err := call()
		if !errors.Is(err, context.Canceled) || errors.Is(err, task.ErrUnavailable) {
			t.Errorf("%s with an ended context: %v, want context.Canceled and not ErrUnavailable", what, err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s with an ended context took %v", what, took)
		}
	}
	same(t, "Get", must(repo.Get(t.Context(), stored.ID))(t), stored)
	if n := must(repo.Count(t.Context(), task.Filter{}))(t).N; n != 1 {
		t.Errorf("Count = %d, want 1: a call with an ended context has changed something", n)
	}
	if err := repo.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}
