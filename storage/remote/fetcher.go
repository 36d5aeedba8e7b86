package remote

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"revela/task"
)

// Fetcher is a task.Fetcher for URLs and paths. It is safe for concurrent use.
type Fetcher struct {
	maxBytes int64
	timeout  time.Duration
	guard    guard
	client   *http.Client

	importDir string   // absolute
	root      *os.Root // of importDir; nil: every path is refused
}

var _ task.Fetcher = (*Fetcher)(nil)

// New returns a Fetcher. An error names every mistake in cfg, or says that the
// import directory cannot be opened.
func New(cfg Config) (*Fetcher, error) {
	if cfg.AllowPrivate {
		return newFetcher(cfg, anything{}, nil)
	}
	return newFetcher(cfg, publicOnly([]uint16{80, 443}), nil)
}

func newFetcher(cfg Config, g guard, resolver *net.Resolver) (*Fetcher, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("remote: %w", err)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	f := &Fetcher{maxBytes: cfg.MaxBytes, timeout: cfg.Timeout, guard: g}
	f.client = newClient(f.guard, resolver, f.checkRedirect)
	if cfg.ImportDir == "" {
		return f, nil
	}
	var err error
	if f.importDir, err = filepath.Abs(cfg.ImportDir); err != nil {
		return nil, fmt.Errorf("remote: import directory: %w", err)
	}
	if f.root, err = os.OpenRoot(f.importDir); err != nil {
		return nil, fmt.Errorf("remote: import directory: %w", err)
	}
	return f, nil
}

// Close ends the use of the import directory.
func (f *Fetcher) Close() error {
	if f.root == nil {
		return nil
	}
	return f.root.Close()
}

// Check implements task.Fetcher. It looks at the text of src only: it resolves
// no name and touches no file.
func (f *Fetcher) Check(src task.Source) error {
	var err error
	switch src.Kind {
	case task.URL:
		_, err = f.parse(src.Name)
	case task.Path:
		_, err = f.local(src.Name)
	default:
		err = fmt.Errorf("a source of kind %q is not read from here", src.Kind)
	}
	if err != nil {
		return refused(err)
	}
	return nil
}

// Fetch implements task.Fetcher. Besides what Check refuses, these are
// permanent: an answer that is not 200, except those that say "later"; an
// encoded body; more than MaxBytes bytes, which may show only while reading
// (then task.ErrFileTooLarge is in the chain as well); and a path that is not a
// readable regular file. The end of ctx is returned as its own error.
func (f *Fetcher) Fetch(ctx context.Context, src task.Source) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch src.Kind {
	case task.URL:
		return f.fetchURL(ctx, src.Name)
	case task.Path:
		return f.openPath(ctx, src.Name)
	}
	return nil, f.Check(src)
}
