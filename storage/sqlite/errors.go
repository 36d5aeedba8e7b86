package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"revela/task"
)

// errClosed is what database/sql answers after Close; it has no name for it.
const errClosed = "sql: database is closed"

// explain turns what SQLite and database/sql say into what the port promises.
// ctx is the caller's: its end is reported as itself, while our own deadline
// means that the store did not answer in time. An answer of the store's stays
// an answer, even to a caller that has left meanwhile.
func explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, task.ErrNotFound), errors.Is(err, task.ErrConflict), errors.Is(err, task.ErrKeyTaken):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("sqlite: %w", ctx.Err())
	case unreachable(err):
		return fmt.Errorf("%w: sqlite: %w", task.ErrUnavailable, err)
	}
	return fmt.Errorf("sqlite: %w", err)
}

// unreachable reports whether err says that the file cannot be used now, though
// it may be later.
func unreachable(err error) bool {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch primary(e) {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN,
			sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT:
			return true
		}
		return false
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sql.ErrConnDone) || err.Error() == errClosed
}

// primary is the class of an extended result code: its low byte.
func primary(e *sqlite.Error) int { return e.Code() & 0xff }

// violation names what a refused insert or update would have broken.
func violation(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() {
		case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return fmt.Errorf("%w: its id is taken", task.ErrConflict)
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE: // the only other one is the key
			return task.ErrKeyTaken
		}
	}
	return err
}

// busy reports whether somebody else holds the file.
func busy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && primary(e) == sqlite3.SQLITE_BUSY
}
