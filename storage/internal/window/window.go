// Package window searches a listing within bounds: whatever is searched for, it
// looks at no more than a span of tasks, and says where it has stopped. It is the one
// meaning of task.Repository.Search, whichever store it is.
package window

import (
	"context"

	"revela/task"
)

// Store is what a store does for a search. Each is one read whose cost the
// window bounds.
type Store struct {
	// Edge returns the place of the n-th task of q, from 1; zero if there are
	// fewer.
	Edge func(ctx context.Context, q task.Query, n int) (task.Cursor, error)
	// Find returns the page q of those matching tasks that do not come after
	// edge, if that is not zero.
	Find func(ctx context.Context, q task.Query, edge task.Cursor) ([]task.Task, error)
	// Count counts them.
	Count func(ctx context.Context, f task.Filter, edge task.Cursor) (int64, error)
}

// Search returns one page of what matches among the span tasks that q comes to
// first.
func Search(ctx context.Context, s Store, q task.Query, span int) (m task.Matches, err error) {
	edge, err := s.Edge(ctx, task.Query{Filter: q.Filter, After: q.After}, span)
	if err != nil {
		return task.Matches{}, err
	}
	if q.Limit > 0 {
		if m.Tasks, err = s.Find(ctx, q, edge); err != nil {
			return task.Matches{}, err
		}
		m.Next = edge
		if len(m.Tasks) == q.Limit {
			last := m.Tasks[len(m.Tasks)-1]
			m.Next = task.Cursor{CreatedAt: last.CreatedAt, ID: last.ID}
		}
	}
	if !q.After.IsZero() { // the total is of the listing's own beginning
		if edge, err = s.Edge(ctx, task.Query{Filter: q.Filter}, span); err != nil {
			return task.Matches{}, err
		}
	}
	m.Total.Exact = edge.IsZero()
	if n := len(m.Tasks); q.After.IsZero() && n < q.Limit && (n > 0 || q.Offset <= 0) {
		m.Total.N = int64(max(0, q.Offset) + n) // that was the last of them
		return m, nil
	}
	m.Total.N, err = s.Count(ctx, q.Filter, edge)
	return m, err
}
