package task

import (
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// ID names a task: 24 lower-case hexadecimal digits, a MongoDB ObjectID. It
// starts with its creation time in seconds, so ids sort roughly by age.
type ID string

// NewID returns an id that no other process makes (BSON ObjectID: time,
// random process value, counter).
func NewID() ID { return ID(bson.NewObjectID().Hex()) }

// ParseID checks that s is an id. The error is ErrInvalidID.
func ParseID(s string) (ID, error) {
	if len(s) != 24 {
		return "", ErrInvalidID
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", ErrInvalidID
		}
	}
	return ID(s), nil
}

// Status is where a task stands in its life cycle.
type Status string

// The states of a task. Nothing leaves Completed or Cancelled.
const (
	Pending    Status = "pending"
	Processing Status = "processing"
	Completed  Status = "completed"
	Failed     Status = "failed"
	Cancelled  Status = "cancelled"
)

// Statuses lists every status, in the order of life.
func Statuses() []Status { return []Status{Pending, Processing, Completed, Failed, Cancelled} }

// Valid reports whether s is one of the states.
func (s Status) Valid() bool {
	switch s {
	case Pending, Processing, Completed, Failed, Cancelled:
		return true
	}
	return false
}

// Finished reports whether s is a state in which no work is due: completed,
// failed or cancelled.
func (s Status) Finished() bool { return s == Completed || s == Failed || s == Cancelled }

// SourceKind says how the picture reached us.
type SourceKind string

// The kinds of source.
const (
	Upload SourceKind = "upload" // bytes in the request; Name is the client's file name
	URL    SourceKind = "url"    // fetched by a worker; Name is the URL
	Path   SourceKind = "path"   // read from the import directory; Name is the path below it
)

// Source is where a picture came from. Name is data for people: it is never
// used as a file name.
type Source struct {
	Kind SourceKind
	Name string
}

// Original describes the stored original. It is zero for a URL that no worker
// has fetched yet.
type Original struct {
	Path          string // slash-separated, relative to DATA_DIR
	Format        string // "jpeg", "png", …
	Width, Height int    // pixels as shown, after EXIF orientation
	Size          int64  // bytes
	SHA256        string // of the bytes, hex
	Frames        int    // of an animation, or pages of a TIFF, the first of which is shown; 0 and 1 are a still picture
	ThumbHash     string // placeholder, standard base64; "" until the variants are made
}

// Image is one finished variant.
type Image struct {
	Resolution    string // the variant's name, by default its width: "1024"
	Path          string // slash-separated, relative to DATA_DIR
	Format        string
	Width, Height int // pixels
	Size          int64
	MD5           string // of the bytes, hex
}

// Task is one record. It is a value: methods return the changed copy, and
// Repository.Update stores it if nobody else stored one in between.
type Task struct {
	ID             ID
	Status         Status
	Source         Source
	Original       Original
	Variants       string    // the set of variants that it asks for; "" is DefaultSet
	Urgent         bool      // it overtakes tasks that are not
	Images         []Image   // only when completed
	Error          string    // why the last attempt failed; shown when failed
	Attempts       int       // attempts that count, the one under way included
	Stalls         int       // attempts whose worker was lost
	IdempotencyKey string    // unique among tasks where not empty
	Fingerprint    string    // of the request that made the task; compared when its key comes again
	Version        int64     // grows by one with every stored change; the fence of every update
	Token          string    // the lease under which the latest attempt began
	NotBefore      time.Time // when the first attempt may begin; zero is at once, and once it has begun
	StartedAt      time.Time
	FinishedAt     time.Time
	CreatedAt      time.Time // UTC, whole milliseconds
	UpdatedAt      time.Time // UTC, whole milliseconds
}

// Errors of the domain. Callers match them with errors.Is.
var (
	ErrInvalidID           = errors.New("not a task id: 24 lower-case hexadecimal digits are expected")
	ErrNotFound            = errors.New("no such task")
	ErrConflict            = errors.New("the task was changed by somebody else meanwhile")
	ErrKeyTaken            = errors.New("the idempotency key belongs to another task")
	ErrIdempotencyMismatch = errors.New("the idempotency key was used before with another picture")
	ErrSourceRefused       = errors.New("the source may not be read")
	ErrEmpty               = errors.New("the picture is empty")
	ErrFileTooLarge        = errors.New("the picture is larger than allowed")
	ErrInvalidDelay        = errors.New("the delay is not from 0 to 720h")
	ErrQueueFull           = errors.New("the queue is full")
	ErrFailedBefore        = errors.New("the task had failed before")
	ErrUnavailable         = errors.New("a service this depends on cannot be reached")
)

