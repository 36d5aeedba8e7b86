package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// local returns a path relative to the import directory. Absolute ones are
// taken where they point into it.
func (f *Fetcher) local(name string) (string, error) {
	if f.root == nil {
		return "", errors.New("no import directory is configured")
	}
	if filepath.IsAbs(name) {
		rel, err := filepath.Rel(f.importDir, name)
		if err != nil {
			return "", err
		}
		name = rel
	}
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("%q is outside of the import directory", name)
	}
	return name, nil
}

// openPath opens a regular file. Nothing tells the client whether another kind
// of file is there, or none.
func (f *Fetcher) openPath(ctx context.Context, name string) (io.ReadCloser, error) {
	name, err := f.local(name)
	if err != nil {
		return nil, refused(err)
	}
	// Looked at before opening, for opening a device may do something; and
	// after, for it may have been exchanged meanwhile. Not blocking, for a pipe
	// would wait for its writer.
	info, err := f.root.Stat(name)
	if err == nil {
		err = regular(info)
	}
	if err != nil {
		return nil, refused(err)
	}
	file, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, refused(err)
	}
	info, err = file.Stat()
	if err == nil {
		err = regular(info)
	}
	if err != nil {
		_ = file.Close()
		return nil, refused(err)
	}
	if info.Size() > f.maxBytes {
		_ = file.Close()
		return nil, tooLarge(f.maxBytes)
	}
	return &body{ctx: ctx, ReadCloser: file, end: func() {}, left: f.maxBytes, limit: f.maxBytes}, nil
}

func regular(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is a %v and no regular file", info.Name(), info.Mode().Type())
	}
	return nil
}
