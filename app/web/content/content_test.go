package content_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"revela/app/web/content"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	long  = []byte(strings.Repeat(`{"taskId":"0123456789abcdef01234567"},`, 100))
	short = long[:1024]
)

// serve starts a server of one handler and returns how to ask it.
func serve(t *testing.T, h http.Handler) func(method string, header ...string) (*http.Response, []byte) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return func(method string, header ...string) (*http.Response, []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Add(header[i], header[i+1])
		}
		tr := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, body
	}
}

func unzip(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEachCodingHasItsOwnTag(t *testing.T) {
	t.Parallel()
	ask := serve(t, content.New("application/json", long))
	plain, body := ask("GET")
	if !bytes.Equal(body, long) || plain.Header.Get("Content-Encoding") != "" || plain.ContentLength != int64(len(long)) {
		t.Fatalf("plain: %d bytes, %v", len(body), plain.Header)
	}
	packed, body := ask("GET", "Accept-Encoding", "gzip")
	if packed.Header.Get("Content-Encoding") != "gzip" || len(body) > len(long)/4 || !bytes.Equal(unzip(t, body), long) {
		t.Fatalf("packed: %d bytes, %v", len(body), packed.Header)
	}
	tags := []string{plain.Header.Get("ETag"), packed.Header.Get("ETag")}
	if tags[0] == tags[1] {
		t.Errorf("both codings have the tag %s", tags[0])
	}
	for i, r := range []*http.Response{plain, packed} {
		if !strings.HasPrefix(tags[i], `"`) || r.Header.Get("Vary") != "Accept-Encoding" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("headers %v", r.Header)
		}
		accept := []string{"identity", "gzip"}[i]
		for header, want := range map[string]int{tags[i]: 304, tags[1-i]: 200} {
			again, body := ask("GET", "Accept-Encoding", accept, "If-None-Match", header)
			if again.StatusCode != want {
				t.Errorf("%s with %s: %d, want %d", accept, header, again.StatusCode, want)
			}
			if again.Header.Get("ETag") != tags[i] || again.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s: %d with headers %v", accept, again.StatusCode, again.Header)
			}
			if want == 304 && (len(body) > 0 || again.Header.Get("Content-Encoding") != "" || again.Header.Get("Content-Type") != "") {
				t.Errorf("304 with %d bytes and %v", len(body), again.Header)
			}
		}
	}
	other, _ := serve(t, content.New("application/json", append([]byte(" "), long...)))("GET")
	if other.Header.Get("ETag") == tags[0] {
		t.Error("other bytes have the same tag")
	}
}

func TestHeadSaysWhatGetWould(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.Handler{
		"short": content.New("text/plain", short),
		"long":  content.New("text/plain", long),
		"empty": content.New("text/plain", nil),
		"unkept": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			content.Send(w, r, http.StatusAccepted, "text/plain", long)
		}),
	} {
		ask := serve(t, h)
		for _, accept := range []string{"gzip", "identity"} {
			get, body := ask("GET", "Accept-Encoding", accept)
			head, none := ask("HEAD", "Accept-Encoding", accept)
			if len(none) > 0 || head.StatusCode != get.StatusCode || get.Header.Get("Content-Length") != strconv.Itoa(len(body)) {
				t.Errorf("%s %s: HEAD %d with %d bytes, GET %d with %d", name, accept, head.StatusCode, len(none), get.StatusCode, len(body))
			}
			for _, field := range []string{"Content-Length", "Content-Type", "Content-Encoding", "ETag", "Vary"} {
				if g, h := get.Header.Get(field), head.Header.Get(field); g != h {
					t.Errorf("%s %s: %s is %q for GET and %q for HEAD", name, accept, field, g, h)
				}
			}
		}
	}
}

