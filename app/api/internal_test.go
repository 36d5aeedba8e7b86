package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"revela/imaging"
	"revela/queue"
	"revela/task"
)

// bare is a server with nothing behind it.
func bare(t *testing.T) *Server {
	t.Helper()
	s, err := New(Config{
		Service: &task.Service{}, Queue: &queue.Queue{}, Subscribe: func(task.ID, string) Subscription { return nil },
		Metrics: http.NotFoundHandler(), Dashboard: http.NotFoundHandler(), Log: zap.NewNop(), MaxUpload: 1 << 20,
		Version: `1.0 "quoted"`,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEveryErrorHasItsCode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err    error
		code   Code
		detail string
	}{
		{task.ErrInvalidID, InvalidTaskID, "24"},
		{task.ErrNotFound, TaskNotFound, ""},
		{task.ErrConflict, InvalidState, "changing"},
		{&task.StateError{Status: task.Completed, Action: "be retried"}, InvalidState, "A completed task cannot be retried."},
		{&queue.StateError{ID: "x", State: queue.Active, Action: "be removed"}, InvalidState, "Job x is active and cannot be removed."},
		{queue.ErrNoJob, JobNotFound, ""},
		{task.ErrEmpty, FileRequired, "empty"},
		{task.ErrFileTooLarge, FileTooLarge, ""},
		{task.ErrSourceRefused, SourceRefused, ""},
		{task.ErrIdempotencyMismatch, IdempotencyMismatch, ""},
		{task.ErrQueueFull, QueueFull, ""},
		{task.ErrUnavailable, Unavailable, ""},
		{context.DeadlineExceeded, Unavailable, ""},
		{context.Canceled, Unavailable, ""},
		{syscall.ENOSPC, Unavailable, "room"},
		{&imaging.Error{Kind: imaging.ErrUnsupported, Detail: "a PDF"}, UnsupportedImage, "A PDF."},
		{&imaging.Error{Kind: imaging.ErrInvalid, Detail: "it ends early"}, InvalidImage, "It ends early."},
		{&imaging.Error{Kind: imaging.ErrTooLarge, Detail: "65535 x 65535"}, ImageTooLarge, "65535"},
		{errors.New("secret"), Internal, ""},
	} {
		p := explain(fmt.Errorf("secret place: %w", tt.err))
		if p.code != tt.code || !strings.Contains(p.detail, tt.detail) || strings.Contains(p.detail, "secret") {
			t.Errorf("%v: %s %q, want %s %q", tt.err, p.code, p.detail, tt.code, tt.detail)
		}
	}
}

// A remembered page does not hold on to the query that it was asked for with.
func TestRememberedPageKeepsNoQuery(t *testing.T) {
	t.Parallel()
	r := newRenderer()
	query := "q=beach&limit=" + strings.Repeat("0", 30_000) + "10"
	text := query[2:7]
	if _, err := r.list(pageKey{text: text}, nil, Pagination{}); err != nil {
		t.Fatal(err)
	}
	for key := range r.pages.young {
		if key.text != text || unsafe.StringData(key.text) == unsafe.StringData(text) {
			t.Errorf("the key %q is a part of the query", key.text)
		}
	}
	if r.pages.used < len(text) {
		t.Errorf("%d bytes are counted", r.pages.used)
	}
}

func TestOpenAPIDescribesTheRoutes(t *testing.T) {
	t.Parallel()
	s := bare(t)
	var doc struct {
		Info       struct{ Version string }
		Paths      map[string]map[string]json.RawMessage
		Components map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(s.document.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Info.Version != `1.0 "quoted"` {
		t.Errorf("version = %q", doc.Info.Version)
	}
	var registered, described []string
	for _, r := range s.engine.Routes() {
		if r.Method == "HEAD" {
			continue // as the description of the document says
		}
		parts := strings.Split(r.Path, "/")
		for i, p := range parts {
			if name, ok := strings.CutPrefix(p, ":"); ok {
				parts[i] = "{" + name + "}"
			}
		}
		registered = append(registered, r.Method+" "+strings.Join(parts, "/"))
	}
	for path, ops := range doc.Paths {
		for method, op := range ops {
			described = append(described, strings.ToUpper(method)+" "+path)
			if !describes(op, "401", "429") && strings.HasPrefix(path, base) {
				t.Errorf("%s %s does not describe what a wrong key is answered", method, path)
			}
			for _, name := range pathNames(path) {
				if !namesParameter(doc.Components["parameters"], op, name) {
					t.Errorf("%s %s does not describe {%s}", method, path, name)
				}
			}
		}
	}
	slices.Sort(registered)
	slices.Sort(described)
	if diff := cmp.Diff(registered, described); diff != "" {
		t.Errorf("routes and openapi.json differ (-registered +described):\n%s", diff)
	}

	var codes struct {
		Properties struct{ Code struct{ Enum []Code } }
	}
	if err := json.Unmarshal(doc.Components["schemas"]["Problem"], &codes); err != nil {
		t.Fatal(err)
	}
	var known []Code
	for code, k := range kinds {
		known = append(known, code)
		if k.status < 400 || k.title == "" || k.hint == "" {
			t.Errorf("%s is incomplete: %+v", code, k)
		}
	}
	slices.Sort(known)
	slices.Sort(codes.Properties.Code.Enum)
	if diff := cmp.Diff(known, codes.Properties.Code.Enum); diff != "" {
		t.Errorf("codes (-in code +described):\n%s", diff)
	}

	for _, ref := range strings.Split(string(s.document.Bytes()), `"$ref": "#/components/`)[1:] {
		kind, name, _ := strings.Cut(ref[:strings.IndexByte(ref, '"')], "/")
		if doc.Components[kind][name] == nil {
			t.Errorf("nothing is at #/components/%s/%s", kind, name)
		}
	}
}

func pathNames(path string) (names []string) {
	for _, p := range strings.Split(path, "/") {
		if strings.HasPrefix(p, "{") {
			names = append(names, strings.Trim(p, "{}"))
		}
	}
	return names
}

// describes reports whether an operation has answers of all the statuses.
func describes(op json.RawMessage, statuses ...string) bool {
	var o operation
	return json.Unmarshal(op, &o) == nil && !slices.ContainsFunc(statuses, func(status string) bool {
		_, ok := o.Responses[status]
		return !ok
	})
}

func namesParameter(shared map[string]json.RawMessage, op json.RawMessage, name string) bool {
	var o operation
	if json.Unmarshal(op, &o) != nil {
		return false
	}
	return slices.ContainsFunc(o.Parameters, func(p parameter) bool {
		if p.Ref != "" && json.Unmarshal(shared[refName(p.Ref)], &p) != nil {
			return false
		}
		return p.Name == name && p.In == "path" && p.Required
	})
}

// The shapes in code and those described have the same members.
func TestOpenAPIDescribesTheShapes(t *testing.T) {
	t.Parallel()
	d, err := readDocument(bare(t).document.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	at := Time(time.UnixMilli(1))
	for name, v := range map[string]any{
		"Task": Task{
			Original: &Original{}, Images: []Image{{}}, Error: "x", Priority: "urgent", NotBefore: &at, StartedAt: &at, FinishedAt: &at,
		},
		"BulkList": BulkList{}, "BulkResult": BulkResult{Task: &Task{}, Error: &BulkError{}}, "BulkError": BulkError{Hint: "x"},
		"Original": Original{Frames: 2, Note: "x", ThumbHash: "x"}, "Image": Image{}, "TaskList": TaskList{},
		"Pagination": Pagination{Page: 1, NextCursor: "x"},
		"QueueStats": queue.Stats{}, "JobList": JobList{}, "Paused": Paused{}, "Retried": Retried{}, "Cleaned": Cleaned{},
		"Job": queue.Info{
			ProcessedOn: 1, FinishedOn: 1, FailedReason: "x", Stacktrace: []string{"x"}, Progress: json.RawMessage("1"), DueAt: 1, Priority: "urgent", Broken: "x",
			Data: json.RawMessage("{}"), Opts: json.RawMessage("{}"),
		},
		"Readiness": Readiness{Version: "x", Warnings: []string{"x"}}, "CheckResult": CheckResult{Error: "x"},
		"Problem": Problem{Detail: "x", Hint: "x", RequestID: "x"},
	} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		if err := json.Unmarshal(data, &members); err != nil {
			t.Fatal(err)
		}
		want, got := keysOf(d.Components.Schemas[name].Properties), keysOf(members)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-described +in code):\n%s", name, diff)
		}
	}
}

func keysOf[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func TestDocsAreOnePage(t *testing.T) {
	t.Parallel()
	s := bare(t)
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, httptest.NewRequest("GET", "/docs", nil))
	html := rec.Body.String()
	if rec.Code != 200 || !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("%d %v", rec.Code, rec.Header())
	}
	for code := range kinds {
		if !strings.Contains(html, `id="`+string(code)+`"`) {
			t.Errorf("no place for %s", code)
		}
	}
	for _, want := range []string{"/api/v1/tasks/upload", "GET", "1.0 &#34;quoted&#34;", "curl -F image=@photo.jpg"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range []string{"<script", "<img", "<link", "ZgotmplZ", "http://", "src="} {
		if strings.Contains(html, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

// A sender who drips is cut off; one who is slow but steady is not. Time is
// the bubble's, so this takes no time.
func TestBodiesMustMakeProgress(t *testing.T) {
	t.Parallel()
	// The form has no picture, so that nothing behind the API is asked.
	form := "--B\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n" + strings.Repeat("y", 200<<10) + "\r\n--B--\r\n"
	for _, tt := range []struct {
		name  string
		chunk int
		pause time.Duration
		want  int
	}{
		{"steady", 16 << 10, time.Second, 400},
		{"drip", 1, 9 * time.Second, 408},
		{"stop", 16 << 10, time.Minute, 408},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				here, there := net.Pipe()
				srv := HTTPServer(bare(t), zap.NewNop())
				l := &oneConn{conn: there, done: make(chan struct{})}
				served := make(chan error, 1)
				go func() { served <- srv.Serve(l) }()
				go func() {
					fmt.Fprintf(here, "POST /api/v1/tasks/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: %d\r\n\r\n", len(form))
					for rest := form; rest != ""; {
						n := min(tt.chunk, len(rest))
						if _, err := io.WriteString(here, rest[:n]); err != nil {
							return
						}
						rest = rest[n:]
						select {
						case <-time.After(tt.pause):
						case <-t.Context().Done():
							return
						}
					}
				}()
				begun := time.Now()
				head := make([]byte, 12)
				if _, err := io.ReadFull(here, head); err != nil || string(head) != fmt.Sprintf("HTTP/1.1 %d", tt.want) {
					t.Errorf("after %s: %q %v, want %d", time.Since(begun), head, err, tt.want)
				}
				if took := time.Since(begun); took > 40*time.Second {
					t.Errorf("took %s", took)
				}
				_ = here.Close()
				_ = srv.Close()
				<-served
			})
		})
	}
}

