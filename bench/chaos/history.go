package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"revela/storage/sqlite"
)

// history is the store of tasks as the storm sees it. A trigger writes down
// every change of a record in the transaction that makes it, so no process can
// change a record, or be killed after it did, without leaving a line.
type history struct{ db *sql.DB }

const recordChanges = `
CREATE TABLE chaos_history (
	seq INTEGER PRIMARY KEY, task TEXT NOT NULL, at INTEGER NOT NULL,
	was TEXT NOT NULL, status TEXT NOT NULL, held TEXT NOT NULL, token TEXT NOT NULL
) STRICT;
CREATE INDEX chaos_by_task ON chaos_history (task, seq);
CREATE TRIGGER chaos_update AFTER UPDATE ON tasks BEGIN
	INSERT INTO chaos_history (task, at, was, status, held, token)
	VALUES (NEW.id, NEW.updated_at, OLD.status, NEW.status, OLD.token, NEW.token);
END;
CREATE TRIGGER chaos_delete AFTER DELETE ON tasks BEGIN
	INSERT INTO chaos_history (task, at, was, status, held, token)
	VALUES (OLD.id, OLD.updated_at, OLD.status, 'deleted', OLD.token, '');
END;`

// openHistory makes the store in a data directory that no process uses yet.
func openHistory(ctx context.Context, dataDir string) (*history, error) {
	path, err := filepath.Abs(filepath.Join(dataDir, "tasks.db"))
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("make the store of tasks: %w", err)
	}
	if err := store.Close(); err != nil {
		return nil, err
	}
	options := url.Values{"_pragma": {"busy_timeout(20000)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: options.Encode()}).String())
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, recordChanges); err != nil {
		return nil, errors.Join(fmt.Errorf("record changes: %w", err), db.Close())
	}
	return &history{db}, nil
}

// change is one line of a task's history.
type change struct {
	task   string
	at     time.Time
	was    string
	status string
	held   string // the lease under which the former state was written
	token  string // the lease under which this one was written
}

// changes are all lines in the order in which they were written.
func (h *history) changes(ctx context.Context) ([]change, error) {
	rows, err := h.db.QueryContext(ctx, "SELECT task, at, was, status, held, token FROM chaos_history ORDER BY seq")
	if err != nil {
		return nil, fmt.Errorf("read the history: %w", err)
	}
	defer rows.Close()
	var all []change
	for rows.Next() {
		var c change
		var at int64
		if err := rows.Scan(&c.task, &at, &c.was, &c.status, &c.held, &c.token); err != nil {
			return nil, fmt.Errorf("read the history: %w", err)
		}
		c.at = time.UnixMilli(at)
		all = append(all, c)
	}
	return all, rows.Err()
}

// record is one task as it is stored.
type record struct {
	id, status, name, reason string
	attempts, stalls         int
	images                   []struct{ Path, MD5 string }
}

// records are all tasks.
func (h *history) records(ctx context.Context) ([]record, error) {
	rows, err := h.db.QueryContext(ctx, "SELECT id, status, source_name, error, attempts, stalls, images FROM tasks ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("read the records: %w", err)
	}
	defer rows.Close()
	var all []record
	for rows.Next() {
		var r record
		var images []byte
		if err := rows.Scan(&r.id, &r.status, &r.name, &r.reason, &r.attempts, &r.stalls, &images); err != nil {
			return nil, fmt.Errorf("read the records: %w", err)
		}
		if err := json.Unmarshal(images, &r.images); err != nil {
			return nil, fmt.Errorf("images of task %s: %w", r.id, err)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// unfinished counts the tasks that have not ended.
func (h *history) unfinished(ctx context.Context) (n int, err error) {
	err = h.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM tasks WHERE status IN ('pending', 'processing')").Scan(&n)
	return n, err
}

// heldBy names the tasks that a process was working on, by its process id in
// the tokens of its leases.
func (h *history) heldBy(ctx context.Context, pid int) (ids []string, err error) {
	rows, err := h.db.QueryContext(ctx, "SELECT id FROM tasks WHERE status = 'processing' AND token LIKE ?", fmt.Sprintf("%%:%d:%%", pid))
	if err != nil {
		return nil, fmt.Errorf("who held what: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
