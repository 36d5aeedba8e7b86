package redistest

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy stands between clients and a server and does what networks do. Its
// methods may be called from any goroutine.
type Proxy struct {
	Addr string // 127.0.0.1:port, to connect to

	listener net.Listener
	done     sync.WaitGroup

	mu     sync.Mutex
	target string
	delay  time.Duration
	conns  map[*proxied]struct{}
	closed bool
}

// proxied is one connection through the proxy.
type proxied struct {
	client, server net.Conn
	dead           chan struct{} // closed when nothing is passed on any more
	kill           func()        // closes dead, once
}

// NewProxy starts a proxy to target, which ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", "0"))
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	p := &Proxy{Addr: l.Addr().String(), listener: l, target: target, conns: map[*proxied]struct{}{}}
	p.done.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		p.closed = true
		p.mu.Unlock()
		p.Cut()
		p.done.Wait()
	})
	return p
}

// Target leads new connections to another server.
func (p *Proxy) Target(addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = addr
}

// Delay holds up every answer by d from now on.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Forsake makes the connections there are half-open: each side believes in the
// other, and nothing arrives any more. New connections work.
func (p *Proxy) Forsake() {
	for _, c := range p.all() {
		c.kill()
	}
}

// Cut closes the connections there are.
func (p *Proxy) Cut() {
	for _, c := range p.all() {
		c.close()
	}
}

func (p *Proxy) all() []*proxied {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*proxied, 0, len(p.conns))
	for c := range p.conns {
		all = append(all, c)
	}
	return all
}

func (c *proxied) close() {
	_ = c.client.Close() // it may be closed already
	_ = c.server.Close()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		p.mu.Lock()
		target := p.target
		p.mu.Unlock()
		server, err := net.DialTimeout("tcp", target, time.Second)
		if err != nil {
			_ = client.Close() // which tells the client
			continue
		}
		dead := make(chan struct{})
		c := &proxied{client: client, server: server, dead: dead, kill: sync.OnceFunc(func() { close(dead) })}
		p.mu.Lock()
		p.conns[c] = struct{}{}
		closed := p.closed
		p.mu.Unlock()
		if closed { // after Cut went through the connections
			c.close()
		}
		p.done.Go(func() { p.serve(c) })
	}
}

func (p *Proxy) serve(c *proxied) {
	var both sync.WaitGroup
	both.Go(func() { defer c.close(); p.pass(c, c.server, c.client, false) })
	both.Go(func() { defer c.close(); p.pass(c, c.client, c.server, true) })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// chunk is what was read at one time, and when it goes on.
type chunk struct {
	data []byte
	at   time.Time
}

// pass copies from one side to the other until either is closed. What is late
// holds up nothing that is sent meanwhile.
func (p *Proxy) pass(c *proxied, to io.Writer, from io.Reader, answers bool) {
	chunks := make(chan chunk, 1024)
	var writing sync.WaitGroup
	writing.Go(func() {
		for ch := range chunks {
			if d := time.Until(ch.at); d > 0 {
				select {
				case <-time.After(d):
				case <-c.dead:
				}
			}
			select {
			case <-c.dead: // swallowed
			default:
				_, _ = to.Write(ch.data) // the reader notices a closed connection
			}
		}
	})
	defer writing.Wait()
	defer close(chunks)
	for {
		buf := make([]byte, 16<<10)
		n, err := from.Read(buf)
		if n > 0 {
			at := time.Now()
			if answers {
				p.mu.Lock()
				at = at.Add(p.delay)
				p.mu.Unlock()
			}
			chunks <- chunk{buf[:n], at}
		}
		if err != nil {
			return
		}
	}
}
