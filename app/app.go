package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"revela/app/api"
	"revela/app/cli"
	"revela/app/config"
	"revela/app/events"
	"revela/app/redis"
	"revela/app/web"
	"revela/cache"
	"revela/imaging"
	"revela/queue"
	"revela/storage/files"
	"revela/storage/mongo"
	"revela/storage/remote"
	"revela/storage/sqlite"
	"revela/task"
)

// Role is what one process does.
type Role struct {
	API     bool   // serve the whole API, not only health and metrics
	Listen  string // host:port to serve on; "" serves nothing
	Workers int    // 0 works on nothing
}

// App is one running process: its parts, in the order in which they are made.
// Run may be called once; Close must be.
type App struct {
	cfg  *config.Config
	role Role
	log  *zap.Logger

	redis     *redis.Conn
	watch     *redis.Watch
	records   records
	files     *files.Store
	fetcher   *remote.Fetcher
	images    *imaging.Engine
	cache     *cache.Cache
	publisher *events.Publisher
	hub       *events.Hub
	queue     *queue.Queue
	tasks     *task.Service
	pool      *queue.Pool // nil without workers
	work      *workMetrics
	repair    *task.Reconciler
	sweeper   *task.Sweeper
	lost      chan struct{} // to the Reconciler: Redis forgot, or did not hear of a task
	listener  net.Listener  // nil without HTTP
	api       *api.Server   // nil for a worker
	http      *http.Server

	closers []func() error // in the order of opening
}

// records is a store of tasks.
type records interface {
	task.Repository
	Close() error
}

