package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/redis/rueidis"
	"go.uber.org/zap"
)

const (
	// watchEvery is how often a process that uses another's server looks whether
	// that process is gone.
	watchEvery = 200 * time.Millisecond
	// steadyAfter is how long a server must have run for its end not to count as
	// one more of a series.
	steadyAfter = 10 * time.Second
	// staleOwner is how long an owner file may still be the previous holder's.
	staleOwner = 500 * time.Millisecond
)

// embedded is this process's part in the embedded server of a data directory:
// either it holds the directory's lock and runs the server, or it uses the
// server of the holder and waits to become the holder itself.
type embedded struct {
	dir    string // absolute
	log    *zap.Logger
	health *health
	lock   *flock.Flock
	memory *memory // set if the server is the in-process one

	cancel context.CancelFunc
	done   chan struct{} // closed when run has ended
	err    error         // of stopping the server; written by run before done is closed
}

func embeddedDir(dataDir string) string { return filepath.Join(dataDir, "redis") }

// openEmbedded starts the embedded server or finds the one that another process
// runs. ctx is for opening only.
func openEmbedded(ctx context.Context, cfg Config, log *zap.Logger, h *health) (*embedded, error) {
	dir, err := filepath.Abs(embeddedDir(cfg.DataDir))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w; check DATA_DIR", err)
	}
	e := &embedded{
		dir: dir, log: log, health: h,
		lock: flock.New(filepath.Join(dir, "lock")),
		done: make(chan struct{}),
	}
	runCtx, cancel := context.WithCancel(context.Background())
	e.cancel = cancel

	holder, err := e.join(ctx, cfg)
	if err != nil {
		cancel()
		return nil, err
	}
	var srv *server
	if holder {
		if srv, err = e.serveFirst(ctx, cfg.Embedded); err != nil {
			cancel()
			e.release()
			return nil, err
		}
	}
	if e.memory != nil {
		close(e.done)
	} else {
		go e.run(runCtx, srv)
	}
	return e, nil
}

// join returns whether this process now holds the lock, or an error if it does
// not and the holder's server cannot be used.
func (e *embedded) join(ctx context.Context, cfg Config) (holder bool, err error) {
	began := time.Now()
	for {
		if ok, err := e.lock.TryLock(); err != nil {
			return false, fmt.Errorf("lock %s: %w", e.lock.Path(), err)
		} else if ok {
			return true, nil
		}
		o, _ := readOwner(e.dir) // none yet: the holder is only starting
		state := absent
		if o.socket != "" && cfg.Embedded != EmbeddedProcess {
			state = probe(o.socket)
		}
		waited := time.Since(began)
		switch {
		case state == serving:
			e.log.Info("using the embedded redis of another process", zap.Int("pid", o.pid))
			return false, nil
		case state == loading: // it answers; how long it takes depends on its data
		case o.inProcess && waited > staleOwner:
			return false, fmt.Errorf("process %d uses %s with an in-process Redis, which cannot be shared; "+
				"install redis-server (or valkey-server), or stop that process", o.pid, e.dir)
		case cfg.Embedded == EmbeddedProcess && waited > staleOwner:
			return false, fmt.Errorf("another process (%d) uses %s; stop it, or choose another DATA_DIR", o.pid, e.dir)
		case waited > cfg.ConnectTimeout:
			return false, fmt.Errorf("another process (%d) holds %s, but its Redis has not answered for %s; stop that process",
				o.pid, e.lock.Path(), cfg.ConnectTimeout)
		}
		if err := wait(ctx, backoffStep/2); err != nil {
			return false, err
		}
	}
}

// serveFirst starts the kind of server that mode asks for and the machine has.
func (e *embedded) serveFirst(ctx context.Context, mode string) (*server, error) {
	if mode != EmbeddedProcess {
		srv, err := e.start(ctx)
		if !errors.Is(err, errNoServer) || mode == EmbeddedServer {
			return srv, err
		}
	}
	if err := writeOwner(e.dir, owner{inProcess: true}); err != nil {
		return nil, err
	}
	e.memory = startMemory()
	return nil, nil
}

