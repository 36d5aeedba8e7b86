package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"code.dny.dev/ssrf"

	"revela/task"
)

// No packet may leave for any of these.
func TestForbiddenAddresses(t *testing.T) {
	t.Parallel()
	g := publicOnly([]uint16{80, 443})
	for what, ips := range map[string][]string{
		"this network":       {"0.0.0.0", "0.1.2.3", "::"},
		"loopback":           {"127.0.0.1", "127.255.255.254", "::1"},
		"private":            {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1", "fc00::1"},
		"carrier":            {"100.64.0.1", "100.127.255.255"},
		"link-local":         {"169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1"},
		"metadata":           {"169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"},
		"site-local":         {"fec0::1"},
		"multicast":          {"224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"},
		"reserved":           {"240.0.0.1", "255.255.255.255"},
		"benchmarking":       {"198.18.0.1", "198.19.255.255", "2001:2::1"},
		"documentation":      {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"},
		"IPv4-mapped":        {"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"},
		"IPv4-compatible":    {"::127.0.0.1", "::10.0.0.1"},
		"IPv4-translated":    {"::ffff:0:127.0.0.1"},
		"NAT64":              {"64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::10.0.0.1"},
		"6to4":               {"2002:7f00:1::", "2002:a9fe:a9fe::1", "192.88.99.1"},
		"Teredo":             {"2001::1", "2001:0:7f00:1::80ff:fffe"},
		"ORCHID":             {"2001:10::1", "2001:20::1"},
		"ISATAP":             {"2a00:1450::5efe:127.0.0.1", "2a00:1450::200:5efe:10.0.0.1", "fe80::5efe:10.0.0.1"},
		"discard":            {"100::1"},
		"segment routing":    {"5f00::1"},
		"zoned global":       {"2a00:1450::1%eth0"},
		"outside of 2000::3": {"4000::1", "1::1"},
	} {
		for _, s := range ips {
			ip := netip.MustParseAddr(s)
			if err := g.addr(ip); err == nil {
				t.Errorf("%s: a URL with %s passes", what, s)
			}
			network := "tcp4"
			if ip.Is6() {
				network = "tcp6"
			}
			if err := g.dial(network, netip.AddrPortFrom(ip, 80).String(), nil); err == nil {
				t.Errorf("%s: dialling %s passes", what, s)
			}
		}
	}
}

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	g := publicOnly([]uint16{80, 443})
	for _, s := range []string{"1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::200e"} {
		ip := netip.MustParseAddr(s)
		if err := g.addr(ip); err != nil {
			t.Errorf("%s: %v", s, err)
		}
		network := "tcp4"
		if ip.Is6() {
			network = "tcp6"
		}
		if err := g.dial(network, netip.AddrPortFrom(ip, 443).String(), nil); err != nil {
			t.Errorf("dialling %s: %v", s, err)
		}
		if err := g.dial(network, netip.AddrPortFrom(ip, 22).String(), nil); err == nil {
			t.Errorf("dialling %s at port 22 passes", s)
		}
	}
	for _, address := range []string{"", "1.1.1.1", "example.org:80", "1.1.1.1:x"} {
		if err := g.dial("tcp4", address, nil); err == nil {
			t.Errorf("dialling %q passes", address)
		}
	}
	if err := g.dial("udp4", "1.1.1.1:443", nil); err == nil {
		t.Error("udp passes")
	}
}

func TestRefusedURLs(t *testing.T) {
	t.Parallel()
	f, err := New(Config{MaxBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{
		"", " ", "example.org/x.jpg", "//example.org/x.jpg", "/x.jpg", "http:", "http:///x.jpg", "http:example.org",
		"http://:80/", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "data:image/png;base64,AA",
		"javascript:1", "http+unix://x/", "http://example.org:22/", "https://example.org:8443/", "http://example.org:0/",
		"http://example.org:99999/", "http://example.org:-80/", "http://user@example.org/", "http://user:pass@example.org/",
		"http://example.org@127.0.0.1/", "http://127.0.0.1/", "http://127.0.0.1#@example.org/", "http://127.0.0.1?@example.org/",
		"http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[::]/", "http://0.0.0.0/", "https://169.254.169.254/latest/",
		"http://[fe80::1%25eth0]/", "http://[fd00:ec2::254]/", "http://10.0.0.1:443/", "http://exa mple.org/",
		"http://example.org/\r\nX: y", "http://example.org/\x00", "http://example.org/" + strings.Repeat("a", maxURL),
	} {
		src := task.Source{Kind: task.URL, Name: url}
		if err := f.Check(src); !errors.Is(err, task.ErrSourceRefused) || err.Error() != task.ErrSourceRefused.Error() {
			t.Errorf("Check(%.60q) = %v", url, err)
		}
		if _, err := f.Fetch(ctx, src); !errors.Is(err, task.ErrSourceRefused) {
			t.Errorf("Fetch(%.60q) = %v", url, err)
		}
	}
	for _, url := range []string{
		"http://example.org", "https://example.org/x.jpg?a=b#c", "http://example.org:80/", "http://example.org:443/",
		"HTTPS://EXAMPLE.org/", "http://93.184.216.34/", "https://[2606:4700::1111]/",
	} {
		if err := f.Check(task.Source{Kind: task.URL, Name: url}); err != nil {
			t.Errorf("Check(%q) = %v", url, err)
		}
	}
	for _, kind := range []task.SourceKind{task.Upload, ""} {
		if _, err := f.Fetch(ctx, task.Source{Kind: kind, Name: "http://example.org"}); !errors.Is(err, task.ErrSourceRefused) {
			t.Errorf("Fetch of kind %q = %v", kind, err)
		}
	}
}

// Every spelling of this machine, with a name server that helps the attacker.
func TestSpellingsOfLoopback(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(nil, func(string, int) []string { return []string{"127.0.0.1"} })
	for _, host := range []string{
		"127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.1", "127.0.1", "0", "0.0.0.0", "2130706433", "0x7f000001",
		"0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.000.000.001", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
		"[::127.0.0.1]", "[64:ff9b::7f00:1]", "[0:0:0:0:0:0:0:1]", "internal.example", "127.0.0.1.nip.example", "①②⑦.⓪.⓪.①",
	} {
		if got, err := fetchURL(w.fetcher, w.url(host)); err == nil {
			t.Errorf("%s answered %q", host, got)
		}
	}
}

// The same little world is open to a guard that lets pass: the tests above
// would see a hit.
func TestTheInternalServiceIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f, err := New(Config{MaxBytes: 100, AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := fetchURL(f, w.url("127.0.0.1")); err != nil || got != "internal" {
		t.Errorf("got %q, %v", got, err)
	}
	if n := w.hits.Swap(0); n != 1 {
		t.Errorf("%d hits, want 1", n)
	}
	if got, err := fetchURL(w.fetcher, w.url("cdn.example")); err != nil || got != "public" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestRedirectsInward(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(nil, func(name string, _ int) []string {
		if strings.HasPrefix(name, "internal") {
			return []string{"127.0.0.1"}
		}
		return []string{"127.0.0.2"}
	})
	for _, target := range []string{
		w.url("127.0.0.1"), w.url("localhost"), w.url("internal.example"), w.url("[::ffff:127.0.0.1]"),
		"//127.0.0.1:" + fmt.Sprint(w.port), "file:///etc/passwd", "ftp://cdn.example/", "http://cdn.example:22/",
		strings.Replace(w.url("cdn.example"), "//", "//user:pass@", 1),
	} {
		for _, code := range []int{301, 302, 303, 307, 308} {
			w.set(func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, target, code) }, nil)
			if got, err := fetchURL(w.fetcher, w.url("cdn.example")); err == nil {
				t.Errorf("%d to %s answered %q", code, target, got)
			}
		}
	}
}

func TestRedirectsAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for chain := range 6 {
		w.set(func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Referer") != "" {
				t.Errorf("Referer: %s", r.Header.Get("Referer"))
			}
			var n int
			_, _ = fmt.Sscanf(r.URL.Path, "/%d", &n)
			if n == chain {
				_, _ = io.WriteString(rw, "arrived")
				return
			}
			http.Redirect(rw, r, fmt.Sprintf("/%d", n+1), http.StatusFound)
		}, nil)
		got, err := fetchURL(w.fetcher, w.url("cdn.example"))
		if chain <= maxRedirects && (err != nil || got != "arrived") {
			t.Errorf("after %d redirects: %q, %v", chain, got, err)
		}
		if chain > maxRedirects && !errors.Is(err, task.ErrSourceRefused) {
			t.Errorf("after %d redirects: %q, %v", chain, got, err)
		}
	}
}

