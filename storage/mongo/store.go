package mongo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"revela/task"
)

const (
	// opTimeout ends every operation: the port promises two seconds.
	opTimeout = 1800 * time.Millisecond
	// closeTimeout is how long Close waits for operations under way.
	closeTimeout = opTimeout
	// abandonTimeout is the same for an Open that failed: nothing is under way.
	abandonTimeout = 100 * time.Millisecond
	// indexTimeout is how long Open waits for the server to build indexes over
	// records that are there already.
	indexTimeout = time.Minute
)

// Store is a task.Repository in one MongoDB database. It is safe for concurrent
// use, also by other processes.
type Store struct {
	client *driver.Client
	tasks  *driver.Collection
}

var _ task.Repository = (*Store)(nil)

// Open connects to the server at uri, makes the collection tasks with its
// indexes in the database if need be, and proves that the server can be relied
// on. The errors wrap task.ErrUnavailable when no server answers, and
// ErrNotAtomic. They never show the password in uri. Close the Store after use.
func Open(ctx context.Context, uri, database string) (*Store, error) {
	s, err := open(ctx, uri, database)
	if err != nil {
		return nil, err
	}
	if err := s.probe(ctx); err != nil {
		return nil, errors.Join(err, s.disconnect(abandonTimeout))
	}
	return s, nil
}

// open is Open without the proof.
func open(ctx context.Context, uri, database string) (*Store, error) {
	if database == "" || len(database) > 63 || strings.ContainsAny(database, `/\. "$*<>:|?`+"\x00") {
		return nil, fmt.Errorf(`mongo: the database name %q: 1 to 63 characters are expected, none of them / \ . " $ * < > : | ? or a space`, database)
	}
	opts, err := clientOptions(uri)
	if err != nil {
		return nil, err
	}
	client, err := driver.Connect(opts) // in the background
	if err != nil {
		return nil, fmt.Errorf("mongo: %w", err)
	}
	s := &Store{client: client, tasks: client.Database(database).Collection("tasks")}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.disconnect(abandonTimeout))
	}
	return s, nil
}

// prepare waits for the server and makes the indexes.
func (s *Store) prepare(ctx context.Context) error {
	if err := s.Ping(ctx); err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, indexTimeout)
	defer cancel()
	for name, index := range indexes() {
		index.Options.SetName(name)
		if _, err := s.tasks.Indexes().CreateOne(bounded, index); err != nil {
			return fmt.Errorf("make the index %s: %w", name, explain(ctx, err))
		}
	}
	return nil
}

// Close waits a moment for what is under way and disconnects. A Store that is
// closed answers task.ErrUnavailable.
func (s *Store) Close() error { return s.disconnect(closeTimeout) }

// disconnect lets operations under way end within limit and cuts off the rest. The
// driver may go on behind it for as long as connecting takes: it waits for a check
// of the server that began as it was told to stop.
func (s *Store) disconnect(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		done <- s.client.Disconnect(ctx)
	}()
	<-ctx.Done()
	select {
	case err := <-done:
		if err != nil && !errors.Is(err, driver.ErrClientDisconnected) {
			return fmt.Errorf("mongo: disconnect: %w", err)
		}
	default:
	}
	return nil
}

// Ping reports whether the server that takes changes answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.do(ctx, func(ctx context.Context) error {
		return s.tasks.Database().RunCommand(ctx, bson.D{{Key: "ping", Value: 1}}).Err()
	})
}

// do runs one operation within its time.
func (s *Store) do(ctx context.Context, operation func(context.Context) error) error {
	if ctx.Err() != nil {
		return explain(ctx, ctx.Err())
	}
	bounded, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	return explain(ctx, operation(bounded))
}
