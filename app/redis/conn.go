package redis

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/rueidis"
	"go.uber.org/zap"
)

// closeGrace is how long Close lets pending commands finish, a blocking one
// among them, before it cuts their connections.
const closeGrace = 3 * time.Second

// Conn is an open client and, where there is one, the embedded server behind
// it. Its methods may be called from any goroutine.
type Conn struct {
	client   rueidis.Client
	health   *health
	embedded *embedded // nil for an external server
	tracking bool      // the server tells of changes to cached keys
	desc     string

	cancel context.CancelFunc // cuts every connection
	close  func() error       // at most once
}

// Open connects as cfg says, starting the embedded server where it names no
// other. It tries for cfg.ConnectTimeout, as long as what goes wrong may pass (a
// refused connection, a server that is loading its data), and returns an error
// with a hint at once for what will not (a wrong password). The error holds no
// secret. ctx is for opening only. The caller must Close the Conn. Connections made
// and lost, and the embedded server's life, are told to log, which must not be nil.
//
// The server must be Redis 6.2 or newer, or Valkey.
func Open(ctx context.Context, cfg Config, log *zap.Logger) (*Conn, error) {
	cfg = cfg.withDefaults()
	t, err := cfg.resolve()
	if err != nil {
		return nil, err
	}

	base, cancel := context.WithCancel(context.Background())
	c := &Conn{health: newHealth(log, t.secrets()), cancel: cancel}
	c.close = sync.OnceValue(c.doClose)
	d := &dialer{base: base, health: c.health}

	var opt rueidis.ClientOption
	if t.kind == kindEmbedded {
		if c.embedded, err = openEmbedded(ctx, cfg, log, c.health); err != nil {
			cancel()
			return nil, fmt.Errorf("the embedded redis: %w", err)
		}
		opt, d.dial = c.embedded.options(t.db), c.embedded.dial
	} else {
		opt, d.dial = externalOptions(t, cfg.TLS)
	}
	opt.DialCtxFn = d.DialContext

	// NewClient knows no context; cutting its connections ends it.
	opening, stop := context.WithTimeout(ctx, cfg.ConnectTimeout)
	defer stop()
	unhook := context.AfterFunc(opening, cancel)
	c.client, c.tracking, err = connect(opening, opt, log)
	if !unhook() && err == nil {
		err = context.Cause(opening) // connected, but just cut
	}
	if err == nil {
		err = c.identify(opening, cfg, t)
	}
	if err != nil {
		_ = c.close() // the reason to close is the error to report
		return nil, explain(err, t, cfg.ConnectTimeout, c.health.lastError())
	}
	return c, nil
}

// identify asks for the server's version and puts the description together.
func (c *Conn) identify(ctx context.Context, cfg Config, t target) error {
	if c.embedded != nil && c.embedded.inProcess() {
		c.desc = "in-process (forgets on exit; install redis-server to keep jobs)"
		return nil
	}
	name, version := hello(ctx, c.client)
	if err := checkVersion(version); err != nil {
		return err
	}
	if version != "" {
		name += " " + version
	}
	if c.embedded != nil {
		c.desc = fmt.Sprintf("%s (embedded, %s)", name, embeddedDir(cfg.DataDir))
	} else {
		c.desc = name + " at " + t.String()
	}
	if !c.Tracking() {
		c.desc += ", without client-side caching"
	}
	return nil
}

// Client is the client, valid until Close and through every restart of the
// server.
func (c *Conn) Client() rueidis.Client { return c.client }

// Describe says in a few words what the client is connected to, without secrets.
func (c *Conn) Describe() string { return c.desc }

// Tracking says whether the server helps client-side caching. If not, rueidis'
// DoCache asks the server each time.
func (c *Conn) Tracking() bool { return c.tracking }

// Steady says that no connection is being made now, nor was one begun or lost a few
// seconds before. While one is, rueidis lets those who need it wait for seconds,
// whatever their contexts say.
func (c *Conn) Steady(now time.Time) bool { return c.health.steady(now) }

// Epoch counts the connections made so far, each before anything that it carries can be
// read from it.
func (c *Conn) Epoch() int64 { return c.health.made.Load() }

// Cluster says whether keys of one command must share a slot.
func (c *Conn) Cluster() bool { return c.client.Mode() == rueidis.ClientModeCluster }

// Ping returns nil when the server answers, else why not.
func (c *Conn) Ping(ctx context.Context) error {
	err := ping(ctx, c.client)
	if err == nil {
		return nil
	}
	if last := c.health.lastError(); last != nil && ctx.Err() != nil {
		return fmt.Errorf("%w; the last try: %w", err, last)
	}
	return redact(err, c.health.secrets)
}

// Close ends the client, giving pending commands a moment, and then the embedded
// server if this process runs it; its data is on disk when Close returns. Another
// process with the same data directory then takes over. Calling it again returns
// the same error.
func (c *Conn) Close() error { return c.close() }

func (c *Conn) doClose() error {
	if c.client != nil {
		cut := time.AfterFunc(closeGrace, c.cancel)
		c.client.Close()
		cut.Stop()
	}
	c.cancel()
	if c.embedded != nil {
		return c.embedded.close()
	}
	return nil
}
