package redis

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// lookEvery is how often the server's settings are looked at: three INFO for
// each node, some tens of microseconds.
const lookEvery = 15 * time.Second

// Watch keeps an eye on the settings that Warnings names, for CONFIG SET changes
// them at any time. Its methods may be called from any goroutine.
type Watch struct {
	conn  *Conn
	log   *zap.Logger
	every time.Duration

	mu   sync.Mutex
	last []string
}

// NewWatch looks once, until ctx ends at the longest; Run goes on.
func NewWatch(ctx context.Context, c *Conn, log *zap.Logger) *Watch {
	w := &Watch{conn: c, log: log, every: lookEvery}
	w.look(ctx)
	return w
}

// Run looks again and again until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	for wait(ctx, w.every) == nil {
		w.look(ctx)
	}
}

// Warnings is what the last look that got answers found. The slice is shared.
func (w *Watch) Warnings() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// look logs what is new and what is mended.
func (w *Watch) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, replyTimeout)
	defer cancel()
	now, err := w.conn.warnings(ctx)
	if err != nil {
		return // what nobody could tell is as it was
	}
	w.mu.Lock()
	before := w.last
	w.last = now
	w.mu.Unlock()
	for _, warning := range now {
		if !slices.Contains(before, warning) {
			w.log.Warn(warning)
		}
	}
	for _, warning := range before {
		if !slices.Contains(now, warning) {
			w.log.Info("mended", zap.String("warning", warning))
		}
	}
}
