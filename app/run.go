package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"revela/app/cli"
	"revela/queue"
	"revela/task"
)

// httpGrace is how long answers under way may take once the process stops.
const httpGrace = 15 * time.Second

// Run prints the line that says what runs here, and works until ctx ends or a
// part fails. It stops in this order: not ready and take no jobs, end event
// streams, finish work or hand it back when its grace is over, and only then
// finish requests and stop listening: until then balancers see that it is not
// ready, and what is uploaded is stored and queued for others.
func (a *App) Run(ctx context.Context) error {
	a.announce()
	defer ballast()()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	repairing, endRepair := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	background.Go(func() { a.repair.Run(repairing, a.lost) })
	background.Go(func() { a.sweeper.Run(repairing) })
	background.Go(func() { a.watch.Run(repairing) })
	defer background.Wait()
	defer endRepair()

	worked := make(chan error, 1)
	if a.pool != nil {
		go func() { worked <- a.pool.Run(ctx, a.cfg.Server.Grace) }()
	} else {
		worked <- nil
	}
	if a.listener != nil {
		background.Go(func() {
			if err := a.http.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
				stop(fmt.Errorf("serve HTTP: %w", err))
			}
		})
	}

	<-ctx.Done()
	a.log.Info("stopping", zap.Duration("grace", a.cfg.Server.Grace))
	if a.api != nil {
		a.api.Stopping()
		a.api.EndStreams()
	}
	errs := []error{<-worked}
	if a.listener != nil {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), httpGrace)
		defer cancel()
		if a.http.Shutdown(bounded) != nil {
			a.log.Warn("requests were cut off", zap.Duration("after", httpGrace))
			errs = append(errs, a.http.Close())
		}
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		errs = append(errs, cause)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	a.log.Info("stopped")
	return nil
}

// announce is the one line about what runs where.
func (a *App) announce() {
	store := "sqlite (embedded, " + a.cfg.Data.Dir + ")"
	if a.cfg.Mongo.URI != "" {
		store = "mongodb, database " + a.cfg.Mongo.Database
	}
	a.log.Info("started",
		zap.String("version", cli.ReadBuild().Version), zap.String("address", a.Address()),
		zap.String("store", store), zap.String("redis", a.redis.Describe()),
		zap.String("jpeg", a.images.Codec()),
		zap.Int("workers", a.role.Workers))
}

// hooks is what the pool's background work tells the log and the Reconciler.
func (a *App) hooks() queue.Hooks {
	repeats := &seldom{log: a.log, text: "the queue repeats a step that failed", each: 5 * time.Second}
	return queue.Hooks{
		Error:   func(op string, err error) { repeats.warn(zap.String("step", op), zap.Error(err)) },
		Started: a.work.started, Ended: a.work.ended, Repaired: a.work.repaired, Swept: a.work.swept,
		Recovered: func(id string) {
			a.log.Warn("a worker was lost; its job is back in the queue", zap.String("taskId", id))
		},
		Stuck: func(id string, after time.Duration) {
			a.log.Error("a job does not stop; its worker stays taken until it does",
				zap.String("taskId", id), zap.Duration("after", after))
		},
		Lost: func() {
			a.log.Warn("Redis has forgotten the queue; it is rebuilt from the tasks")
			a.reconcileSoon()
		},
		Back: a.reconcileSoon,
	}
}

func (a *App) reconciled(done task.Reconciled, err error) {
	if err != nil {
		a.log.Warn("tasks and queue could not be compared; this is repeated", zap.Error(err))
		return
	}
	a.log.Info("repaired", zap.Int("scheduled", done.Scheduled), zap.Int("failed", done.Failed))
}

func (a *App) reconcileSoon() {
	select {
	case a.lost <- struct{}{}:
	default:
	}
}

func (a *App) swept(removed int, err error) {
	if err != nil {
		a.log.Warn("left-over files could not be removed; this is repeated", zap.Error(err))
		return
	}
	a.log.Info("left-over files of crashes were removed", zap.Int("files", removed))
}