// New connects and opens everything that the role needs, and serves nothing
// yet. An error names the part that failed; what was opened is closed again.
func New(ctx context.Context, cfg *config.Config, role Role, log *zap.Logger) (*App, error) {
	a := &App{cfg: cfg, role: role, log: log, work: newWorkMetrics(), lost: make(chan struct{}, 1)}
	for _, open := range []func(context.Context) error{
		a.openStorage, a.openRedis, a.openImages, a.openQueue, a.openTasks, a.openHTTP,
	} {
		if err := open(ctx); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

func (a *App) onClose(f func() error) { a.closers = append(a.closers, f) }

func (a *App) openStorage(ctx context.Context) (err error) {
	if a.files, err = files.Open(a.cfg.Data.Dir); err != nil {
		return fmt.Errorf("open the data directory: %w", err)
	}
	a.onClose(a.files.Close)
	if a.cfg.Mongo.URI != "" {
		a.records, err = mongo.Open(ctx, a.cfg.Mongo.URI, a.cfg.Mongo.Database)
	} else {
		a.records, err = sqlite.Open(ctx, filepath.Join(a.cfg.Data.Dir, "tasks.db"))
	}
	if err != nil {
		return fmt.Errorf("open the store of tasks: %w", err)
	}
	a.onClose(a.records.Close)
	a.fetcher, err = remote.New(remote.Config{
		MaxBytes: a.cfg.Upload.MaxBytes, Timeout: a.cfg.Fetch.Timeout,
		ImportDir: a.cfg.Data.ImportDir, AllowPrivate: a.cfg.Fetch.AllowPrivate,
	})
	if err != nil {
		return fmt.Errorf("prepare fetching: %w", err)
	}
	a.onClose(a.fetcher.Close)
	return nil
}

func (a *App) openRedis(ctx context.Context) (err error) {
	c := a.cfg.Redis
	a.redis, err = redis.Open(ctx, redis.Config{
		URL: c.URL, Host: c.Host, Port: c.Port, Password: c.Password, DB: c.DB,
		DataDir: a.cfg.Data.Dir, Embedded: c.Embedded,
	}, a.log)
	if err != nil {
		return fmt.Errorf("connect to Redis: %w", err)
	}
	a.onClose(a.redis.Close)
	a.watch = redis.NewWatch(ctx, a.redis, a.log)
	return nil
}

func (a *App) openImages(context.Context) (err error) {
	cfg := imaging.DefaultConfig()
	cfg.MaxPixels, cfg.MemoryBudget = a.cfg.Image.MaxPixels, a.cfg.Image.MemoryBudget
	cfg.Turbo, cfg.Progressive = a.cfg.Image.Turbo == "auto", a.cfg.Image.Progressive
	if a.images, err = imaging.New(cfg); err != nil {
		return fmt.Errorf("prepare imaging: %w", err)
	}
	return nil
}

func (a *App) openQueue(ctx context.Context) (err error) {
	c := a.cfg.Queue
	a.queue, err = queue.New(a.redis.Client(), queue.Config{
		Prefix: c.Prefix, Name: c.Name, Concurrency: max(1, a.role.Workers),
		MaxAttempts: c.MaxRetries, Backoff: c.BackoffDelay, Jitter: c.BackoffJitter,
		Lease: c.Lease, MaxStalls: c.MaxStalled, JobTimeout: c.JobTimeout,
		MaxWaiting:    c.MaxWaiting,
		KeepCompleted: queue.Keep(c.RemoveOnComplete), KeepFailed: queue.Keep(c.RemoveOnFail),
	}, a.redis.Cluster())
	if err != nil {
		return err
	}
	// Anything else that is wrong with Redis may pass, and is waited out later.
	if err = a.queue.Check(ctx); errors.Is(err, queue.ErrForbidden) {
		return fmt.Errorf("prepare the queue: %w", err)
	}
	return nil
}

func (a *App) openTasks(context.Context) (err error) {
	trouble := &outage{
		log: a.log, after: time.Second,
		away: "the cache is away; reads go to the store", back: "the cache is back",
	}
	a.cache, err = cache.New(a.redis.Client(), a.records, cache.Config{
		TaskTTL: a.cfg.Cache.TaskTTL, ListTTL: a.cfg.Cache.ListTTL, CountTTL: a.cfg.Cache.CountTTL,
		OnChange: trouble.changed, Steady: a.redis.Steady, Epoch: a.redis.Epoch,
	})
	if err != nil {
		return fmt.Errorf("prepare the cache: %w", err)
	}
	a.onClose(func() error { a.cache.Close(); return nil })
	if a.publisher, err = events.NewPublisher(a.redis.Client(), events.PublisherConfig{}); err != nil {
		return fmt.Errorf("prepare events: %w", err)
	}
	a.onClose(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = a.publisher.Close(ctx) // what it could not deliver were hints
		return nil
	})

	repo := a.cache.Records(a.records)
	jobs, sets := scheduler{a.queue, time.Now}, task.Sets(a.cfg.Image.Variants)
	a.tasks = &task.Service{
		Repo: repo, Reads: a.cache, Files: a.files, Fetcher: a.fetcher, Scheduler: jobs,
		Events: a.publisher, Images: a.images, Sets: sets, MaxBytes: a.cfg.Upload.MaxBytes, Now: time.Now,
		Unscheduled: a.reconcileSoon,
	}
	a.repair = &task.Reconciler{
		Repo: repo, Scheduler: jobs, Events: a.publisher,
		MaxStalls: a.cfg.Queue.MaxStalled, Now: time.Now, Report: a.reconciled,
	}
	a.sweeper = &task.Sweeper{Repo: a.records, Files: a.files, Now: time.Now, Report: a.swept}
	if a.role.Workers == 0 {
		return nil
	}
	a.pool = queue.NewPool(a.queue, worker{&task.Processor{
		Repo: repo, Files: a.files, Fetcher: a.fetcher, Events: a.publisher,
		Images: a.images, Sets: sets, MaxBytes: a.cfg.Upload.MaxBytes, Now: time.Now,
	}, a.log}, a.hooks())
	return nil
}

func (a *App) openHTTP(context.Context) (err error) {
	if a.role.Listen == "" {
		return nil
	}
	checks := []api.Check{
		{Name: "store", Run: a.records.Ping},
		{Name: "redis", Run: a.redis.Ping, Warnings: a.watch.Warnings},
		{Name: "files", Run: a.files.Ping},
	}
	if a.pool != nil {
		checks = append(checks, api.Check{Name: "workers", Run: a.working, Warnings: a.stuck})
	}
	requests := newRequests()
	metrics := a.metrics(requests.times)
	var handler http.Handler
	if a.role.API {
		if a.hub, err = events.NewHub(a.redis.Client(), events.HubConfig{Changed: a.cache.Doubt}); err != nil {
			return fmt.Errorf("prepare event streams: %w", err)
		}
		a.onClose(func() error { a.hub.Close(); return nil })
		a.api, err = api.New(api.Config{
			Service: a.tasks, Queue: a.queue, Checks: checks,
			Subscribe: func(id task.ID, after string) api.Subscription { return a.hub.Subscribe(id, after) },
			Metrics:   metrics, Dashboard: web.Handler(), Log: a.log, Observe: requests.observe,
			Version: cli.ReadBuild().Version, APIKey: a.cfg.Server.APIKey, MaxWrongKeys: a.cfg.Server.MaxWrongKeys,
			MaxUpload: a.cfg.Upload.MaxBytes,
		})
		handler = a.api
	} else {
		handler, err = api.Health(checks, metrics, requests.observe)
	}
	if err != nil {
		return fmt.Errorf("prepare HTTP: %w", err)
	}
	a.http = api.HTTPServer(handler, a.log)
	if a.listener, err = net.Listen("tcp", a.role.Listen); err != nil {
		return fmt.Errorf("listen on %s: %w", a.role.Listen, err)
	}
	if most := a.cfg.Server.MaxConns; most > 0 {
		a.listener = bound(a.listener.(*net.TCPListener), most)
	}
	return nil
}

// Address is where the process listens, "" if it does not.
func (a *App) Address() string {
	if a.listener == nil {
		return ""
	}
	return a.listener.Addr().String()
}

// Close closes what New opened, last things first. Run must have returned.
func (a *App) Close() error {
	var errs []error
	if a.listener != nil {
		if err := a.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	for i := len(a.closers) - 1; i >= 0; i-- {
		errs = append(errs, a.closers[i]())
	}
	a.closers = nil
	return errors.Join(errs...)
}
