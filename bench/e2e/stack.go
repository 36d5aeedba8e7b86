package main

import (
	"bytes"
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

	"revela/bench/rig"
)

// stack is a server that can be started.
type stack struct {
	who string
	// command makes it serve on a port of 127.0.0.1, with its files in dir.
	command func(redis, dir string, port, workers int) (argv, env []string)
}

func revela(app string) stack {
	return stack{"revela", func(redis, dir string, port, workers int) (argv, env []string) {
		return []string{app, "serve", "--workers=" + strconv.Itoa(workers)}, []string{
			"SERVER_PORT=" + strconv.Itoa(port), "REDIS_URL=redis://" + redis, "DATA_DIR=" + dir, "LOG_LEVEL=warn",
		}
	}}
}

// node installs the Node stack. Its error is the reason why it is left out.
func node(ctx context.Context, dir string) (stack, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return stack{}, err
	}
	s := stack{"stack-node", func(redis, data string, port, workers int) (argv, env []string) {
		return []string{"node", filepath.Join(dir, "server.mjs"), "--redis", redis, "--dir", data,
			"--port", strconv.Itoa(port), "--workers", strconv.Itoa(workers)}, []string{"NODE_ENV=production"}
	}}
	return s, rig.NPM(ctx, dir)
}

// server is a stack that serves.
type server struct {
	url  string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	logs bytes.Buffer  // what it said, to be read after done
}

// The patience with a server.
const (
	startWithin = 30 * time.Second
	stopWithin  = 30 * time.Second
	look        = 5 * time.Millisecond
)

// start starts the stack in an empty directory and returns when it answers.
func (s stack) start(ctx context.Context, redis, dir string, workers int) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	argv, env := s.command(redis, dir, port, workers)
	srv := &server{url: "http://127.0.0.1:" + strconv.Itoa(port), done: make(chan struct{})}
	srv.cmd = exec.CommandContext(ctx, argv[0], argv[1:]...)
	// Nothing from here configures it: neither a file nor the environment.
	srv.cmd.Dir = dir
	srv.cmd.Env = append(env, "PATH="+os.Getenv("PATH"), "HOME="+dir)
	srv.cmd.Stdout, srv.cmd.Stderr = &srv.logs, &srv.logs
	srv.cmd.Cancel = func() error { return srv.cmd.Process.Signal(syscall.SIGTERM) }
	srv.cmd.WaitDelay = stopWithin
	if err := srv.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { defer close(srv.done); _ = srv.cmd.Wait() }() // how it ended is in cmd.ProcessState
	if err := srv.await(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", s.who, err), srv.stop())
	}
	return srv, nil
}

// await returns when the server answers.
func (s *server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startWithin, errors.New("the server does not answer"))
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		if _, err := stats(ctx, client, s.url); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.done:
			return errors.New("the server ended at once")
		case <-time.After(look):
		}
	}
}

// stop ends the server. A server that did not end well is an error with what it
// said.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // the only failure is that it has ended
	select {
	case <-s.done:
	case <-time.After(stopWithin):
		_ = s.cmd.Process.Kill() // the same
		<-s.done
	}
	if !s.cmd.ProcessState.Success() {
		return fmt.Errorf("%s: %s\n%s", s.cmd.Path, s.cmd.ProcessState, &s.logs)
	}
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
