//go:build !race

package sqlite

import (
	"fmt"
	"testing"

	"revela/task"
)

// TestSearchSpan walks a listing that is longer than the span of a search, with the
// span that the domain promises: the last task within it is found, the first one
// past it only by the cursor. Under the race detector it would take longer than an
// operation may.
func TestSearchSpan(t *testing.T) {
	t.Parallel()
	s := openHere(t)
	const n, last = task.SearchSpan + 5000, 5000 // the newest is n-1, the last one in the span is last
	fill(t, s, n)
	name := func(i int) string { return fmt.Sprintf("img_%07d.JPG", i*7919%1000003) }
	search := func(text string, after task.Cursor) task.Matches {
		t.Helper()
		m, err := s.Search(t.Context(), task.Query{Limit: 10, After: after}, text)
		if err != nil {
			t.Fatalf("search for %s: %v", text, err)
		}
		return m
	}
	for _, tt := range []struct {
		at    int
		total int64 // what the first page says
	}{{n - 1, 1}, {last, 1}, {last - 1, 0}, {0, 0}} {
		head := search(name(tt.at), task.Cursor{})
		if head.Total != (task.Total{N: tt.total}) || len(head.Tasks) != int(tt.total) || !head.Next.CreatedAt.Equal(at(last)) {
			t.Errorf("task %d: the first page is %+v", tt.at, head)
		}
		rest := search(name(tt.at), head.Next)
		found := append(head.Tasks, rest.Tasks...)
		if len(found) != 1 || !found[0].CreatedAt.Equal(at(tt.at)) || !rest.Next.IsZero() {
			t.Errorf("task %d: both pages have %d tasks, and the second goes on at %v", tt.at, len(found), rest.Next)
		}
	}
}
