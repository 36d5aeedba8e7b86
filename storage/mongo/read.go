package mongo

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"revela/storage/internal/canonical"
	"revela/storage/internal/window"
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

// Count returns how many tasks f selects. Up to task.CountLimit it counts index
// entries and is exact. Above, all tasks together are as many as the server's
// books say, which an unclean shutdown or a sharded cluster's moves may put
// wrong, and of any others there are at least that many.
func (s *Store) Count(ctx context.Context, f task.Filter) (task.Total, error) {
	return s.count(ctx, f, task.CountLimit)
}

func (s *Store) count(ctx context.Context, f task.Filter, limit int64) (total task.Total, err error) {
	err = s.do(ctx, func(ctx context.Context) (err error) {
		total.N, err = s.tasks.CountDocuments(ctx, counted(f), options.Count().SetLimit(limit+1))
		if total.Exact = total.N <= limit; err != nil || total.Exact {
			return err
		}
		total.N = limit
		if f == (task.Filter{}) {
			var known int64
			known, err = s.tasks.EstimatedDocumentCount(ctx)
			total.N = max(total.N, known)
		}
		return err
	})
	if err != nil {
		return task.Total{}, fmt.Errorf("count tasks: %w", err)
	}
	return total, nil
}

// Search returns one page of the tasks whose source's name contains text; see
// task.Repository. A Limit below 1 selects nothing.
func (s *Store) Search(ctx context.Context, q task.Query, text string) (task.Matches, error) {
	return s.search(ctx, q, text, task.SearchSpan)
}

func (s *Store) search(ctx context.Context, q task.Query, text string, span int) (m task.Matches, err error) {
	text = canonical.Text(text)
	in := window.Store{
		Edge: func(ctx context.Context, q task.Query, n int) (task.Cursor, error) {
			// Only the index is read for it.
			found, err := s.find(ctx, edge(q, n), bson.D{{Key: "createdAt", Value: 1}, {Key: "_id", Value: 1}})
			if err != nil || len(found) == 0 {
				return task.Cursor{}, err
			}
			return task.Cursor{CreatedAt: found[0].CreatedAt, ID: found[0].ID}, nil
		},
		Find: func(ctx context.Context, q task.Query, end task.Cursor) ([]task.Task, error) {
			return s.find(ctx, matches(q, end, text), nil)
		},
		Count: func(ctx context.Context, f task.Filter, end task.Cursor) (int64, error) {
			return s.tasks.CountDocuments(ctx, countedMatches(f, end, text))
		},
	}
	err = s.do(ctx, func(ctx context.Context) (err error) {
		m, err = window.Search(ctx, in, q, span)
		return err
	})
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
func (s *Store) many(ctx context.Context, sel selection) (tasks []task.Task, err error) {
	err = s.do(ctx, func(ctx context.Context) (err error) {
		tasks, err = s.find(ctx, sel, nil)
		return err
	})
	return tasks, err
}

// find is many within an operation. It reads those fields that projection
// names; nil is all.
func (s *Store) find(ctx context.Context, sel selection, projection bson.D) ([]task.Task, error) {
	opts := options.Find().SetSort(sel.sort).SetLimit(sel.limit).SetSkip(sel.skip)
	if projection != nil {
		opts.SetProjection(projection)
	}
	cursor, err := s.tasks.Find(ctx, sel.filter, opts)
	if err != nil {
		return nil, err
	}
	var found []document
	if err := cursor.All(ctx, &found); err != nil {
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