// The name is public when first asked for and internal afterwards.
func TestRebinding(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "/again", http.StatusFound)
	}, func(_ string, nth int) []string {
		if nth == 0 {
			return []string{"127.0.0.2"}
		}
		return []string{"127.0.0.1"}
	})
	for i := range 20 {
		_, err := fetchURL(w.fetcher, w.url(fmt.Sprintf("r%d.example", i)))
		wantBlocked(t, err)
	}
}

func TestMixedAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(nil, func(string, int) []string { return []string{"127.0.0.1", "127.0.0.2", "127.0.0.1"} })
	if got, err := fetchURL(w.fetcher, w.url("mixed.example")); err != nil || got != "public" {
		t.Errorf("got %q, %v", got, err)
	}
}

// What was blocked, refused, unresolvable or mute sounds the same.
func TestOneAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().(*net.TCPAddr).AddrPort().Port()
	l.Close()
	f := w.newFetcher(t, 500*time.Millisecond, w.port, closed)
	w.set(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	}, func(name string, _ int) []string {
		switch name {
		case "blocked.example":
			return []string{"127.0.0.1"}
		case "nowhere.example":
			return nil
		}
		return []string{"127.0.0.2"}
	})
	var noName *net.DNSError
	answers := map[string]bool{}
	for url, cause := range map[string]func(error) bool{
		w.url("blocked.example"): func(err error) bool { return errors.Is(err, ssrf.ErrProhibitedIP) },
		w.url("nowhere.example"): func(err error) bool { return errors.As(err, &noName) && noName.IsNotFound },
		w.url("mute.example"):    func(err error) bool { return errors.Is(err, context.DeadlineExceeded) },
		fmt.Sprintf("http://refused.example:%d/", closed): func(err error) bool {
			return errors.Is(err, syscall.ECONNREFUSED)
		},
		strings.Replace(w.url("notls.example"), "http", "https", 1): func(err error) bool {
			return strings.Contains(err.Error(), "HTTP response to HTTPS client")
		},
	} {
		_, err := fetchURL(f, url)
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, ErrUnreachable) || errors.Is(err, task.ErrSourceRefused) {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if !cause(e.Cause) {
			t.Errorf("%s: the cause is %v", url, e.Cause)
		}
		answers[err.Error()] = true
	}
	if len(answers) != 1 {
		t.Errorf("%d distinct answers: %v", len(answers), answers)
	}
}

func wantBlocked(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !errors.Is(e.Cause, ssrf.ErrProhibitedIP) {
		t.Errorf("error %v, want one that was caused by the guard", err)
	}
}
