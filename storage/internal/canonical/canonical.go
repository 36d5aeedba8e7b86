// Package canonical brings a task into the one form that every store keeps, so
// that what Create and Update return is what Get returns later, whichever store
// it is.
package canonical

import (
	"fmt"
	"strings"
	"time"

	"revela/task"
)

// Task returns t with its times in UTC and whole milliseconds, with text that is
// valid UTF-8 and with no empty, non-nil images. The error wraps
// task.ErrInvalidID.
func Task(t task.Task) (task.Task, error) {
	if _, err := task.ParseID(string(t.ID)); err != nil {
		return task.Task{}, fmt.Errorf("task %q: %w", t.ID, err)
	}
	t.NotBefore = Time(t.NotBefore)
	t.StartedAt, t.FinishedAt = Time(t.StartedAt), Time(t.FinishedAt)
	t.CreatedAt, t.UpdatedAt = Time(t.CreatedAt), Time(t.UpdatedAt)
	t.Source.Name, t.Error = Text(t.Source.Name), Text(t.Error)
	t.IdempotencyKey = Text(t.IdempotencyKey)
	// The copy keeps a caller's later change of its slice out of the result.
	t.Images = append([]task.Image(nil), t.Images...)
	return t, nil
}

// Time cuts at to what the stores keep. The zero time stays zero.
func Time(at time.Time) time.Time {
	if at.IsZero() {
		return time.Time{}
	}
	return task.Millis(at)
}

// Text replaces what is not UTF-8: BSON strings and JSON must be, and a file
// name or a header comes from outside as any bytes.
func Text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