// StateError says that a task's state forbids what was asked.
type StateError struct {
	Status Status // the state it is in
	Action string // what was asked: "retry"
}

func (e *StateError) Error() string {
	return fmt.Sprintf("a %s task cannot %s", e.Status, e.Action)
}

// Begin starts an attempt under the lease named by token. A task found in
// processing belongs to a worker that was lost, so it may begin again.
func (t Task) Begin(token string, attempt, stalls int, now time.Time) (Task, error) {
	if t.Status.Finished() {
		return t, &StateError{t.Status, "start"}
	}
	t.Status, t.Token, t.Attempts, t.Stalls = Processing, token, attempt, stalls
	t.StartedAt, t.NotBefore = now, time.Time{}
	return t.touch(now), nil
}

// Complete ends a running task with its results.
func (t Task) Complete(images []Image, now time.Time) (Task, error) {
	if t.Status != Processing {
		return t, &StateError{t.Status, "complete"}
	}
	t.Status, t.Images, t.Error, t.FinishedAt = Completed, images, "", now
	return t.touch(now), nil
}

// Wait returns an unfinished task to pending after a failed attempt; another
// is due. reason says why it failed.
func (t Task) Wait(reason string, now time.Time) (Task, error) {
	if t.Status.Finished() {
		return t, &StateError{t.Status, "wait"}
	}
	t.Status, t.Error = Pending, reason
	return t.touch(now), nil
}

// Release returns a running task to pending because its worker stops; the
// attempt does not count.
func (t Task) Release(now time.Time) (Task, error) {
	if t.Status != Processing {
		return t, &StateError{t.Status, "be handed back"}
	}
	t.Status, t.Attempts = Pending, max(0, t.Attempts-1)
	return t.touch(now), nil
}

// Lose is Release for a worker that was lost, which counts as a stall.
func (t Task) Lose(now time.Time) (Task, error) {
	t, err := t.Release(now)
	if err == nil {
		t.Stalls++
	}
	return t, err
}

// Fail ends an unfinished task without a result.
func (t Task) Fail(reason string, now time.Time) (Task, error) {
	if t.Status.Finished() {
		return t, &StateError{t.Status, "fail"}
	}
	t.Status, t.Error, t.FinishedAt = Failed, reason, now
	return t.touch(now), nil
}

// Retry gives a failed task a fresh set of attempts, to begin at once.
func (t Task) Retry(now time.Time) (Task, error) {
	if t.Status != Failed {
		return t, &StateError{t.Status, "be retried"}
	}
	t.Status, t.Error, t.Attempts, t.Stalls, t.FinishedAt = Pending, "", 0, 0, time.Time{}
	t.NotBefore = time.Time{}
	return t.touch(now), nil
}

// Promote lets a pending task begin at once that was to begin later.
func (t Task) Promote(now time.Time) (Task, error) {
	if t.Status != Pending {
		return t, &StateError{t.Status, "be promoted"}
	}
	t.NotBefore = time.Time{}
	return t.touch(now), nil
}

// Cancel ends an unfinished task because a caller wants it so.
func (t Task) Cancel(now time.Time) (Task, error) {
	if t.Status.Finished() {
		return t, &StateError{t.Status, "be cancelled"}
	}
	t.Status, t.FinishedAt = Cancelled, now
	return t.touch(now), nil
}

// touch sets the time of change, which never goes back even if the clock does.
func (t Task) touch(now time.Time) Task {
	now = Millis(now)
	if now.Before(t.UpdatedAt) {
		now = t.UpdatedAt
	}
	t.UpdatedAt = now
	return t
}

// Millis cuts now to the precision that every store keeps: UTC milliseconds.
func Millis(now time.Time) time.Time { return now.UTC().Truncate(time.Millisecond) }

// ErrLeaseLost says that a worker no longer holds the job it works on.
var ErrLeaseLost = errors.New("the lease was lost")
