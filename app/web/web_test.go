package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"revela/app/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ask(t *testing.T, method, target, etag string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	w := httptest.NewRecorder()
	web.Handler().ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

func TestHandler(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, target string
		status         int
		kind           string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8"},
		{"HEAD", "/", 200, "text/html; charset=utf-8"},
		{"GET", "/assets/main.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/assets/style.css", 200, "text/css; charset=utf-8"},
		{"GET", "/assets/icon.svg", 200, "image/svg+xml"},
		{"POST", "/", 405, ""},
		{"GET", "/index.html", 404, ""},
		{"GET", "/assets/", 404, ""},
		{"GET", "/assets/../web.go", 404, ""},
		{"GET", "/static/index.html", 404, ""},
		{"GET", "/api/v1/tasks", 404, ""},
	} {
		r, body := ask(t, c.method, c.target, "")
		if r.StatusCode != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.target, r.StatusCode, c.status)
		}
		if c.status != 200 {
			continue
		}
		if got := r.Header.Get("Content-Type"); got != c.kind {
			t.Errorf("%s: Content-Type %q, want %q", c.target, got, c.kind)
		}
		if r.Header.Get("Content-Security-Policy") != web.Policy || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", c.target, r.Header)
		}
		if (c.method == "HEAD") != (body == "") {
			t.Errorf("%s %s: %d bytes of body", c.method, c.target, len(body))
		}
		etag := r.Header.Get("ETag")
		if r, _ := ask(t, c.method, c.target, etag); r.StatusCode != http.StatusNotModified {
			t.Errorf("%s with its ETag %s: %d, want 304", c.target, etag, r.StatusCode)
		}
	}
}

var (
	reference = regexp.MustCompile(`(?:(?:src|href)="|from "\./|url\()([^"#)]+)`)
	outside   = regexp.MustCompile(`(?i)(https?:)?//[a-z0-9-]+\.[a-z]`)
	markup    = regexp.MustCompile(`(?i)innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|srcdoc`)
	inline    = regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script(?:[^>]*)>[^<]`)
)

// TestFiles walks over what the page refers to: every part is there, none comes
// from elsewhere, and none does what the policy forbids.
func TestFiles(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	var visit func(target string)
	visit = func(target string) {
		if seen[target] {
			return
		}
		seen[target] = true
		r, body := ask(t, "GET", target, "")
		if r.StatusCode != 200 {
			t.Errorf("%s is referred to and answers %d", target, r.StatusCode)
			return
		}
		if found := outside.FindString(strings.ReplaceAll(body, "http://www.w3.org/2000/svg", "")); found != "" {
			t.Errorf("%s refers to elsewhere: %s", target, found)
		}
		if found := markup.FindString(body); found != "" {
			t.Errorf("%s parses text as markup or code: %s", target, found)
		}
		if strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
			if found := inline.FindString(body); found != "" {
				t.Errorf("%s has inline code or style: %s", target, found)
			}
		}
		for _, m := range reference.FindAllStringSubmatch(body, -1) {
			visit(path.Join(path.Dir(target), m[1]))
		}
	}
	visit("/")
	for _, name := range []string{"main", "api", "events", "dom", "format", "stats", "tasks", "actions", "detail", "upload"} {
		if !seen["/assets/"+name+".js"] {
			t.Errorf("nothing refers to %s.js; the walk saw %v", name, seen)
		}
	}
}

// Every element that the scripts look up by its id is in the page.
func TestIDs(t *testing.T) {
	t.Parallel()
	_, page := ask(t, "GET", "/", "")
	lookup := regexp.MustCompile(`\$\("([^"]+)"\)`)
	n := 0
	for _, name := range []string{"main", "stats", "tasks", "detail", "upload", "dom"} {
		_, script := ask(t, "GET", "/assets/"+name+".js", "")
		for _, m := range lookup.FindAllStringSubmatch(script, -1) {
			n++
			if !strings.Contains(page, ` id="`+m[1]+`"`) {
				t.Errorf("%s.js looks for #%s", name, m[1])
			}
		}
	}
	if n < 20 {
		t.Errorf("found %d look-ups only", n)
	}
}
