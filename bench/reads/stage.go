package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 10 * time.Second
)

// stage is where servers run. It is for one goroutine.
type stage struct {
	dir      string   // for data and logs
	redis    string   // host:port of the Redis that all processes of the service share
	cleanups []func() // of what was started, in that order
}

// server is a process that listens on loopback.
type server struct {
	cmd   *exec.Cmd
	addr  string
	ended chan struct{} // closed when it has ended
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// start runs cmd, whose output goes to a file, and waits until ready.
func (s *stage) start(ctx context.Context, name, addr string, cmd *exec.Cmd, ready func() error) (*server, error) {
	path := filepath.Join(s.dir, name+".log")
	log, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own descriptor
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	srv := &server{cmd: cmd, addr: addr, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended does not matter: either stop asked for it, or ready fails
		close(srv.ended)
	}()
	s.cleanups = append(s.cleanups, srv.stop)
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		err := ready()
		if err == nil {
			return srv, nil
		}
		select {
		case <-poll.C:
			continue
		case <-srv.ended:
		case <-ctx.Done():
		}
		said, _ := os.ReadFile(path) // only to say more
		return nil, fmt.Errorf("%s does not start: %w: %s", name, err, said[max(0, len(said)-2000):])
	}
}

// close stops everything, the last first.
func (s *stage) close() {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		s.cleanups[i]()
	}
	s.cleanups = nil
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-s.ended:
	case <-time.After(stopTimeout):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

// serve starts an HTTP server: command gets the port it has to listen on.
func (s *stage) serve(ctx context.Context, name, ready string, command func(port string) *exec.Cmd) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(addr)
	return s.start(ctx, name, addr, command(port), func() error {
		resp, err := http.Get("http://" + addr + ready)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(ready + " answered " + strconv.Itoa(resp.StatusCode))
		}
		return nil
	})
}

// freeAddr returns an address on loopback that nobody listened on just now.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
