package sqlite

import (
	"context"
	"database/sql"
	"fmt"
)

// migrations[n] brings a file from schema n to n+1. A released one is never
// changed, only followed by another.
//
// Times are milliseconds since the epoch. NULL is "not yet", or "no key".
// Images are JSON: they are always read and written together with their task.
var migrations = []string{
	`CREATE TABLE tasks (
		id              TEXT    NOT NULL PRIMARY KEY,
		version         INTEGER NOT NULL,
		status          TEXT    NOT NULL,
		source_kind     TEXT    NOT NULL,
		source_name     TEXT    NOT NULL,
		original_path   TEXT    NOT NULL,
		original_format TEXT    NOT NULL,
		original_width  INTEGER NOT NULL,
		original_height INTEGER NOT NULL,
		original_size   INTEGER NOT NULL,
		original_sha256 TEXT    NOT NULL,
		images          TEXT    NOT NULL,
		error           TEXT    NOT NULL,
		attempts        INTEGER NOT NULL,
		stalls          INTEGER NOT NULL,
		idempotency_key TEXT,
		fingerprint     TEXT    NOT NULL,
		token           TEXT    NOT NULL,
		started_at      INTEGER,
		finished_at     INTEGER,
		created_at      INTEGER NOT NULL,
		updated_at      INTEGER NOT NULL
	) STRICT;
	CREATE UNIQUE INDEX tasks_by_key     ON tasks (idempotency_key) WHERE idempotency_key IS NOT NULL;
	CREATE INDEX tasks_by_age            ON tasks (created_at, id);
	CREATE INDEX tasks_by_status_and_age ON tasks (status, created_at, id);
	CREATE INDEX tasks_unfinished        ON tasks (id, updated_at) WHERE status IN ('pending', 'processing');`,

	// Totals are kept, not counted: counting a million index entries takes a
	// tenth of a second. Triggers keep them in the transaction of the change.
	`CREATE TABLE task_counts (
		status TEXT    NOT NULL PRIMARY KEY,
		n      INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;
	INSERT INTO task_counts SELECT status, count(*) FROM tasks GROUP BY status;
	CREATE TRIGGER tasks_counted AFTER INSERT ON tasks BEGIN
		INSERT INTO task_counts VALUES (new.status, 1) ON CONFLICT DO UPDATE SET n = n + 1;
	END;
	CREATE TRIGGER tasks_moved AFTER UPDATE OF status ON tasks WHEN new.status <> old.status BEGIN
		UPDATE task_counts SET n = n - 1 WHERE status = old.status;
		INSERT INTO task_counts VALUES (new.status, 1) ON CONFLICT DO UPDATE SET n = n + 1;
	END;
	CREATE TRIGGER tasks_uncounted AFTER DELETE ON tasks BEGIN
		UPDATE task_counts SET n = n - 1 WHERE status = old.status;
	END;`,

	// The defaults are for the tasks that are there: they ask for the default
	// set, count as still pictures and have no placeholder.
	`ALTER TABLE tasks ADD COLUMN variants           TEXT    NOT NULL DEFAULT '';
	ALTER TABLE tasks ADD COLUMN original_frames    INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE tasks ADD COLUMN original_thumbhash TEXT    NOT NULL DEFAULT '';`,

	// Tasks that are there are not urgent and were to begin at once.
	`ALTER TABLE tasks ADD COLUMN urgent     INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE tasks ADD COLUMN not_before INTEGER;`,

	// Tasks that begin later are passed over without a look at their rows.
	`DROP INDEX tasks_unfinished;
	CREATE INDEX tasks_unfinished ON tasks (id, updated_at, not_before) WHERE status IN ('pending', 'processing');`,
}

// migrate brings the file to the latest schema. Of several processes that start
// at the same time one does the work and the others find it done.
func (s *Store) migrate(ctx context.Context) error {
	have, err := read(ctx, func(ctx context.Context) (int, error) {
		return schemaOf(s.reader.QueryRowContext(ctx, askSchema))
	})
	if err != nil || have == len(migrations) {
		return err // mostly without waiting for whoever writes just now
	}
	return s.write(ctx, func(ctx context.Context, conn *sql.Conn) error {
		have, err := schemaOf(conn.QueryRowContext(ctx, askSchema))
		if err != nil {
			return err
		}
		for n, statements := range migrations[have:] {
			if _, err := conn.ExecContext(ctx, statements); err != nil {
				return fmt.Errorf("bring the schema to version %d: %w", have+n+1, err)
			}
		}
		// A PRAGMA takes no parameters. Like the tables it is part of the
		// transaction.
		_, err = conn.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(migrations)))
		return err
	})
}

const askSchema = "PRAGMA user_version"

// schemaOf reads a file's schema, which must be one that is known here.
func schemaOf(row *sql.Row) (have int, err error) {
	if err := row.Scan(&have); err != nil {
		return 0, fmt.Errorf("read the schema's version: %w", err)
	}
	if have < 0 || have > len(migrations) {
		return 0, fmt.Errorf("the file has schema %d, this version of revela knows %d: use the newer version that wrote it", have, len(migrations))
	}
	return have, nil
}
