// Package child starts a process that does not outlive this one.
//
// On Linux the kernel sees to that, even when this process is killed with
// SIGKILL. Elsewhere only the signals of the terminal are kept away from the
// child, and whoever starts it must look for a left-over one the next time.
package child

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"time"
)

// outputGrace is how long the child's output may stay open after its end: a
// grandchild (redis-server forks to rewrite its log) holds the same pipe.
const outputGrace = time.Second

// Process is a started child. Its methods may be called from any goroutine.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // written by the waiting goroutine before done is closed
}

// Start starts cmd, which must not have been started, in its own process group
// so that an interrupt typed at the terminal reaches only this process, which
// then stops the child in its own order. It returns once the child runs.
func Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, done: make(chan struct{})}
	cmd.SysProcAttr = sysProcAttr()
	if cmd.WaitDelay == 0 {
		cmd.WaitDelay = outputGrace
	}
	started := make(chan error, 1)
	go func() {
		defer close(p.done)
		// The parent death signal is sent when the thread that forked ends, not
		// the process. So this goroutine keeps its thread as long as the child
		// lives.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		<-p.done
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return p, nil
}

// Pid is the child's process id, which stays reserved for it until Done.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended and has been waited for.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the child ended: nil for exit status 0. Only after Done.
func (p *Process) Err() error { return p.err }

// Kill ends the child at once and waits for its end. A child that has already
// ended is no error.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // the only failure is "already finished"
	<-p.done
}

// Stop asks the child to end and kills it when it has not ended within grace.
// It returns an error when it had to kill.
func (p *Process) Stop(grace time.Duration) error {
	if err := terminate(p.cmd.Process); err != nil {
		p.Kill()
		return nil
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		p.Kill()
		return errors.New("did not stop within " + grace.String() + " and was killed")
	}
}
