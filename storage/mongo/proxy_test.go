package mongo

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// proxy stands before a server and lets one command at a time through, so that
// what is behind it is atomic: commands that change single documents in two
// steps cannot meet. It can also hang, and be gone.
type proxy struct {
	target  string
	address string
	turn    chan struct{} // held from a command to its answer
	serving sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool // nil while it is gone
}

// newProxy starts a proxy for the server at uri; it ends with the test.
func newProxy(t *testing.T, uri string) *proxy {
	t.Helper()
	target, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{target: target.Host, address: "127.0.0.1:0", turn: make(chan struct{}, 1)}
	if err := p.appear(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.vanish)
	return p
}

func (p *proxy) uri() string { return "mongodb://" + p.address }

// appear listens, after vanish at the same address as before.
func (p *proxy) appear() error {
	listener, err := net.Listen("tcp", p.address)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.address, p.listener, p.conns = listener.Addr().String(), listener, map[net.Conn]bool{}
	p.serving.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // vanished
			}
			p.serving.Go(func() { p.serve(client) })
		}
	})
	return nil
}

// vanish refuses connections and cuts those there are.
func (p *proxy) vanish() {
	p.mu.Lock()
	p.listener.Close()
	for conn := range p.conns {
		conn.Close()
	}
	p.conns = nil
	p.mu.Unlock()
	p.serving.Wait()
}

// hang lets nothing through until resume, and keeps connections open.
func (p *proxy) hang()   { p.turn <- struct{}{} }
func (p *proxy) resume() { <-p.turn }

// keep notes an open connection. false: the proxy is gone meanwhile.
func (p *proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == nil {
		conn.Close()
		return false
	}
	p.conns[conn] = true
	return true
}

func (p *proxy) drop(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	conn.Close()
	delete(p.conns, conn)
}

// serve passes commands on until either side closes.
func (p *proxy) serve(client net.Conn) {
	if !p.keep(client) {
		return
	}
	defer p.drop(client)
	server, err := net.Dial("tcp", p.target)
	if err != nil || !p.keep(server) {
		return
	}
	defer p.drop(server)
	for {
		command, err := readMessage(client)
		if err != nil {
			return
		}
		answer, err := p.ask(server, command)
		if err != nil {
			return
		}
		if _, err := client.Write(answer); err != nil {
			return
		}
	}
}

// ask waits for the answer also when nobody wants it any more: until it is
// there, the command may still run.
func (p *proxy) ask(server net.Conn, command []byte) ([]byte, error) {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	if _, err := server.Write(command); err != nil {
		return nil, err
	}
	return readMessage(server)
}

// readMessage reads one message of the wire protocol, which begins with its
// length.
func readMessage(r io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n < 16 || n > 48<<20 {
		return nil, fmt.Errorf("a message of %d bytes", n)
	}
	message := make([]byte, n)
	copy(message, length[:])
	_, err := io.ReadFull(r, message[4:])
	return message, err
}
