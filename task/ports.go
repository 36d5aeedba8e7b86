package task

import (
	"context"
	"io"
	"time"
)

// Repository keeps the records. Every method is one atomic operation of the
// store, safe for concurrent use by many processes. A store that cannot be
// reached is reported as an error that wraps ErrUnavailable, within two
// seconds.
type Repository interface {
	Reader

	// Create stores t with Version 1. ErrKeyTaken says that another task has
	// its idempotency key.
	Create(ctx context.Context, t Task) (Task, error)
	// Update stores t if the stored Version is still t.Version, and returns it
	// with the next one. ErrConflict: it is not; ErrNotFound: it is gone.
	Update(ctx context.Context, t Task) (Task, error)
	// Delete removes the record. ErrNotFound: there is none.
	Delete(ctx context.Context, id ID) error
	// Search is List for tasks whose source's name contains text, whatever the
	// case of its letters. It looks at no more than SearchSpan of the tasks that
	// q selects, so a page may be short, or empty, and yet have a Next.
	Search(ctx context.Context, q Query, text string) (Matches, error)
	// FindByKey finds the task that was made with an idempotency key.
	FindByKey(ctx context.Context, key string) (Task, error)
	// Unfinished lists pending and processing tasks that have not changed
	// since before, in order of id, starting after the given one: of those
	// whose first attempt is to begin later, only the ones that may begin
	// before due. A zero due is all.
	Unfinished(ctx context.Context, before, due time.Time, after ID, limit int) ([]Task, error)
	// Ping reports whether the store answers.
	Ping(ctx context.Context) error
}

// Reader is the part of the repository that may be served from a cache. What it
// returns may be shared with others: nobody writes into a slice that comes from it.
type Reader interface {
	// Get returns one task or ErrNotFound.
	Get(ctx context.Context, id ID) (Task, error)
	// List returns the tasks that q selects, newest first: by CreatedAt, then
	// by ID, both descending.
	List(ctx context.Context, q Query) ([]Task, error)
	// Count returns how many tasks a filter selects, at a cost that does not
	// grow with their number: where it would, it stops at CountLimit.
	Count(ctx context.Context, f Filter) (Total, error)
}

// Files keeps pictures, at slash-separated paths relative to DATA_DIR. A file
// appears at its path complete and synced, or not at all, and never changes.
type Files interface {
	// Stage opens a temporary file in dir, which is made if need be.
	Stage(ctx context.Context, dir string) (Staged, error)
	// Open opens a finished file. An error wraps fs.ErrNotExist if there is none.
	Open(ctx context.Context, path string) (File, error)
	// Keep says that the task's record exists, so its files are wanted. Files of
	// tasks that were never kept are leftovers of a crash; see Sweep.
	Keep(ctx context.Context, id ID) error
	// Unkeep takes Keep back: if the record is about to go, so should the files.
	// A task without files is not an error.
	Unkeep(ctx context.Context, id ID) error
	// RemoveTask removes every file of a task. No files is not an error.
	RemoveTask(ctx context.Context, id ID) error
	// Sweep removes temporary files older than before, and calls orphan for
	// each task older than before whose files are not kept, or that has
	// variants without an original: true removes its files, false keeps them. It returns how many were removed.
	Sweep(ctx context.Context, before time.Time, orphan func(ID) (bool, error)) (int, error)
	// Ping reports whether files can be written.
	Ping(ctx context.Context) error
}

// Staged is a file in the making. Exactly one of Commit and Discard ends it;
// Discard after Commit does nothing, so it can be deferred.
type Staged interface {
	io.Writer
	io.ReaderAt
	// Commit syncs the file and moves it to path, unless a finished file is there
	// already: that stays as it is, this one is discarded, and the error wraps
	// fs.ErrExist. Of several at once, one succeeds.
	Commit(path string) error
	// Discard removes it.
	Discard() error
}

// File is a finished file, open for reading.
type File interface {
	io.ReadSeekCloser
	io.ReaderAt
	Size() int64
	ModTime() time.Time
}

// Fetcher reads pictures that a client names instead of sending.
type Fetcher interface {
	// Check refuses at once what could never be read. The error wraps
	// ErrSourceRefused and does not say what stands behind the address.
	Check(src Source) error
	// Fetch opens the source. Its reader is bounded in bytes and in time. An
	// error that wraps ErrSourceRefused is permanent.
	Fetch(ctx context.Context, src Source) (io.ReadCloser, error)
}

// Scheduler hands tasks to the workers.
type Scheduler interface {
	// Room returns ErrQueueFull while as many jobs wait as may.
	Room(ctx context.Context) error
	// Offer is Schedule for a task that is not accepted yet. ErrQueueFull: there
	// is no room for its job.
	Offer(ctx context.Context, t Task) error
	// Schedule makes sure that a job for the task is waiting, delayed or in
	// work: delayed until NotBefore, ahead of others if Urgent. Doing it twice is
	// doing it once.
	Schedule(ctx context.Context, t Task) error
	// Withdraw takes the task's job out of the queue, or tells the worker that
	// has it, on whichever process, to stop.
	Withdraw(ctx context.Context, id ID) error
	// Survey takes stock of the queue, at a cost that grows with it.
	Survey(ctx context.Context) (Survey, error)
}

// Survey is what the queue held at a moment.
type Survey interface {
	// Lost returns those of ids that no structure of the queue holds: in all
	// likelihood, since jobs move while they are looked for.
	Lost(ctx context.Context, ids []ID) ([]ID, error)
}

// Publisher tells the world what happened. Events are hints: they may be lost,
// and nobody's correctness may depend on them.
type Publisher interface {
	Publish(ctx context.Context, e Event)
}

// Lease is a worker's hold on a job.
type Lease interface {
	// Token names this hold; no other hold has the same.
	Token() string
	// Extend renews the hold and proves that it is still held. ErrLeaseLost:
	// somebody else may have the job now.
	Extend(ctx context.Context) error
}
