package files

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"revela/task"
)

const (
	dirMode  = 0o750
	fileMode = 0o640
)

// Store is a task.Files in a local directory. It is safe for concurrent use,
// by several processes as well.
type Store struct {
	root *os.Root

	// tidying is held while empty directories are removed, and read-held while
	// one is made and gets its first file.
	tidying sync.RWMutex

	// renaming is held from the look to the rename where there are no hard links.
	renaming sync.Mutex
}

var _ task.Files = (*Store)(nil)

// Open opens the directory dir, made with its parents if need be.
func Open(dir string) (*Store, error) {
	if dir == "" {
		return nil, fmt.Errorf("open the file store: no directory given")
	}
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, fmt.Errorf("open the file store: %w", err)
	}
	root, err := os.OpenRoot(filepath.Clean(dir))
	if err != nil {
		return nil, fmt.Errorf("open the file store: %w", err)
	}
	s := &Store{root: root}
	if err := s.prepare(); err != nil {
		_ = root.Close()
		return nil, fmt.Errorf("open the file store: %w", err)
	}
	return s, nil
}

func (s *Store) prepare() error {
	for _, dir := range []string{images, outputs} {
		if err := s.root.MkdirAll(dir, dirMode); err != nil {
			return err
		}
		if err := s.syncUp(dir, "."); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the use of the directory. Files already open stay readable.
func (s *Store) Close() error { return s.root.Close() }

// Open implements task.Files. Anything but a regular file does not exist.
func (s *Store) Open(ctx context.Context, name string) (task.File, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkName("open", name); err != nil {
		return nil, err
	}
	// Not blocking, for a named pipe would otherwise wait for its writer.
	f, err := s.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &file{File: f, info: info}, nil
}

// file is an open file with its facts. Finished files do not change, so what
// held at the opening holds until the end.
type file struct {
	*os.File
	info fs.FileInfo
}

func (f *file) Size() int64        { return f.info.Size() }
func (f *file) ModTime() time.Time { return f.info.ModTime() }

// Ping writes a block and removes it, so a full or read-only disk is noticed.
func (s *Store) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	name, f, err := s.temporary(outputs)
	if err != nil {
		return fmt.Errorf("the file store cannot be written: %w", err)
	}
	_, err = f.Write(make([]byte, 4096))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if rerr := s.root.Remove(name); err == nil {
		err = rerr
	}
	if err != nil {
		return fmt.Errorf("the file store cannot be written: %w", err)
	}
	return nil
}
