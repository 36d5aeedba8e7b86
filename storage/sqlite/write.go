package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"revela/storage/internal/canonical"
	"revela/task"
)

var (
	insertTask = fmt.Sprintf("INSERT INTO tasks (%s) VALUES (?%s)",
		strings.Join(columns, ", "), strings.Repeat(", ?", len(columns)-1))
	updateTask = fmt.Sprintf("UPDATE tasks SET %s = ? WHERE id = ? AND version = ?",
		strings.Join(columns[1:], " = ?, "))
)

// Create stores t with Version 1. Besides task.ErrKeyTaken it answers
// task.ErrConflict when a task with t's id exists, and task.ErrInvalidID.
func (s *Store) Create(ctx context.Context, t task.Task) (task.Task, error) {
	t, err := canonical.Task(t)
	if err != nil {
		return task.Task{}, err
	}
	t.Version = 1
	args, err := values(t)
	if err != nil {
		return task.Task{}, err
	}
	err = s.write(ctx, func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, insertTask, args...)
		return violation(err)
	})
	if err != nil {
		return task.Task{}, fmt.Errorf("create task %s: %w", t.ID, err)
	}
	return t, nil
}

// Update stores t if its Version is still the stored one, and returns it with
// the next.
func (s *Store) Update(ctx context.Context, t task.Task) (task.Task, error) {
	t, err := canonical.Task(t)
	if err != nil {
		return task.Task{}, err
	}
	seen := t.Version
	t.Version++
	args, err := values(t)
	if err != nil {
		return task.Task{}, err
	}
	args = append(args[1:], string(t.ID), seen)
	err = s.write(ctx, func(ctx context.Context, conn *sql.Conn) error {
		changed, err := rows(conn.ExecContext(ctx, updateTask, args...))
		if err != nil || changed == 1 {
			return violation(err)
		}
		// Nobody can write between the two statements.
		var there bool
		if err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM tasks WHERE id = ?)", string(t.ID)).Scan(&there); err != nil {
			return err
		}
		if there {
			return task.ErrConflict
		}
		return task.ErrNotFound
	})
	if err != nil {
		return task.Task{}, fmt.Errorf("update task %s: %w", t.ID, err)
	}
	return t, nil
}

// Delete removes the record.
func (s *Store) Delete(ctx context.Context, id task.ID) error {
	err := s.write(ctx, func(ctx context.Context, conn *sql.Conn) error {
		removed, err := rows(conn.ExecContext(ctx, "DELETE FROM tasks WHERE id = ?", string(id)))
		if err == nil && removed == 0 {
			err = task.ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("delete task %s: %w", id, err)
	}
	return nil
}

// rows says how many rows a statement changed.
func rows(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
