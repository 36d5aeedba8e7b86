package redis

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// repeatEvery is how often one and the same error is logged again: together with
// what others say of an outage it should stay below a line a second.
const repeatEvery = 5 * time.Second

// health knows for each address whether it can be reached, when it may be tried
// again, and logs the changes. Any goroutine may use it.
type health struct {
	log     *zap.Logger
	secrets []string
	now     func() time.Time
	stirred atomic.Int64 // when a connection was last begun or ended, ns since the epoch
	made    atomic.Int64 // connections whose server answered

	mu    sync.Mutex
	nodes map[string]*node
}

// node is one address; guarded by health.mu.
type node struct {
	up      bool
	fails   int       // failures since it was up
	retryAt time.Time // no try before
	err     error     // the last failure while it is not up

	logged     string // last error text logged
	loggedAt   time.Time
	suppressed int // repeats of it that were not logged
}

func newHealth(log *zap.Logger, secrets []string) *health {
	return &health{log: log, secrets: secrets, now: time.Now, nodes: map[string]*node{}}
}

func (h *health) node(addr string) *node {
	n := h.nodes[addr]
	if n == nil {
		n = &node{}
		h.nodes[addr] = n
	}
	return n
}

// stir notes that a connection is being made, or has ended and will be made again.
func (h *health) stir() { h.stirred.Store(h.now().UnixNano()) }

// settling is longer than it takes to make a connection: dialling and the greeting
// have dialTimeout each.
const settling = 2*dialTimeout + time.Second

// steady reports whether every connection has been as it is for a while.
func (h *health) steady(now time.Time) bool {
	return now.UnixNano()-h.stirred.Load() > int64(settling)
}

// mayDial returns an error that wraps the last failure while addr has to wait.
func (h *health) mayDial(addr string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.node(addr)
	if left := n.retryAt.Sub(h.now()); left > 0 {
		return fmt.Errorf("redis %s: next try in %s: %w", addr, left.Round(time.Millisecond), n.err)
	}
	return nil
}

// failed records a connection that did not come about.
func (h *health) failed(addr string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.node(addr)
	n.fails++
	delay := backoff(n.fails)
	n.up, n.err, n.retryAt = false, redact(err, h.secrets), h.now().Add(delay)
	h.warn(n, "cannot connect to redis", addr, zap.Int("attempt", n.fails), zap.Duration("retry_in", delay))
}

// lost records the end of a connection that had worked. It may be tried again
// at once: a server that closes an idle connection is not down.
func (h *health) lost(addr string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.node(addr)
	if n.up {
		n.fails = 0
	}
	n.up, n.err = false, redact(err, h.secrets)
	h.warn(n, "lost the connection to redis", addr)
}

// connected records that addr answered on a new connection.
func (h *health) connected(addr string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.node(addr)
	if n.up {
		return // one of several connections of the same client
	}
	fields := []zap.Field{zap.String("addr", addr)}
	if n.fails > 0 {
		fields = append(fields, zap.Int("failed_attempts", n.fails))
	}
	n.up, n.fails, n.err, n.retryAt = true, 0, nil, time.Time{}
	h.log.Info("connected to redis", fields...)
}

// retryNow lets every address be tried at once, because something else has said
// that the server is back.
func (h *health) retryNow() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range h.nodes {
		n.retryAt = time.Time{}
	}
}

// lastError is the last failure of an address that is not up, or nil.
func (h *health) lastError() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range h.nodes {
		if !n.up && n.err != nil {
			return n.err
		}
	}
	return nil
}

// warn logs n.err unless the same was logged less than repeatEvery ago.
func (h *health) warn(n *node, msg, addr string, fields ...zap.Field) {
	text := msg + ": " + stableText(n.err)
	now := h.now()
	if text == n.logged && now.Sub(n.loggedAt) < repeatEvery {
		n.suppressed++
		return
	}
	fields = append(fields, zap.String("addr", addr), zap.Error(n.err))
	if text == n.logged && n.suppressed > 0 {
		fields = append(fields, zap.Int("repeated", n.suppressed))
	}
	n.logged, n.loggedAt, n.suppressed = text, now, 0
	h.log.Warn(msg, fields...)
}

// stableText is one text for all the ways in which a connection breaks: a server
// that is gone refuses, resets and closes in turns, each time from another port.
func stableText(err error) string {
	if _, ok := errors.AsType[*net.OpError](err); ok || errors.Is(err, io.EOF) {
		return "no connection"
	}
	return err.Error()
}

// redact hides secrets in the error's text: a server that does not know HELLO
// repeats its arguments, and so the password, in its error.
func redact(err error, secrets []string) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, s := range secrets {
		if s != "" { // which is between all letters
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	if text == err.Error() {
		return err
	}
	return &redacted{text: text, err: err}
}

type redacted struct {
	text string
	err  error
}

func (r *redacted) Error() string { return r.text }
func (r *redacted) Unwrap() error { return r.err }
