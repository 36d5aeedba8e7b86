package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"revela/task"
)

// Keep implements task.Files. Keeping twice, or what has no original here, is
// not an error. The removal of the marker is not synced: a marker that is back
// after a loss of power makes Sweep ask once more, and the record answers.
func (s *Store) Keep(ctx context.Context, id task.ID) error {
	if err := errors.Join(ctx.Err(), checkID(id)); err != nil {
		return fmt.Errorf("keep the files: %w", err)
	}
	err := s.root.Remove(path.Join(imagesOf(id), unkept))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keep the files: %w", err)
	}
	return nil
}

// Unkeep implements task.Files.
func (s *Store) Unkeep(ctx context.Context, id task.ID) error {
	err := errors.Join(ctx.Err(), checkID(id))
	if err == nil {
		err = s.mark(imagesOf(id))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("unkeep the files: %w", err)
	}
	return nil
}

// RemoveTask implements task.Files.
func (s *Store) RemoveTask(ctx context.Context, id task.ID) error {
	if err := errors.Join(ctx.Err(), checkID(id)); err != nil {
		return fmt.Errorf("remove the files: %w", err)
	}
	return s.removeTask(id)
}

// removeTask removes the variants first: the marker of an orphan is beside its
// original, so a crash in between leaves it to the next Sweep.
func (s *Store) removeTask(id task.ID) error {
	for _, dir := range []string{outputsOf(id), imagesOf(id)} {
		if err := s.root.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove the files: %w", err)
		}
	}
	return nil
}
