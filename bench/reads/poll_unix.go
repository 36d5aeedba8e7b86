//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// poller is a set of connections that one goroutine uses. Go's own poller does not
// know them: it would wake up for each answer.
type poller struct {
	fds   []unix.PollFd
	ready []int
}

func connect(ctx context.Context, addr string, conns int) (*poller, error) {
	p := &poller{}
	for range conns {
		fd, err := dial(ctx, addr)
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		p.fds = append(p.fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	return p, nil
}

func dial(ctx context.Context, addr string) (int, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	file, err := conn.(*net.TCPConn).File()
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0) // Fd makes it block
}

func (p *poller) close() (err error) {
	for _, fd := range p.fds {
		err = errors.Join(err, unix.Close(int(fd.Fd)))
	}
	return err
}

// answerTimeout is how long all connections that wait may be without an answer.
const answerTimeout = time.Minute

// wait returns the connections that have something to read; the slice is good until
// the next call.
func (p *poller) wait() ([]int, error) {
	for {
		n, err := unix.Poll(p.fds, int(answerTimeout.Milliseconds()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, fmt.Errorf("no answer in %v", answerTimeout)
		}
		break
	}
	p.ready = p.ready[:0]
	for i := range p.fds {
		if p.fds[i].Revents != 0 {
			p.ready = append(p.ready, i)
		}
	}
	return p.ready, nil
}

// read appends to b what has come on connection i.
func (p *poller) read(i int, b []byte) ([]byte, error) {
	b = slices.Grow(b, 1)
	n, err := unix.Read(int(p.fds[i].Fd), b[len(b):cap(b)])
	if err == nil && n == 0 {
		err = errors.New("the server closed a connection")
	}
	return b[:len(b)+max(0, n)], err
}

func (p *poller) write(i int, b []byte) error {
	n, err := unix.Write(int(p.fds[i].Fd), b)
	if err == nil && n < len(b) {
		err = fmt.Errorf("%d bytes of %d were sent", n, len(b))
	}
	return err
}
