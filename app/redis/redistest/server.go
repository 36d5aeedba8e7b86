package redistest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"revela/app/redis/internal/child"
)

const (
	readyWithin = 20 * time.Second
	stopWithin  = 5 * time.Second

	// Ports below the range from which the kernel takes ports for outgoing
	// connections: a client that keeps dialling a dead server's port inside that
	// range can end up connected to itself, and Restart then finds it taken.
	firstPort, ports = 20000, 12000
)

// S is one running redis-server, or one database on the shared one. Its methods
// must be called from the test's goroutine, except where they say otherwise.
type S struct {
	URL    string // redis://127.0.0.1:port/db
	Addr   string // 127.0.0.1:port
	Socket string // path of the unix socket
	DB     int    // database for this test; 0 on a server of its own

	t      testing.TB
	srv    *server
	shared bool
}

// server is the process behind one or more S.
type server struct {
	dir  string
	port int
	args []string

	mu   sync.Mutex
	proc *child.Process // nil while it is down
}

// Server starts a redis-server for this test alone, empty, without persistence.
// args are appended to its command line and win over the defaults, for example
// "--appendonly", "yes" or "--requirepass", "secret".
func Server(t testing.TB, args ...string) *S {
	t.Helper()
	srv, err := launch(args)
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	t.Cleanup(srv.remove)
	return handle(t, srv, 0)
}

// Start starts a redis-server for a program that is not a test, a benchmark:
// empty and without persistence. It answers at addr, a port of 127.0.0.1, until
// stop is called or the process ends.
func Start(args ...string) (addr string, stop func(), err error) {
	srv, err := launch(args)
	if err != nil {
		return "", nil, fmt.Errorf("redistest: %w", err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(srv.port)), srv.remove, nil
}

func handle(t testing.TB, srv *server, db int) *S {
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(srv.port))
	return &S{
		URL:    fmt.Sprintf("redis://%s/%d", addr, db),
		Addr:   addr,
		Socket: srv.socket(),
		DB:     db,
		t:      t,
		srv:    srv,
	}
}

// Pid is the server's process id, 0 while it is down.
func (s *S) Pid() int {
	s.srv.mu.Lock()
	defer s.srv.mu.Unlock()
	if s.srv.proc == nil {
		return 0
	}
	return s.srv.proc.Pid()
}

// Kill ends the server with SIGKILL, as a crash would, and waits for its end.
// It may be called from any goroutine; killing a dead server does nothing.
func (s *S) Kill() {
	s.t.Helper()
	s.own("Kill")
	s.srv.kill()
}

// Restart starts the server again on the same address and directory, killing it
// first if it runs, and returns when it answers. What it had is kept only with
// "--appendonly", "yes". It may be called from any goroutine.
func (s *S) Restart() {
	s.t.Helper()
	s.own("Restart")
	s.srv.kill()
	if err := s.srv.start(); err != nil {
		s.t.Errorf("redistest: restart: %v", err)
	}
}

// own reports an error when the server is not the test's alone.
func (s *S) own(method string) {
	s.t.Helper()
	if s.shared {
		panic("redistest: " + method + " on the shared server; use Server")
	}
}

// launch picks a port and starts a server on it; the port may be lost to
// someone else in between, so a few are tried.
func launch(args []string) (*server, error) {
	var last error
	for range 5 {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		// Not t.TempDir: with a long test name the socket's path would pass the
		// 108 bytes that a unix socket may have.
		dir, err := os.MkdirTemp("", "redistest")
		if err != nil {
			return nil, err
		}
		srv := &server{dir: dir, port: port, args: args}
		if last = srv.start(); last == nil {
			return srv, nil
		}
		srv.remove()
		if !strings.Contains(last.Error(), "Address already in use") {
			break
		}
	}
	return nil, last
}

func (s *server) socket() string { return filepath.Join(s.dir, "redis.sock") }

func (s *server) start() error {
	bin, err := findServer()
	if err != nil {
		return err
	}
	logFile := filepath.Join(s.dir, "redis.log")
	cmd := exec.Command(bin, append([]string{
		"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1",
		"--unixsocket", s.socket(), "--unixsocketperm", "700",
		"--dir", s.dir, "--logfile", logFile, "--daemonize", "no",
		"--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0",
	}, s.args...)...)
	proc, err := child.Start(cmd)
	if err != nil {
		return err
	}
	if err := awaitReady(proc, s.socket()); err != nil {
		proc.Kill()
		out, _ := os.ReadFile(logFile) // only to say more; may not exist
		return fmt.Errorf("%w; its log ends with:\n%s", err, tail(out, 1000))
	}
	s.mu.Lock()
	s.proc = proc
	s.mu.Unlock()
	return nil
}

func findServer() (string, error) {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if bin, err := exec.LookPath(name); err == nil {
			return bin, nil
		}
	}
	return "", errors.New("neither redis-server nor valkey-server is on the PATH; install one (Debian: apt-get install redis-server)")
}

func (s *server) kill() {
	s.mu.Lock()
	proc := s.proc
	s.proc = nil
	s.mu.Unlock()
	if proc != nil {
		proc.Kill()
	}
}

// remove stops the server and deletes its directory.
func (s *server) remove() {
	s.kill()
	_ = os.RemoveAll(s.dir) // a temporary directory left behind harms nobody
}

// awaitReady returns once the server answers, be it with a demand for a
// password, and is not loading its data any more.
func awaitReady(proc *child.Process, socket string) error {
	deadline := time.NewTimer(readyWithin)
	defer deadline.Stop()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		if answers("unix", socket) {
			return nil
		}
		select {
		case <-proc.Done():
			return fmt.Errorf("redis-server ended at once: %w", proc.Err())
		case <-deadline.C:
			return fmt.Errorf("redis-server did not answer within %s", readyWithin)
		case <-tick.C:
		}
	}
}

func answers(network, addr string) bool {
	c, err := net.DialTimeout(network, addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	if c.SetDeadline(time.Now().Add(time.Second)) != nil {
		return false
	}
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	return err == nil && !strings.HasPrefix(line, "-LOADING")
}

// FreePort returns a port of 127.0.0.1 that nobody listens on at the moment, for
// servers that need one more (--tls-port) or none that answers.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	return port
}

func freePort() (int, error) {
	for range 50 {
		port := firstPort + rand.IntN(ports)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, errors.New("no free port on loopback")
}

func tail(b []byte, n int) []byte {
	b = bytes.TrimSpace(b)
	return b[max(0, len(b)-n):]
}
