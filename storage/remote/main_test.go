package remote

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"code.dny.dev/ssrf"
	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"revela/task"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

func fetchURL(f *Fetcher, url string) (string, error) {
	return read(f, task.Source{Kind: task.URL, Name: url})
}

func read(f *Fetcher, src task.Source) (string, error) {
	rc, err := f.Fetch(ctx, src)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(rc)
	if cerr := rc.Close(); err == nil {
		err = cerr
	}
	return string(b), err
}

// world is a little internet: an origin that counts as public, an internal
// service that must never be visited, both on one port, and a name server.
type world struct {
	port    uint16
	hits    atomic.Int64 // of the internal service
	fetcher *Fetcher

	mu     sync.Mutex // the tests set these, the servers read them
	origin http.HandlerFunc
	names  names
}

// names answers the nth question for a name, from 0.
type names func(name string, nth int) []string

func (w *world) set(origin http.HandlerFunc, names names) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if origin != nil {
		w.origin = origin
	}
	if names != nil {
		w.names = names
	}
}

func (w *world) settings() (http.HandlerFunc, names) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.origin, w.names
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{}
	w.set(
		func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "public") },
		func(string, int) []string { return []string{"127.0.0.2"} },
	)
	outer, inner := pair(t)
	w.port = outer.Addr().(*net.TCPAddr).AddrPort().Port()
	serve(t, inner, func(rw http.ResponseWriter, _ *http.Request) {
		w.hits.Add(1)
		_, _ = io.WriteString(rw, "internal")
	})
	serve(t, outer, func(rw http.ResponseWriter, r *http.Request) {
		origin, _ := w.settings()
		origin(rw, r)
	})
	w.fetcher = w.newFetcher(t, DefaultTimeout, w.port)
	t.Cleanup(func() {
		if n := w.hits.Load(); n != 0 {
			t.Errorf("the internal service was visited %d times", n)
		}
	})
	return w
}

// newFetcher returns a fetcher that lives in the world.
func (w *world) newFetcher(t *testing.T, timeout time.Duration, ports ...uint16) *Fetcher {
	t.Helper()
	g := publicOnly(append(ports, 80, 443), ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix("127.0.0.2/32")))
	f, err := newFetcher(Config{MaxBytes: 1 << 20, Timeout: timeout}, g, nameServer(t, func(name string, nth int) []string {
		_, names := w.settings()
		return names(name, nth)
	}))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// url is an address on the world's port.
func (w *world) url(host string) string { return fmt.Sprintf("http://%s:%d/", host, w.port) }

// pair listens on 127.0.0.2 and 127.0.0.1 at one port.
func pair(t *testing.T) (outer, inner net.Listener) {
	t.Helper()
	for {
		outer, err := net.Listen("tcp", "127.0.0.2:0")
		if err != nil {
			t.Fatal(err)
		}
		port := outer.Addr().(*net.TCPAddr).Port
		if inner, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return outer, inner
		}
		outer.Close() // another test has that port
	}
}

func serve(t *testing.T, l net.Listener, h http.HandlerFunc) {
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	s.Start()
	t.Cleanup(s.Close)
}

// nameServer is a resolver that asks nobody but answer, which is told how often
// the name was asked for before.
func nameServer(t *testing.T, answer names) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		asked := map[string]int{}
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := resolve(buf[:n], asked, answer); reply != nil {
				_, _ = conn.WriteTo(reply, from)
			}
		}
	})
	t.Cleanup(func() { conn.Close(); wg.Wait() })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func resolve(query []byte, asked map[string]int, answer names) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	if q.Type == dnsmessage.TypeA {
		name := strings.TrimSuffix(q.Name.String(), ".")
		ips := answer(name, asked[name])
		asked[name]++
		if ips == nil {
			m.RCode = dnsmessage.RCodeNameError
		}
		for _, ip := range ips {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class},
				Body:   &dnsmessage.AResource{A: netip.MustParseAddr(ip).As4()},
			})
		}
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}
