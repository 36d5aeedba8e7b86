package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// process is one life of `app serve` or `app worker`.
type process struct {
	cmd     *exec.Cmd
	address atomic.Pointer[string] // where it serves; nil until it has started
	bidden  atomic.Bool            // its end is our doing
	done    chan struct{}          // closed when it has ended and its log is read
}

// launch starts the executable. Its log, one JSON object a line, is appended to
// logFile.
func launch(app string, args, env []string, logFile string) (*process, error) {
	log, err := os.OpenFile(logFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(app, args...), done: make(chan struct{})}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LOG_FORMAT=json", "SERVER_PORT=0"}, env...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", app, err), log.Close())
	}
	go func() {
		defer close(p.done)
		p.read(io.TeeReader(stderr, log))
		_ = p.cmd.Wait() // how it ended is in ProcessState
		_ = log.Close()
	}()
	return p, nil
}

// read looks for the line that says where the process serves.
func (p *process) read(log io.Reader) {
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadString('\n')
		var said struct{ Msg, Address string }
		if strings.Contains(line, `"started"`) && json.Unmarshal([]byte(line), &said) == nil && said.Msg == "started" {
			p.address.Store(&said.Address)
		}
		if err != nil {
			return
		}
	}
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// alive reports whether it runs, be it still starting or stopped in its tracks.
func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// kill is kill -9; it returns when the process has ended.
func (p *process) kill() {
	p.bidden.Store(true)
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.done
}

// terminate is SIGTERM; it returns the exit status, -1 if it had to be killed.
func (p *process) terminate(within time.Duration) int {
	p.bidden.Store(true)
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-p.done:
	case <-time.After(within):
		p.kill()
	}
	return p.cmd.ProcessState.ExitCode()
}
