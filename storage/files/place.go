package files

import (
	"errors"
	"fmt"
	"io/fs"
)

// place gives the file tmp its name, in one step, if nothing has that name. The
// error wraps fs.ErrExist where a finished file has it.
func (s *Store) place(tmp, name string) error {
	err := s.root.Link(tmp, name)
	switch {
	case err == nil:
		_ = s.root.Remove(tmp) // otherwise Sweep takes this name of it away
	case !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist):
		err = s.rename(tmp, name) // no links here, or none allowed
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, serr := s.root.Lstat(name)
	if serr != nil {
		return serr // removed with its task
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is in the way, which is no regular file", name)
	}
	return err
}

// rename is place without hard links. A rename replaces what is there, so the
// file of another process that comes between the look and the rename, which is
// some microseconds, is replaced.
func (s *Store) rename(tmp, name string) error {
	s.renaming.Lock()
	defer s.renaming.Unlock()
	_, err := s.root.Lstat(name)
	if err == nil {
		return &fs.PathError{Op: "rename", Path: name, Err: fs.ErrExist}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.root.Rename(tmp, name)
}
