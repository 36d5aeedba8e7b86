package main

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"revela/storage/sqlite"
	"revela/task"
)

// seeded are the tasks that a run works with.
type seeded struct {
	finished []task.ID // completed, the newest last
	pending  []task.ID
}

// seed puts tasks into the store, as if workers had been there.
func seed(ctx context.Context, dir string, o options) (ids seeded, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return ids, err
	}
	store, err := sqlite.Open(ctx, filepath.Join(dir, "tasks.db"))
	if err != nil {
		return ids, err
	}
	defer store.Close()
	for i := range o.changes + o.tasks {
		now := task.Millis(time.Now())
		t, err := store.Create(ctx, task.Task{
			ID: task.NewID(), Status: task.Pending, CreatedAt: now, UpdatedAt: now,
			Source: task.Source{Kind: task.Upload, Name: fmt.Sprintf("holiday-%04d.jpg", i)},
		})
		if err != nil {
			return ids, err
		}
		if i < o.changes {
			ids.pending = append(ids.pending, t.ID)
			continue
		}
		if err := complete(ctx, store, t); err != nil {
			return ids, err
		}
		ids.finished = append(ids.finished, t.ID)
	}
	return ids, nil
}

// complete gives t an original and the two usual variants.
func complete(ctx context.Context, store *sqlite.Store, t task.Task) error {
	sum := md5.Sum([]byte(t.ID))
	name := hex.EncodeToString(sum[:])
	t.Original = task.Original{
		Path:   "storage/images/" + string(t.ID) + "/original.jpeg",
		Format: "jpeg", Width: 4032, Height: 3024, Size: 2_345_678, SHA256: name + name,
	}
	var images []task.Image
	for _, width := range []int{1024, 800} {
		resolution := strconv.Itoa(width)
		images = append(images, task.Image{
			Resolution: resolution, Path: "output/" + string(t.ID) + "/" + resolution + "/" + name + ".jpeg",
			Format: "jpeg", Width: width, Height: width * 3 / 4, Size: 123_456, MD5: name,
		})
	}
	t, err := t.Begin("token", 1, 0, time.Now())
	if err == nil {
		t, err = store.Update(ctx, t)
	}
	if err == nil {
		t, err = t.Complete(images, time.Now())
	}
	if err == nil {
		_, err = store.Update(ctx, t)
	}
	return err
}
