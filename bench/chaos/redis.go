package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// server is the redis-server of a storm. It writes an append-only file synced
// every second, as the embedded one does.
type server struct {
	dir, addr string
	cmd       *exec.Cmd
	client    rueidis.Client
}

func startRedis(ctx context.Context, dir string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &server{dir: filepath.Join(dir, "redis"), addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	s.client, err = rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.addr}, ForceSingleClient: true, DisableCache: true})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect to %s: %w", s.addr, err), s.kill())
	}
	return s, nil
}

func (s *server) URL() string { return "redis://" + s.addr }

// start starts the process and returns when it answers.
func (s *server) start(ctx context.Context) error {
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		return err
	}
	s.cmd = exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", s.dir,
		"--logfile", "redis.log", "--save", "", "--appendonly", "yes", "--appendfsync", "everysec")
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start redis-server (Debian: apt-get install redis-server): %w", err)
	}
	within, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for every(within, 10*time.Millisecond) {
		if answers(s.addr) {
			return nil
		}
	}
	return errors.Join(fmt.Errorf("redis-server on %s does not answer; see %s/redis.log", s.addr, s.dir), s.kill())
}

// kill is kill -9.
func (s *server) kill() error {
	if err := s.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill redis-server: %w", err)
	}
	_ = s.cmd.Wait() // says that it was killed
	return nil
}

func (s *server) close() {
	s.client.Close()
	_ = s.kill() // it may be dead already
}

// answers reports whether the server at addr answers and has loaded its data.
func answers(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	answer := make([]byte, 5)
	if c.SetDeadline(time.Now().Add(time.Second)) != nil {
		return false
	}
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	n, err := c.Read(answer)
	return err == nil && string(answer[:n]) == "+PONG"
}

// freePort returns a port below those that the kernel gives to outgoing
// connections, so that nobody takes it while Redis is down.
func freePort() (int, error) {
	for port := 20000 + os.Getpid()%10000; port < 32000; port++ {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no free port on loopback")
}

// every waits for d and reports whether ctx is still alive.
func every(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
