package cache

import (
	"context"
	"errors"

	"revela/task"
)

// Records returns repo as those use it who change tasks or must see them as they
// are: it reads and writes past the cache. A change that is stored, or may have
// been, is invalidated before the call returns. What is read is remembered, so
// that no cached read shows an older version of it afterwards.
func (c *Cache) Records(repo task.Repository) task.Repository { return &records{repo, c} }

type records struct {
	task.Repository
	c *Cache
}

func (r *records) Create(ctx context.Context, t task.Task) (task.Task, error) {
	stored, err := r.Repository.Create(ctx, t)
	return r.changed(ctx, t.ID, stored, err)
}

func (r *records) Update(ctx context.Context, t task.Task) (task.Task, error) {
	stored, err := r.Repository.Update(ctx, t)
	return r.changed(ctx, t.ID, stored, err)
}

func (r *records) Delete(ctx context.Context, id task.ID) error {
	err := r.Repository.Delete(ctx, id)
	if err == nil {
		r.c.known.lose(id)
	}
	_, err = r.changed(ctx, id, task.Task{}, err)
	return err
}

// changed invalidates a task unless the store is known to have refused the change:
// of one whose answer was lost nobody knows.
func (r *records) changed(ctx context.Context, id task.ID, stored task.Task, err error) (task.Task, error) {
	if errors.Is(err, task.ErrConflict) || errors.Is(err, task.ErrNotFound) || errors.Is(err, task.ErrKeyTaken) {
		return stored, err
	}
	r.c.saw(stored)
	r.c.Invalidate(ctx, id)
	return stored, err
}

func (r *records) Get(ctx context.Context, id task.ID) (task.Task, error) {
	return r.c.loadTask(ctx, id)
}

func (r *records) List(ctx context.Context, q task.Query) ([]task.Task, error) {
	return r.c.loadList(ctx, q)
}

func (r *records) Search(ctx context.Context, q task.Query, text string) (task.Matches, error) {
	m, err := r.Repository.Search(ctx, q, text)
	r.c.saw(m.Tasks...)
	return m, err
}

func (r *records) FindByKey(ctx context.Context, key string) (task.Task, error) {
	t, err := r.Repository.FindByKey(ctx, key)
	r.c.saw(t)
	return t, err
}

// saw remembers what the repository said.
func (c *Cache) saw(tasks ...task.Task) {
	for i := range tasks {
		if t := &tasks[i]; t.ID != "" { // nothing was found
			c.known.learn(t, "", true)
		}
	}
}
