package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"revela/storage/internal/canonical"
	"revela/storage/internal/window"
	"revela/task"
)

// Get returns one task.
func (s *Store) Get(ctx context.Context, id task.ID) (task.Task, error) {
	t, err := s.one(ctx, byID(id))
	if err != nil {
		return task.Task{}, fmt.Errorf("get task %s: %w", id, err)
	}
	return t, nil
}

// FindByKey finds the task that was made with an idempotency key.
func (s *Store) FindByKey(ctx context.Context, key string) (task.Task, error) {
	t, err := s.one(ctx, byKey(canonical.Text(key)))
	if err != nil {
		return task.Task{}, fmt.Errorf("find the task of a key: %w", err)
	}
	return t, nil
}

// List returns one page of a listing. A Limit below 1 selects nothing.
func (s *Store) List(ctx context.Context, q task.Query) ([]task.Task, error) {
	if q.Limit < 1 {
		return nil, nil
	}
	tasks, err := s.many(ctx, page(q))
	if err != nil {
		return nil, fmt.Errorf("list tasks: %w", err)
	}
	return tasks, nil
}

// Count returns how many tasks f selects. It is exact unless f has bounds in
// time and selects more than task.CountLimit.
func (s *Store) Count(ctx context.Context, f task.Filter) (task.Total, error) {
	return s.count(ctx, f, task.CountLimit)
}

func (s *Store) count(ctx context.Context, f task.Filter, limit int) (total task.Total, err error) {
	total.N, err = read(ctx, func(ctx context.Context) (n int64, err error) {
		q := count(f, limit+1)
		err = s.reader.QueryRowContext(ctx, q.text, q.args...).Scan(&n)
		return n, err
	})
	if err != nil {
		return task.Total{}, fmt.Errorf("count tasks: %w", err)
	}
	if f.From.IsZero() && f.Until.IsZero() || total.N <= int64(limit) {
		total.Exact = true
	} else {
		total.N = int64(limit)
	}
	return total, nil
}

// Search returns one page of the tasks whose source's name contains text; see
// task.Repository. A Limit below 1 selects nothing.
func (s *Store) Search(ctx context.Context, q task.Query, text string) (task.Matches, error) {
	return s.search(ctx, q, text, task.SearchSpan)
}

func (s *Store) search(ctx context.Context, q task.Query, text string, span int) (m task.Matches, err error) {
	part := fold(canonical.Text(text))
	in := window.Store{
		Edge: func(ctx context.Context, q task.Query, n int) (at task.Cursor, err error) {
			sel, ms := edge(q, n), int64(0)
			err = s.reader.QueryRowContext(ctx, sel.text, sel.args...).Scan(&ms, &at.ID)
			if errors.Is(err, sql.ErrNoRows) {
				return task.Cursor{}, nil
			}
			at.CreatedAt = time.UnixMilli(ms).UTC()
			return at, err
		},
		Find: func(ctx context.Context, q task.Query, end task.Cursor) ([]task.Task, error) {
			return s.collect(ctx, matches(q, end, part))
		},
		Count: func(ctx context.Context, f task.Filter, end task.Cursor) (n int64, err error) {
			sel := countMatches(f, end, part)
			err = s.reader.QueryRowContext(ctx, sel.text, sel.args...).Scan(&n)
			return n, err
		},
	}
	m, err = read(ctx, func(ctx context.Context) (task.Matches, error) { return window.Search(ctx, in, q, span) })
	if err != nil {
		return task.Matches{}, fmt.Errorf("search tasks: %w", err)
	}
	return m, nil
}

// Unfinished lists pending and processing tasks whose last change is before
// before and that may begin before due, in order of id, starting after the given
// one. A zero due is any time. A limit below 1 selects nothing.
func (s *Store) Unfinished(ctx context.Context, before, due time.Time, after task.ID, limit int) ([]task.Task, error) {
	if limit < 1 {
		return nil, nil
	}
	tasks, err := s.many(ctx, unfinished(before, due, after, limit))
	if err != nil {
		return nil, fmt.Errorf("list unfinished tasks: %w", err)
	}
	return tasks, nil
}

// one returns the task that q selects, or task.ErrNotFound.
func (s *Store) one(ctx context.Context, q query) (task.Task, error) {
	return read(ctx, func(ctx context.Context) (task.Task, error) {
		t, err := scan(s.reader.QueryRowContext(ctx, q.text, q.args...))
		if errors.Is(err, sql.ErrNoRows) {
			err = task.ErrNotFound
		}
		return t, err
	})
}

// many returns the tasks that q selects, in its order.
func (s *Store) many(ctx context.Context, q query) ([]task.Task, error) {
	return read(ctx, func(ctx context.Context) ([]task.Task, error) { return s.collect(ctx, q) })
}

// collect is many within an operation.
func (s *Store) collect(ctx context.Context, q query) (tasks []task.Task, err error) {
	rows, err := s.reader.QueryContext(ctx, q.text, q.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		t, err := scan(rows)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, t)
	}
	return tasks, rows.Err()
}
