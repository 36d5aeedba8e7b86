package task

import (
	"context"
	"errors"
	"time"
)

// Sweeper removes the files that crashes left behind and no record wants.
// Several may run at once, in one process or in many.
type Sweeper struct {
	Repo   Repository
	Files  Files
	Now    func() time.Time
	Report func(removed int, err error) // called after each round that did or failed to do something
}

// sweepEvery is how often files are looked through; it costs a few seconds for
// each 100,000 tasks. It is also how old a leftover must be: an upload may take
// that long.
const sweepEvery = time.Hour

// Run sweeps at once and then every hour, until ctx ends.
func (s *Sweeper) Run(ctx context.Context) {
	for {
		removed, err := s.Files.Sweep(ctx, s.Now().Add(-sweepEvery), func(id ID) (bool, error) { return s.orphan(ctx, id) })
		if ctx.Err() != nil {
			return
		}
		if (err != nil || removed > 0) && s.Report != nil {
			s.Report(removed, err)
		}
		if !pause(ctx, sweepEvery) {
			return
		}
	}
}

// orphan reports whether files that are not kept belong to no task.
func (s *Sweeper) orphan(ctx context.Context, id ID) (bool, error) {
	_, err := s.Repo.Get(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	return false, err
}
