package redis

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

const (
	// dialTimeout bounds connecting and the handshake of a connection.
	dialTimeout = 3 * time.Second
	// pingGap is how long a connection may be silent before rueidis pings it.
	pingGap = time.Second
	// replyTimeout is how long a reply may take before the connection is given
	// up. A busy disk can hold up Redis for two seconds (appendfsync everysec).
	replyTimeout = 5 * time.Second
)

// netDialer notices a peer that vanished without a word within about six
// seconds, be the connection silent (keep-alive) or waiting for an answer to
// what it sent (see tcpUserTimeout).
func netDialer() net.Dialer {
	return net.Dialer{
		Timeout:   dialTimeout,
		KeepAlive: pingGap,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: 3 * time.Second, Interval: time.Second, Count: 3,
		},
		Control: tcpUserTimeout,
	}
}

// dialFunc opens one connection to an address.
type dialFunc func(ctx context.Context, addr string, d *net.Dialer, conf *tls.Config) (net.Conn, error)

// errHandshake marks a server that accepts connections but fails at TLS.
var errHandshake = errors.New("TLS handshake")

func dialTCP(ctx context.Context, addr string, d *net.Dialer, conf *tls.Config) (net.Conn, error) {
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil || conf == nil {
		return c, err
	}
	if conf.ServerName == "" {
		conf = conf.Clone()
		if conf.ServerName, _, err = net.SplitHostPort(addr); err != nil {
			_ = c.Close()
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	tc := tls.Client(c, conf)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("%w with %s: %w", errHandshake, addr, err)
	}
	return tc, nil
}

func dialUnix(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
	return d.DialContext(ctx, "unix", addr)
}

// dialer opens rueidis' connections, spaces out the tries to an address that
// cannot be reached, and tells health what became of them.
type dialer struct {
	base   context.Context // ends with the Conn: closes every connection
	dial   dialFunc
	health *health

	mu      sync.Mutex
	open    map[*watchedConn]struct{}
	renewed map[string]time.Time // when an address's connections were closed for being read-only
}

// DialContext has the signature of rueidis' DialCtxFn. While an address is
// waiting for its next try, it fails at once with the last error rather than
// hold up the caller, whose other way to go on may be the database.
func (d *dialer) DialContext(ctx context.Context, addr string, nd *net.Dialer, conf *tls.Config) (net.Conn, error) {
	if err := d.health.mayDial(addr); err != nil {
		return nil, err
	}
	d.health.stir()
	patient := patient(ctx)
	dctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.base, cancel)()

	c, err := d.dial(dctx, addr, nd, conf)
	if err != nil {
		if d.base.Err() == nil && (ctx.Err() == nil || patient) {
			d.health.failed(addr, err)
		}
		return nil, err
	}
	w := &watchedConn{Conn: c, addr: addr, dialer: d, health: d.health, patient: patient}
	w.unhook = context.AfterFunc(d.base, func() { _ = c.Close() })
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		d.open, d.renewed = map[*watchedConn]struct{}{}, map[string]time.Time{}
	}
	d.open[w] = struct{}{}
	return w, nil
}

// renewEvery is how often connections are made anew while a server is read-only. In
// between it can still be read.
const renewEvery = 5 * time.Second

// renew closes the connections to a server that has become a replica. Behind a name
// or a virtual address its successor may be reached, and the old ones would stay with
// it for as long as it lives.
func (d *dialer) renew(addr string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.renewed[addr]) < renewEvery {
		return
	}
	d.renewed[addr] = time.Now()
	d.health.log.Warn("redis is read-only; connecting anew", zap.String("addr", addr))
	for c := range d.open {
		if c.addr == addr {
			_ = c.Conn.Close() // its reader hears of it
		}
	}
}

func (d *dialer) forget(c *watchedConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, c)
}

// readOnly begins the replies of a replica to what writes. Before Redis 7 a script's
// is within another error.
var readOnly = [][]byte{[]byte("-READONLY "), []byte("-ERR Error running script")}

// refusesWrites reports whether replies begin with one of a read-only server. Those
// further on are left to the next read: a client's own text may look like one.
func refusesWrites(replies []byte) bool {
	line, _, _ := bytes.Cut(replies, []byte("\r\n"))
	return bytes.HasPrefix(line, readOnly[0]) || bytes.HasPrefix(line, readOnly[1]) && bytes.Contains(line, []byte("-READONLY "))
}

// patient says whether the caller leaves the server all the time it may take to
// answer. One in a hurry that gives up says nothing about the server.
func patient(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > dialTimeout/2
}

// watchedConn tells health whether the server answers. Connecting is not
// enough: a frozen server's kernel still accepts.
type watchedConn struct {
	net.Conn
	addr    string
	dialer  *dialer
	health  *health
	patient bool
	unhook  func() bool
	closed  atomic.Bool
	up      bool // written and read by the one goroutine that reads the connection
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		c.health.stir()
	} else if c.up && refusesWrites(b[:n]) {
		c.dialer.renew(c.addr)
	}
	switch {
	case n > 0 && !c.up:
		if b[0] == '-' { // the handshake was refused
			line, _, _ := bytes.Cut(b[:n], []byte("\r\n"))
			c.health.failed(c.addr, errors.New(string(line[1:])))
			break
		}
		c.up = true
		c.health.made.Add(1)
		c.health.connected(c.addr)
	case err != nil && c.closed.Load(): // by ourselves
	case err != nil && c.up:
		c.health.lost(c.addr, err)
	case err != nil && c.patient:
		c.health.failed(c.addr, fmt.Errorf("no answer to the greeting: %w", err))
	}
	return n, err
}

func (c *watchedConn) Close() error {
	c.closed.Store(true)
	c.health.stir()
	c.dialer.forget(c)
	c.unhook()
	return c.Conn.Close()
}
