package tasktest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"revela/task"
)

// must hands on the result of a call that may not fail.
func must[T any](got T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}

// same compares all of got and want: the zone of times and nil against empty
// slices too.
func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	exact := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.Location() == b.Location() })
	if diff := cmp.Diff(want, got, exact); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// ids names tasks in few words.
func ids(tasks []task.Task) string {
	var b strings.Builder
	for _, t := range tasks {
		b.WriteString(string(t.ID) + " ")
	}
	return b.String()
}
