package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"revela/task"
)

// Sweep implements task.Files: it returns how many temporary files and how many
// orphaned tasks it removed. It reads every directory of the store, about five
// seconds for 100,000 tasks, and ends early with ctx.
//
// A task's age is that of the newest file beside its original. Where orphan
// says that a task is none, its files are kept from then on. After the first
// error of orphan it is not asked again, and that error is returned; temporary
// files are removed all the same.
func (s *Store) Sweep(ctx context.Context, before time.Time, orphan func(task.ID) (bool, error)) (int, error) {
	w := &sweep{store: s, ctx: ctx, before: before, orphan: orphan}
	for _, top := range []string{images, outputs} {
		if _, err := w.walk(top); err != nil {
			return w.removed, fmt.Errorf("sweep %s: %w", top, err)
		}
	}
	if w.asking != nil {
		return w.removed, fmt.Errorf("sweep: %w", w.asking)
	}
	return w.removed, nil
}

type sweep struct {
	store   *Store
	ctx     context.Context
	before  time.Time
	orphan  func(task.ID) (bool, error)
	asking  error // the first error of orphan
	removed int
}

// batch bounds the memory of a directory with very many entries.
const batch = 256

// walk sweeps dir and what is below it, and reports whether dir is gone.
func (w *sweep) walk(dir string) (gone bool, err error) {
	d, err := w.store.root.Open(dir)
	if err != nil {
		return false, ignoreGone(err)
	}
	defer d.Close()
	info, err := d.Stat()
	if err != nil {
		return false, err
	}
	left, marked := 0, false
	for {
		entries, err := d.ReadDir(batch)
		for _, e := range entries {
			gone, err := w.entry(path.Join(dir, e.Name()), e)
			if err != nil {
				return false, err
			}
			if !gone {
				left++
			}
			marked = marked || e.Name() == unkept
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, err
		}
	}
	if id, ok := originals(dir); ok && marked {
		return w.task(id, dir)
	}
	if id, ok := variants(dir); ok && left > 0 {
		if _, err := w.store.root.Lstat(imagesOf(id)); errors.Is(err, fs.ErrNotExist) {
			return w.task(id, dir)
		}
	}
	if left == 0 && !isTop(dir) && info.ModTime().Before(w.before) {
		w.store.tidying.Lock()
		defer w.store.tidying.Unlock()
		return w.store.root.Remove(dir) == nil, nil // it fails if it is empty no more
	}
	return false, nil
}

func (w *sweep) entry(name string, e os.DirEntry) (gone bool, err error) {
	if err := w.ctx.Err(); err != nil {
		return false, err
	}
	if e.IsDir() {
		return w.walk(name)
	}
	if !e.Type().IsRegular() || !strings.HasPrefix(e.Name(), staging) {
		return false, nil
	}
	info, err := e.Info()
	if err != nil {
		return false, ignoreGone(err)
	}
	if !info.ModTime().Before(w.before) {
		return false, nil
	}
	if err := w.store.root.Remove(name); err != nil {
		return false, ignoreGone(err)
	}
	w.removed++
	return true, nil
}

// task decides on the files of a task that are not kept.
func (w *sweep) task(id task.ID, dir string) (gone bool, err error) {
	newest, err := w.newest(dir)
	if err != nil || !newest.Before(w.before) || w.asking != nil {
		return false, ignoreGone(err)
	}
	remove, err := w.orphan(id)
	if err != nil {
		w.asking = fmt.Errorf("ask for task %s: %w", id, err)
		return false, nil
	}
	if !remove {
		return false, w.store.Keep(w.ctx, id)
	}
	if err := w.store.removeTask(id); err != nil {
		return false, err
	}
	w.removed++
	return true, nil
}

// newest returns when something in dir was last written to.
func (w *sweep) newest(dir string) (time.Time, error) {
	var newest time.Time
	d, err := w.store.root.Open(dir)
	if err != nil {
		return newest, err
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	if err != nil {
		return newest, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return newest, err
		}
		if t := info.ModTime(); t.After(newest) {
			newest = t
		}
	}
	return newest, nil
}

// ignoreGone takes away the error of a file that somebody else removed first.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