// oneConn is a listener for one connection.
type oneConn struct {
	conn net.Conn
	done chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.done
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error   { close(l.done); return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// FuzzForm feeds any bytes as a form: it ends in a picture that is part of
// them or in a problem that is the sender's, with bounded reading.
func FuzzForm(f *testing.F) {
	f.Add([]byte("--B\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\ndata\r\n--B--\r\n"))
	f.Add([]byte("--B\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\ndata\r\n--B--\r\n"))
	f.Add([]byte("--B\r\nContent-Disposition: form-data; name=\"file\"; filename*=UTF-8''%00%0d%0a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41\r\n--B\r\n\r\n--B--"))
	f.Add([]byte("--B--"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=B")
		form, err := openForm(httptest.NewRecorder(), r, 1<<20, bare(t).options)
		if err == nil {
			if form.Name != displayName(form.Name) {
				t.Errorf("name %q", form.Name)
			}
			var n int64
			if n, err = io.Copy(io.Discard, form); n > int64(len(body)) {
				t.Errorf("%d bytes of %d", n, len(body))
			}
		}
		var p *problem
		if err != nil && (!errors.As(err, &p) || kinds[p.code].status >= 500) {
			t.Errorf("error %v", err)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(formatCursor(task.Cursor{CreatedAt: time.UnixMilli(1_700_000_000_123), ID: "0123456789abcdef01234567"}))
	f.Add("____")
	f.Fuzz(func(t *testing.T, s string) {
		if c, ok := parseCursor(s); ok && formatCursor(c) != s {
			t.Errorf("%q became %q", s, formatCursor(c))
		}
	})
}
