package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"revela/task"
)

const (
	// opTimeout ends every operation: the port promises two seconds.
	opTimeout = 1800 * time.Millisecond
	// busyTimeout is how much of it may pass waiting for another process.
	busyTimeout = 1500 * time.Millisecond
	// readers bounds the connections that read at the same time.
	readers = 4
)

// Store is a task.Repository in one SQLite file. It is safe for concurrent use,
// also by other processes.
type Store struct {
	reader *sql.DB
	writer *sql.DB // of one connection, because SQLite has one writer
	// turn is held by whoever uses writer. Those who wait for a channel get it
	// in the order in which they came; a pool of connections picks any of them,
	// and waiting for the file's lock is a matter of luck too.
	turn chan struct{}
}

var _ task.Repository = (*Store)(nil)

// Open opens the file at path, which is made, with its directory, if need be,
// and brings its schema up to date. Close it after use.
func Open(ctx context.Context, path string) (*Store, error) {
	if path == "" {
		return nil, errors.New("sqlite: the path of the file is missing")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	s, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	writer, err := sql.Open("sqlite", dsn(path, "synchronous(FULL)"))
	if err != nil {
		return nil, err
	}
	reader, err := sql.Open("sqlite", dsn(path, "query_only(1)"))
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	for db, n := range map[*sql.DB]int{writer: 1, reader: readers} {
		db.SetMaxOpenConns(n)
		db.SetMaxIdleConns(n)
	}
	s := &Store{reader: reader, writer: writer, turn: make(chan struct{}, 1)}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := hide(path); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// hide keeps strangers out of the file and the two beside it, whatever the umask
// is; where they are somebody else's, that is up to him. It goes by their names:
// closing a descriptor of a file that SQLite has open would drop SQLite's locks.
func hide(path string) error {
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err == nil && info.Mode().Perm()&strangers != 0 {
			err = os.Chmod(name, info.Mode().Perm()&^strangers)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}

const strangers = 0o007

// dsn names the file as a URI, in which path may hold any character.
func dsn(path string, pragma string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	options := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
		pragma,
	}}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: options.Encode()}).String()
}

// prepare makes the file ready for use.
func (s *Store) prepare(ctx context.Context) error {
	if err := s.useWAL(ctx); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	return s.Ping(ctx)
}

// useWAL makes the file's journal a write-ahead log, which it then stays.
// Changing it needs the file for oneself, and for that SQLite does not wait:
// where several processes start at the same time, all but one try again.
func (s *Store) useWAL(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	for {
		var mode string
		err := s.writer.QueryRowContext(bounded, "PRAGMA journal_mode = WAL").Scan(&mode)
		switch {
		case err == nil && mode == "wal":
			return nil
		case err == nil:
			return fmt.Errorf("the file cannot have a write-ahead log (its journal is %q): it must be on a local disk", mode)
		case !busy(err):
			return explain(ctx, err)
		}
		again := time.NewTimer(10 * time.Millisecond)
		select {
		case <-bounded.Done():
			again.Stop()
			return explain(ctx, err)
		case <-again.C:
		}
	}
}

// Close closes the file; a read that was given up closes its part of it when it ends.
// A Store that is closed answers task.ErrUnavailable.
func (s *Store) Close() error {
	// The writer last: whoever closes the file last folds the log into it, which
	// a reader may not.
	return errors.Join(s.reader.Close(), s.writer.Close())
}

// Ping reports whether the file can be read.
func (s *Store) Ping(ctx context.Context) error {
	_, err := read(ctx, func(ctx context.Context) (any bool, err error) {
		err = s.reader.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM tasks)").Scan(&any)
		return any, err
	})
	return err
}

// read runs one query and returns what it finds. SQLite cannot be interrupted while it
// waits for the locks of its shared memory, which it does for up to ten seconds; the
// query is then left to end by itself.
func read[T any](ctx context.Context, query func(context.Context) (T, error)) (found T, err error) {
	if ctx.Err() != nil {
		return found, explain(ctx, ctx.Err())
	}
	bounded, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	type answer struct {
		found T
		err   error
		panic any
	}
	answers := make(chan answer, 1)
	go func() {
		a := answer{err: errors.New("the query ended its goroutine")}
		defer func() { a.panic = recover(); answers <- a }()
		a.found, a.err = query(bounded)
	}()
	select {
	case a := <-answers:
		if a.panic != nil {
			panic(a.panic)
		}
		return a.found, explain(ctx, a.err)
	case <-bounded.Done():
		return found, explain(ctx, bounded.Err())
	}
}

// write runs change in a transaction that holds the file's lock from its start,
// so that it cannot fail half-way because somebody else wrote meanwhile.
//
// ctx counts while it waits for its turn. From then on change and the commit
// run to their end: they take a few writes and one sync, and a statement that is
// interrupted at its commit cannot tell whether it happened.
func (s *Store) write(ctx context.Context, change func(context.Context, *sql.Conn) error) (err error) {
	defer func() { err = explain(ctx, err) }()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	bounded, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-bounded.Done():
		return bounded.Err()
	}
	conn, err := s.writer.Conn(bounded)
	if err != nil {
		return err
	}
	defer conn.Close()

	certain := context.WithoutCancel(ctx)
	defer func() {
		if err != nil {
			// Also after a BEGIN that failed: its cancellation may have come
			// when it had just begun. Without a transaction this does nothing.
			_, _ = conn.ExecContext(certain, "ROLLBACK")
		}
	}()
	if _, err := conn.ExecContext(bounded, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := change(certain, conn); err != nil {
		return err
	}
	_, err = conn.ExecContext(certain, "COMMIT")
	return err
}