func TestAcceptEncoding(t *testing.T) {
	t.Parallel()
	ask := serve(t, content.New("text/plain", long))
	for header, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "x-gzip": true, "br, gzip": true, "gzip;q=0.1": true, "gzip; q=1.0": true,
		"deflate, gzip;q=1.0, *;q=0.5": true, "*": true, "br;q=1, *;q=0.1": true,
		"identity": false, "br": false, "gzip;q=0": false, "gzip;q=0.000, br": false, "*;q=0": false, "gzip;q=0, *": false,
		"identity;q=1, gzip;q=0.5": false, "identity;q=0.5, gzip": true, "identity;q=0, gzip": true,
		"gzip;q=x": false, "gzip;q=2": false, "gzip;q=-1": false, "gzip;q=NaN": false, "gzip;level=9": false, "gzipped": false,
	} {
		r, body := ask("GET", "Accept-Encoding", header)
		if got := r.Header.Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("%q: gzip %v, want %v", header, got, want)
		} else if got {
			body = unzip(t, body)
		}
		if !bytes.Equal(body, long) {
			t.Errorf("%q: other bytes", header)
		}
	}
	both, _ := ask("GET", "Accept-Encoding", "br", "Accept-Encoding", "gzip")
	if both.Header.Get("Content-Encoding") != "gzip" {
		t.Error("the second line of Accept-Encoding is not read")
	}
	if r, body := serve(t, content.New("text/plain", short))("GET", "Accept-Encoding", "gzip"); r.Header.Get("Content-Encoding") != "" || len(body) != len(short) {
		t.Errorf("a kilobyte is compressed: %v", r.Header)
	}
}

func TestIfNoneMatch(t *testing.T) {
	t.Parallel()
	ask := serve(t, content.New("text/plain", short))
	first, _ := ask("GET")
	tag := first.Header.Get("ETag")
	for header, want := range map[string]bool{
		tag: true, "W/" + tag: true, `"a", ` + tag: true, `W/"a" , W/` + tag + `,"b"`: true, `"a",` + tag: true, ", " + tag: true,
		"*": true, " * ": true, `"a,b", ` + tag: true,
		"": false, `"a"`: false, strings.Trim(tag, `"`): false, "w/" + tag: false, `"a", *`: false, `"x,*,y"`: false,
		`"` + tag: false, `"x, ` + tag: false, `"unended`: false, strings.ToUpper(tag): tag == strings.ToUpper(tag),
	} {
		r, _ := ask("GET", "If-None-Match", header)
		if got := r.StatusCode == http.StatusNotModified; got != want {
			t.Errorf("If-None-Match: %s: %d", header, r.StatusCode)
		}
	}
	if r, _ := ask("GET", "If-None-Match", `"a"`, "If-None-Match", tag); r.StatusCode != http.StatusNotModified {
		t.Error("the second line of If-None-Match is not read")
	}
	if r, body := ask("GET", "Range", "bytes=0-9"); r.StatusCode != http.StatusOK || len(body) != len(short) {
		t.Errorf("a range: %d, %d bytes", r.StatusCode, len(body))
	}
}

func TestContentIsSharedByReaders(t *testing.T) {
	t.Parallel()
	c := content.New("text/plain", long)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			r := httptest.NewRequest("GET", "/", nil)
			if i%2 == 0 {
				r.Header.Set("Accept-Encoding", "gzip")
			}
			w := httptest.NewRecorder()
			c.ServeHTTP(w, r)
			// What a middleware adds is for one answer only.
			w.Header().Add("Vary", "X-Other")
			if body := w.Body.Bytes(); i%2 == 1 && !bytes.Equal(body, long) || i%2 == 0 && len(body) > len(long)/4 {
				t.Errorf("reader %d got %d bytes", i, len(body))
			}
		})
	}
	wg.Wait()
	w := httptest.NewRecorder()
	c.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if got := w.Header()["Vary"]; len(got) != 1 {
		t.Errorf("Vary = %q", got)
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add("gzip;q=0.5, *", `W/"a", "b"`)
	f.Add(";q=;,,", `"""`)
	c := content.New("text/plain", long)
	f.Fuzz(func(t *testing.T, accept, match string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Encoding", accept)
		r.Header.Set("If-None-Match", match)
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		tag := w.Header().Get("ETag")
		if named := strings.Contains(match, tag) || strings.TrimSpace(match) == "*"; w.Code == http.StatusNotModified && !named {
			t.Errorf("304 for %q, which does not name %s", match, tag)
		}
	})
}
