package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"revela/storage/internal/canonical"
	"revela/task"
)

// Create stores t with Version 1. Besides task.ErrKeyTaken it answers
// task.ErrConflict when a task with t's id exists, and task.ErrInvalidID.
func (s *Store) Create(ctx context.Context, t task.Task) (task.Task, error) {
	t, err := canonical.Task(t)
	if err != nil {
		return task.Task{}, err
	}
	t.Version = 1
	d, err := toDocument(t)
	if err != nil {
		return task.Task{}, err
	}
	err = s.do(ctx, func(ctx context.Context) error {
		_, err := s.tasks.InsertOne(ctx, d)
		if driver.IsDuplicateKeyError(err) {
			return s.duplicate(ctx, d)
		}
		return err
	})
	if err != nil {
		return task.Task{}, fmt.Errorf("create task %s: %w", t.ID, err)
	}
	return t, nil
}

// duplicate says which of its two unique fields kept d from being inserted.
// Servers word their answer differently, so it is looked up.
func (s *Store) duplicate(ctx context.Context, d document) error {
	err := s.exists(ctx, d.ID)
	switch {
	case err == nil:
		return fmt.Errorf("%w: its id is taken", task.ErrConflict)
	case errors.Is(err, driver.ErrNoDocuments):
		return task.ErrKeyTaken
	}
	return err
}

// exists returns nil, or driver.ErrNoDocuments.
func (s *Store) exists(ctx context.Context, id bson.ObjectID) error {
	return s.tasks.FindOne(ctx, byID(id), options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})).Err()
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
	d, err := toDocument(t)
	if err != nil {
		return task.Task{}, err
	}
	err = s.do(ctx, func(ctx context.Context) error {
		result, err := s.tasks.ReplaceOne(ctx, atVersion(d.ID, seen), d)
		switch {
		case driver.IsDuplicateKeyError(err):
			return task.ErrKeyTaken // the id stays
		case err != nil || result.MatchedCount == 1:
			return err
		}
		// Another version is there, or none. Versions only grow, so it does not
		// matter that this is another moment.
		if err := s.exists(ctx, d.ID); err != nil {
			return err
		}
		return task.ErrConflict
	})
	if err != nil {
		return task.Task{}, fmt.Errorf("update task %s: %w", t.ID, err)
	}
	return t, nil
}

// Delete removes the record.
func (s *Store) Delete(ctx context.Context, id task.ID) error {
	err := s.do(ctx, func(ctx context.Context) error {
		oid, err := objectID(id)
		if err != nil {
			return err
		}
		result, err := s.tasks.DeleteOne(ctx, byID(oid))
		if err == nil && result.DeletedCount == 0 {
			err = task.ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("delete task %q: %w", id, err)
	}
	return nil
}