// start starts a server program on the data directory, whose lock is held.
func (e *embedded) start(ctx context.Context) (*server, error) {
	bin, err := findServer()
	if err != nil {
		return nil, err
	}
	socket, err := socketPath(e.dir)
	if err != nil {
		return nil, err
	}
	if err := retire(ctx, socket); err != nil {
		return nil, err
	}
	if err := writeOwner(e.dir, owner{socket: socket}); err != nil {
		return nil, err
	}
	srv, err := startServer(ctx, bin, e.dir, socket, e.log)
	if errors.Is(err, errBrokenLog) {
		aside, merr := moveLogAside(e.dir)
		if merr != nil {
			return nil, errors.Join(err, merr)
		}
		e.log.Error("the embedded redis cannot read its data and starts empty; jobs are queued again from the task records",
			zap.Error(err), zap.Strings("kept", aside))
		srv, err = startServer(ctx, bin, e.dir, socket, e.log)
	}
	return srv, err
}

// run keeps a server going until its context ends: srv, or after the holder of
// the lock is gone, one of its own.
func (e *embedded) run(ctx context.Context, srv *server) {
	defer close(e.done)
	crashes := 0
	if srv == nil {
		if !e.awaitLock(ctx) {
			return
		}
		srv = e.restart(ctx, crashes)
	}
	defer e.release()
	for srv != nil {
		select {
		case <-ctx.Done():
			e.err = srv.stop()
			return
		case <-srv.ended():
		}
		if crashes++; srv.age() > steadyAfter {
			crashes = 0
		}
		e.log.Warn("the embedded redis ended; starting it again", zap.Int("pid", srv.pid()), zap.NamedError("cause", srv.cause()))
		srv = e.restart(ctx, crashes)
	}
}

// awaitLock returns true when the holder of the lock is gone and this process
// has become the holder, false when ctx ends.
func (e *embedded) awaitLock(ctx context.Context) bool {
	for {
		if wait(ctx, watchEvery) != nil {
			return false
		}
		// An error here is one of opening the file, which the next try may not
		// have; the server is not needed from us as long as the other one runs.
		if ok, _ := e.lock.TryLock(); ok {
			e.log.Info("the process that ran the embedded redis is gone; taking over")
			return true
		}
		if e.health.lastError() != nil {
			// Another process may have taken over: do not sit out the back-off.
			if o, err := readOwner(e.dir); err == nil && probe(o.socket) == serving {
				e.health.retryNow()
			}
		}
	}
}

// restart tries until a server runs, or returns nil when ctx ends.
func (e *embedded) restart(ctx context.Context, crashes int) *server {
	for n := crashes; ; n++ {
		if wait(ctx, backoff(n)) != nil {
			return nil
		}
		srv, err := e.start(ctx)
		if err == nil {
			e.log.Info("the embedded redis runs", zap.Int("pid", srv.pid()))
			e.health.retryNow()
			return srv
		}
		if ctx.Err() != nil {
			return nil
		}
		e.log.Error("cannot start the embedded redis", zap.Error(err), zap.Duration("retry_in", backoff(n+1)))
	}
}

// release gives the directory up to whoever wants it next.
func (e *embedded) release() {
	if o, err := readOwner(e.dir); err == nil && o.socket != "" && filepath.Dir(o.socket) != e.dir {
		_ = os.Remove(filepath.Dir(o.socket)) // among the temporary files; made anew when needed
	}
	removeOwner(e.dir)
	_ = e.lock.Unlock() // the end of the process does it too
}

func (e *embedded) close() error {
	e.cancel()
	<-e.done
	if e.memory != nil {
		e.memory.close()
		e.release()
	}
	return e.err
}

func (e *embedded) inProcess() bool { return e.memory != nil }

func (e *embedded) options(db int) rueidis.ClientOption {
	opt := baseOptions()
	opt.SelectDB = db
	opt.ForceSingleClient = true
	opt.InitAddress = []string{"embedded"} // a name for the log; dial knows where
	if e.memory != nil {
		memoryOptions(&opt)
	}
	return opt
}

// dial is a dialFunc. Where the socket is may change with the process that runs
// the server, so it is looked up each time.
func (e *embedded) dial(ctx context.Context, _ string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
	if e.memory != nil {
		return e.memory.dial()
	}
	o, err := readOwner(e.dir)
	if err != nil {
		return nil, fmt.Errorf("no process runs the embedded redis at the moment: %w", err)
	}
	return dialUnix(ctx, o.socket, d, nil)
}
