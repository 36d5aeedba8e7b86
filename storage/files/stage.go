package files

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"syscall"

	"revela/task"
)

// Stage implements task.Files. Where it makes the directory of a task's
// original, it marks it as not yet kept.
func (s *Store) Stage(ctx context.Context, dir string) (task.Staged, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkName("stage", dir); err != nil {
		return nil, err
	}
	st := &staged{store: s}
	err := s.within(dir, func() (err error) {
		st.name, st.File, err = s.temporary(dir)
		return err
	})
	if err != nil {
		s.prune(dir)
		return nil, fmt.Errorf("stage a file in %s: %w", dir, err)
	}
	return st, nil
}

// within makes dir and calls f, while nobody in this process tidies up. Both are
// done again when a part of dir was missing: another process may tidy up between
// our making it and our using it.
func (s *Store) within(dir string, f func() error) (err error) {
	s.tidying.RLock()
	defer s.tidying.RUnlock()
	for range 20 {
		err = s.makeDir(dir)
		if errors.Is(err, fs.ErrExist) {
			// MkdirAll says so, too, of what was there a moment ago. Not passed on, for
			// of Commit it would mean a finished file.
			err = &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
			continue
		}
		if err == nil {
			err = f()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

// makeDir makes dir and what is missing above it.
func (s *Store) makeDir(dir string) error {
	if _, ok := originals(dir); !ok {
		return s.root.MkdirAll(dir, dirMode)
	}
	if err := s.root.MkdirAll(images, dirMode); err != nil {
		return err
	}
	switch err := s.root.Mkdir(dir, dirMode); {
	case errors.Is(err, fs.ErrExist):
		return nil // marked by whoever made it, or kept since
	case err != nil:
		return err
	}
	return s.mark(dir)
}

// mark says that dir belongs to a task without a record. After a crash between
// making dir and marking it, dir is empty, and Sweep takes it for that.
func (s *Store) mark(dir string) error {
	f, err := s.root.OpenFile(path.Join(dir, unkept), os.O_WRONLY|os.O_CREATE, fileMode)
	if err != nil {
		return err
	}
	return f.Close()
}

// temporary makes a file with a hidden name that nobody else has.
func (s *Store) temporary(dir string) (string, *os.File, error) {
	name := path.Join(dir, staging+rand.Text())
	f, err := s.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	return name, f, err
}

// prune removes dir, and what is above it, as far as nothing is left in there.
// It does what it can: Sweep does the rest.
func (s *Store) prune(dir string) {
	s.tidying.Lock()
	defer s.tidying.Unlock()
	for ; !isTop(dir); dir = path.Dir(dir) {
		// Remove would take a file or a link as well.
		if info, err := s.root.Lstat(dir); err == nil && !info.IsDir() {
			return
		}
		_, marked := originals(dir)
		marked = marked && s.onlyMarker(dir)
		if marked {
			_ = s.root.Remove(path.Join(dir, unkept))
		}
		if err := s.root.Remove(dir); err != nil {
			if marked && !errors.Is(err, fs.ErrNotExist) {
				_ = s.mark(dir) // somebody staged a file in it meanwhile
			}
			return
		}
	}
}

func (s *Store) onlyMarker(dir string) bool {
	d, err := s.root.Open(dir)
	if err != nil {
		return false
	}
	defer d.Close()
	names, _ := d.Readdirnames(2)
	return len(names) == 1 && names[0] == unkept
}

// staged is a temporary file. One goroutine at a time may use it, except that
// ReadAt is free.
type staged struct {
	*os.File
	store *Store
	name  string // of the temporary file
	done  bool
}

// Commit implements task.Staged. After an error of the last step, the syncing
// of the directory, the file is in its place, but might not be there after a
// loss of power.
func (f *staged) Commit(name string) error {
	if f.done {
		return fmt.Errorf("commit %s: %w", name, fs.ErrClosed)
	}
	f.done = true
	err := f.move(name)
	if err != nil {
		f.remove()
	}
	if err == nil || errors.Is(err, fs.ErrExist) {
		// All directories, not only those that we made: another file's Commit, which
		// made one of them, may not have got to here. Nor may that of the file that
		// was first, on which the caller relies now.
		if serr := f.store.syncUp(path.Dir(name), images, outputs); serr != nil {
			err = fmt.Errorf("sync the directory: %w", serr)
		}
	}
	if err != nil {
		return fmt.Errorf("commit %s: %w", name, err)
	}
	return nil
}

func (f *staged) move(name string) error {
	if err := checkName("commit", name); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	place := func() error { return f.store.place(f.name, name) }
	dir := path.Dir(name)
	if dir == path.Dir(f.name) {
		// Not made again: where it is gone, its task was removed.
		return place()
	}
	err := f.store.within(dir, place)
	if err != nil {
		f.store.prune(dir)
	}
	return err
}

// Discard implements task.Staged. It removes the directories left empty, too.
func (f *staged) Discard() error {
	if f.done {
		return nil
	}
	f.done = true
	err := f.Close()
	return errors.Join(err, f.remove())
}

func (f *staged) remove() error {
	err := f.store.root.Remove(f.name)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // swept, or removed with its task
	}
	f.store.prune(path.Dir(f.name))
	return err
}

// syncUp makes the entries of dir last, and those of the directories above it,
// up to and with the first of tops.
func (s *Store) syncUp(dir string, tops ...string) error {
	for {
		if err := s.sync(dir); err != nil {
			return err
		}
		if dir == "." || slices.Contains(tops, dir) {
			return nil
		}
		dir = path.Dir(dir)
	}
}

func (s *Store) sync(dir string) error {
	d, err := s.root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	// Some network file systems have nothing to sync in a directory and say so.
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
