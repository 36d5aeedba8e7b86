package remote

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"revela/task"
)

const limit = 1000

// origin serves h, and returns its address and a fetcher that may go there.
func origin(t *testing.T, h http.HandlerFunc) (string, *Fetcher) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL, private(t, time.Second)
}

func private(t *testing.T, timeout time.Duration) *Fetcher {
	t.Helper()
	f, err := New(Config{MaxBytes: limit, Timeout: timeout, AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFetchURL(t *testing.T) {
	t.Parallel()
	url, f := origin(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.Header.Get("Accept-Encoding") != "identity" || r.UserAgent() != "revela" {
			t.Errorf("%s %v", r.Method, r.Header)
		}
		_, _ = io.WriteString(w, strings.Repeat("x", limit))
	})
	got, err := fetchURL(f, url)
	if err != nil || got != strings.Repeat("x", limit) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestNoProxy(t *testing.T) {
	proxied := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "proxy")
	}))
	defer proxied.Close()
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY"} {
		t.Setenv(name, proxied.URL)
	}
	w := newWorld(t)
	if got, err := fetchURL(w.fetcher, w.url("cdn.example")); err != nil || got != "public" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	var code atomic.Int64
	url, f := origin(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(code.Load())) })
	for _, c := range []struct {
		codes []int
		want  error
	}{
		{[]int{201, 204, 206, 300, 302, 304, 400, 401, 403, 404, 406, 410, 418, 451}, task.ErrSourceRefused},
		{[]int{408, 425, 429, 500, 502, 503, 504, 599}, ErrUnreachable},
	} {
		for _, n := range c.codes {
			code.Store(int64(n))
			_, err := fetchURL(f, url)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), fmt.Sprint(n)) && n != 302 {
				t.Errorf("%d: %v, want %v", n, err, c.want)
			}
		}
	}
}

func TestEndlessBody(t *testing.T) {
	t.Parallel()
	stopped := make(chan int64, 1)
	url, f := origin(t, func(w http.ResponseWriter, _ *http.Request) {
		var sent int64
		for {
			n, err := w.Write(make([]byte, 4096))
			sent += int64(n)
			if err != nil {
				stopped <- sent
				return
			}
		}
	})
	got, err := fetchURL(f, url)
	wantTooLarge(t, err)
	if len(got) != limit {
		t.Errorf("read %d bytes, want %d", len(got), limit)
	}
	select {
	case <-stopped:
	case <-time.After(5 * time.Second):
		t.Error("the origin is still sending")
	}
}

func TestAnnouncedTooLarge(t *testing.T) {
	t.Parallel()
	url, f := origin(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(limit+1))
		w.(http.Flusher).Flush()
	})
	_, err := f.Fetch(ctx, task.Source{Kind: task.URL, Name: url})
	wantTooLarge(t, err)
}

func TestGzipBomb(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 100*limit))
	_ = z.Close()
	if bomb.Len() > limit {
		t.Fatalf("the bomb has %d bytes", bomb.Len())
	}
	for _, encoding := range []string{"gzip", "br", "deflate, gzip"} {
		url, f := origin(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", encoding)
			_, _ = w.Write(bomb.Bytes())
		})
		if got, err := fetchURL(f, url); !errors.Is(err, task.ErrSourceRefused) {
			t.Errorf("%s: %d bytes, %v", encoding, len(got), err)
		}
	}
}

// raw answers every connection with the same bytes and closes it, unless mute.
func raw(t *testing.T, answer string, mute bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var conns []net.Conn
		defer func() {
			for _, c := range conns {
				c.Close()
			}
		}()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns = append(conns, c)
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, answer)
			if !mute {
				c.Close()
			}
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func TestLyingLength(t *testing.T) {
	t.Parallel()
	f := private(t, time.Second)
	short := raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort", false)
	got, err := fetchURL(f, "http://"+short)
	if !errors.Is(err, ErrUnreachable) || got != "short" {
		t.Errorf("less than announced: %q, %v", got, err)
	}
	long := raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nshort and more", false)
	if got, err := fetchURL(f, "http://"+long); err != nil || got != "short" {
		t.Errorf("more than announced: %q, %v", got, err)
	}
	cut := raw(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n", false)
	if _, err := fetchURL(f, "http://"+cut); !errors.Is(err, ErrUnreachable) {
		t.Errorf("no last chunk: %v", err)
	}
	for _, odd := range []string{"", "SSH-2.0-OpenSSH_9\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*maxHeader)} {
		if _, err := fetchURL(f, "http://"+raw(t, odd, false)); !errors.Is(err, ErrUnreachable) {
			t.Errorf("%.20q: %v", odd, err)
		}
	}
}

// However slow an origin is, and in whatever phase, the fetch ends in time.
func TestSlowOrigins(t *testing.T) {
	t.Parallel()
	const timeout = 300 * time.Millisecond
	drip := func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-r.Context().Done():
				return
			case <-tick.C:
				_, _ = io.WriteString(w, "x")
				w.(http.Flusher).Flush()
			}
		}
	}
	dripping, _ := origin(t, drip)
	for phase, url := range map[string]string{
		"header": "http://" + raw(t, "HTTP/1.1 200 OK\r\nContent-Le", true),
		"body":   "http://" + raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx", true),
		"drip":   dripping,
		"TLS":    "https://" + raw(t, "", true),
	} {
		begin := time.Now()
		_, err := fetchURL(private(t, timeout), url)
		if !errors.Is(err, ErrUnreachable) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", phase, err)
		}
		if d := time.Since(begin); d < timeout || d > 10*timeout {
			t.Errorf("%s: took %v", phase, d)
		}
	}
}

// A caller that goes away is told so, and not that the source was at fault.
func TestCancelledFetch(t *testing.T) {
	t.Parallel()
	url, f := origin(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "x")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	rc, err := f.Fetch(ctx, task.Source{Kind: task.URL, Name: url})
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	if _, err := rc.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(rc); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnreachable) {
		t.Errorf("Read: %v", err)
	}
	if _, err := f.Fetch(ctx, task.Source{Kind: task.URL, Name: url}); !errors.Is(err, context.Canceled) {
		t.Errorf("Fetch: %v", err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{
		{}, {MaxBytes: -1}, {MaxBytes: 1, Timeout: -1}, {MaxBytes: 1, Timeout: time.Millisecond},
		{MaxBytes: 1, Timeout: time.Hour}, {MaxBytes: 1, ImportDir: t.TempDir() + "/missing"},
	} {
		if f, err := New(c); err == nil {
			t.Errorf("New(%+v): no error", c)
			f.Close()
		}
	}
	err := Config{Timeout: -1}.Validate()
	if err == nil || !strings.Contains(err.Error(), "MaxBytes") || !strings.Contains(err.Error(), "Timeout") {
		t.Errorf("not every mistake is named: %v", err)
	}
}

func wantTooLarge(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, task.ErrFileTooLarge) || !errors.Is(err, task.ErrSourceRefused) {
		t.Errorf("error %v, want that the picture is too large, permanently", err)
	}
}
