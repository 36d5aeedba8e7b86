package app

import (
	"net"
	"sync"
)

// boundedListener accepts at most cap(open) connections at the same time; Accept
// waits until one is closed. Its connections stay whole *net.TCPConns: net/http
// ends an answer to a request that it did not read in full with CloseWrite,
// without which the answer is lost.
type boundedListener struct {
	*net.TCPListener
	open   chan struct{} // one element for each open connection
	closed chan struct{}
	once   sync.Once
}

func bound(l *net.TCPListener, most int) *boundedListener {
	return &boundedListener{TCPListener: l, open: make(chan struct{}, most), closed: make(chan struct{})}
}

func (l *boundedListener) Accept() (net.Conn, error) {
	select {
	case l.open <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.AcceptTCP()
	if err != nil {
		<-l.open
		return nil, err
	}
	return &boundedConn{TCPConn: conn, release: sync.OnceFunc(func() { <-l.open })}, nil
}

func (l *boundedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.TCPListener.Close()
}

// boundedConn makes room for another when it is closed.
type boundedConn struct {
	*net.TCPConn
	release func()
}

func (c *boundedConn) Close() error {
	defer c.release()
	return c.TCPConn.Close()
}
