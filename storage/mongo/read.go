package mongo

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"revela/storage/internal/canonical"
	"revela/task"
)

// Get returns one task.
func (s *Store) Get(ctx context.Context, id task.ID) (task.Task, error) {
	oid, err := objectID(id)
	if err != nil {
		return task.Task{}, fmt.Errorf("get task %q: %w", id, err)
	}
	t, err := s.one(ctx, byID(oid))
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

// Count returns how many tasks f selects. It costs a walk over their index
// entries.
func (s *Store) Count(ctx context.Context, f task.Filter) (n int64, err error) {
	err = s.do(ctx, func(ctx context.Context) (err error) {
		n, err = s.tasks.CountDocuments(ctx, counted(f))
		return err
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

// one returns the task that filter selects, or task.ErrNotFound.
func (s *Store) one(ctx context.Context, filter bson.D) (task.Task, error) {
	var d document
	err := s.do(ctx, func(ctx context.Context) error { return s.tasks.FindOne(ctx, filter).Decode(&d) })
	if err != nil {
		return task.Task{}, err
	}
	return d.task(), nil
}

// many returns the selected tasks, in order.
func (s *Store) many(ctx context.Context, sel selection) ([]task.Task, error) {
	var found []document
	err := s.do(ctx, func(ctx context.Context) error {
		opts := options.Find().SetSort(sel.sort).SetLimit(sel.limit).SetSkip(sel.skip)
		cursor, err := s.tasks.Find(ctx, sel.filter, opts)
		if err != nil {
			return err
		}
		return cursor.All(ctx, &found)
	})
	if err != nil {
		return nil, err
	}
	tasks := make([]task.Task, len(found))
	for i, d := range found {
		tasks[i] = d.task()
	}
	return tasks, nil
}

// objectID translates an id; no task has one that cannot be.
func objectID(id task.ID) (bson.ObjectID, error) {
	if _, err := task.ParseID(string(id)); err != nil {
		return bson.ObjectID{}, task.ErrNotFound
	}
	return bson.ObjectIDFromHex(string(id))
}
