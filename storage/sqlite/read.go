package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"revela/storage/internal/canonical"
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

// Count returns how many tasks f selects. It walks an index, some ten million
// entries a second.
func (s *Store) Count(ctx context.Context, f task.Filter) (n int64, err error) {
	err = s.read(ctx, func(ctx context.Context) error {
		q := count(f)
		return s.reader.QueryRowContext(ctx, q.text, q.args...).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("count tasks: %w", err)
	}
	return n, nil
}

// Unfinished lists pending and processing tasks whose last change is before
// before, in order of id, starting after the given one. A limit below 1 selects
// nothing.
func (s *Store) Unfinished(ctx context.Context, before time.Time, after task.ID, limit int) ([]task.Task, error) {
	if limit < 1 {
		return nil, nil
	}
	tasks, err := s.many(ctx, unfinished(before, after, limit))
	if err != nil {
		return nil, fmt.Errorf("list unfinished tasks: %w", err)
	}
	return tasks, nil
}

// one returns the task that q selects, or task.ErrNotFound.
func (s *Store) one(ctx context.Context, q query) (t task.Task, err error) {
	err = s.read(ctx, func(ctx context.Context) (err error) {
		t, err = scan(s.reader.QueryRowContext(ctx, q.text, q.args...))
		if errors.Is(err, sql.ErrNoRows) {
			return task.ErrNotFound
		}
		return err
	})
	return t, err
}

// many returns the tasks that q selects, in its order.
func (s *Store) many(ctx context.Context, q query) (tasks []task.Task, err error) {
	err = s.read(ctx, func(ctx context.Context) error {
		rows, err := s.reader.QueryContext(ctx, q.text, q.args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			t, err := scan(rows)
			if err != nil {
				return err
			}
			tasks = append(tasks, t)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	return tasks, nil
}
