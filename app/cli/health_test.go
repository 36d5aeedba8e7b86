package cli

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"revela/app/config"
)

func TestLocalURLs(t *testing.T) {
	t.Parallel()
	for host, want := range map[string][]string{
		"127.0.0.1": {"http://127.0.0.1:80"},
		"::1":       {"http://[::1]:80"},
		"0.0.0.0":   {"http://127.0.0.1:80"},
		"::":        {"http://127.0.0.1:80", "http://[::1]:80"},
		"10.1.2.3":  {"http://10.1.2.3:80"},
		"localhost": {"http://localhost:80"},
	} {
		got, err := localURLs(config.Server{Host: host, Port: 80})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", host, err, diff)
		}
	}
	if urls, err := localURLs(config.Server{Host: "::"}); err == nil {
		t.Errorf("port 0 is asked at %v", urls)
	}
}

// TestHealthTriesBothFamilies: behind "::" may be a server of either.
func TestHealthTriesBothFamilies(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := "http://" + l.Addr().String()
	l.Close()
	if err := anyReady(t.Context(), []string{dead, server.URL}); err != nil {
		t.Error(err)
	}
	if err := anyReady(t.Context(), []string{dead, dead}); err == nil {
		t.Error("nobody is ready")
	}
}

// TestProgressEnds: the bar goes away however much of it was done.
func TestProgressEnds(t *testing.T) {
	t.Parallel()
	for _, steps := range []func(*progress){
		func(*progress) {},
		func(p *progress) { p.sent(true); p.sent(false) },
		func(p *progress) { p.sent(true); p.finished(); p.sent(false); p.sent(true); p.finished() },
	} {
		for _, p := range []*progress{{}, newProgress(&bytes.Buffer{}, 3)} {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				steps(p)
				p.end()
			}()
			select {
			case <-ended:
			case <-time.After(10 * time.Second):
				t.Fatal("it does not end")
			}
		}
	}
}
