package cache_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"
	"go.uber.org/goleak"
)

// shared is the redis-server of all tests that do not hurt theirs; each takes a
// database of its own.
var (
	shared   *server
	database atomic.Int64
)

const databases = 256

func TestMain(m *testing.M) {
	if os.Getenv(childRole) != "" {
		os.Exit(child())
	}
	code := func() int {
		dir, err := os.MkdirTemp("", "cache")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		shared = &server{dir: dir}
		if err := shared.start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer shared.stop()
		code := m.Run()
		if code == 0 {
			// rueidis sleeps on after it has looked at a topology.
			if err := goleak.Find(
				goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"),
				goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient)._refresh.func2"),
			); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		return code
	}()
	os.Exit(code)
}

// server is a redis-server child on a unix socket.
type server struct {
	dir  string
	path string // of the socket, where another process has started the server
	cmd  *exec.Cmd
}

func ownServer(t *testing.T) *server {
	t.Helper()
	dir, err := os.MkdirTemp("", "cache") // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	s := &server{dir: dir}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.stop()
		os.RemoveAll(dir)
	})
	return s
}

func (s *server) socket() string {
	if s.path != "" {
		return s.path
	}
	return filepath.Join(s.dir, "s")
}

func (s *server) start() error {
	s.cmd = exec.Command("redis-server", "--port", "0", "--unixsocket", s.socket(),
		"--dir", s.dir, "--save", "", "--databases", fmt.Sprint(databases))
	if err := s.cmd.Start(); err != nil {
		return err
	}
	c, err := s.connect(0, rueidis.ClientOption{})
	if err != nil {
		return err
	}
	c.Close()
	return nil
}

// stop kills the server; it may be started again.
func (s *server) stop() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

func (s *server) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// connect makes a client as soon as the server answers.
func (s *server) connect(db int, o rueidis.ClientOption) (rueidis.Client, error) {
	o.InitAddress, o.SelectDB = []string{s.socket()}, db
	o.ConnWriteTimeout, o.ForceSingleClient = 2*time.Second, true
	o.DialCtxFn = func(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
		return d.DialContext(ctx, "unix", addr)
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); ; <-tick.C {
		c, err := rueidis.NewClient(o)
		if err == nil {
			return c, nil
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("redis-server does not answer: %w", err)
		}
	}
}

func (s *server) client(t *testing.T, db int, options ...option) rueidis.Client {
	t.Helper()
	var o rueidis.ClientOption
	for _, set := range options {
		set(&o)
	}
	c, err := s.connect(db, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// dial is a dialer.
func (s *server) dial(t *testing.T, options ...option) client { return s.client(t, 0, options...) }

type (
	client = rueidis.Client
	option func(*rueidis.ClientOption)
	// dialer makes clients of one database that no other test uses.
	dialer func(t *testing.T, options ...option) client
)

func withoutTracking(o *rueidis.ClientOption) { o.DisableCache = true }

// strict makes clients that keep no copies, so they show what Redis holds.
func (d dialer) strict() dialer {
	return func(t *testing.T, options ...option) client { return d(t, append(options, withoutTracking)...) }
}

// onRedis and onMini are the servers the cache must be right on.
func onRedis() dialer {
	db := int(database.Add(1)) % databases
	return func(t *testing.T, options ...option) client { return shared.client(t, db, options...) }
}

func onMini() dialer {
	var once sync.Once
	var m *miniredis.Miniredis
	return func(t *testing.T, _ ...option) client {
		t.Helper()
		once.Do(func() { m = miniredis.RunT(t) })
		c, err := rueidis.NewClient(rueidis.ClientOption{
			InitAddress: []string{m.Addr()}, DisableCache: true, AlwaysRESP2: true,
			ForceSingleClient: true, AlwaysPipelining: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
}

// everywhere runs a test on each kind of server.
func everywhere(t *testing.T, test func(t *testing.T, dial dialer)) {
	t.Parallel()
	for name, d := range map[string]dialer{"redis": onRedis(), "without tracking": onRedis().strict(), "miniredis": onMini()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, d)
		})
	}
}

// eventually polls until ok or fails the test.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	within(t, 30*time.Second, what, ok)
}

func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited %v for: %s", limit, what)
		}
	}
}
