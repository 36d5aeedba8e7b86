package app_test

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// More connections than may be open wait until one of those is closed.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), []string{"serve", "--workers=0"}, "SERVER_MAX_CONNECTIONS=2", "REDIS_EMBEDDED=process")
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := fmt.Fprint(conn, "GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	answer := func(conn net.Conn, within time.Duration) error {
		if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	first, second := dial(), dial()
	for _, conn := range []net.Conn{first, second} {
		if err := answer(conn, 30*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	third := dial()
	if err := answer(third, 300*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a third connection is answered: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := answer(third, 30*time.Second); err != nil {
		t.Errorf("the third connection, when there is room for it: %v", err)
	}
}

// A request that is not read in full gets its answer and then a proper end: a
// connection that is reset could take the answer with it.
func TestRefusedHeadIsAnswered(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), []string{"serve", "--workers=0"}, "REDIS_EMBEDDED=process")
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "GET /?%s HTTP/1.1\r\nHost: here\r\n\r\n", strings.Repeat("a", 40<<10)); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 431 ") {
		t.Errorf("a head that is too long is answered %q, %v", answer, err)
	}
}

// The bound on wrong keys is the one that is configured.
func TestWrongKeysAreBounded(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), []string{"serve", "--workers=0"},
		"API_KEY=0123456789abcdef", "AUTH_MAX_WRONG_KEYS=2", "REDIS_EMBEDDED=process")
	for i, want := range []int{401, 401, 429} {
		if a := get(t, p.URL+"/api/v1/tasks", "X-API-Key", "wrong"); a.Status != want {
			t.Errorf("wrong key %d is answered %d, want %d: %s", i+1, a.Status, want, a.Body)
		}
	}
}

// A full queue has no room for more, but who asks again for what it has is told.
func TestFullQueueKnowsItsTasks(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), []string{"serve", "--workers=0"}, "QUEUE_MAX_WAITING=1", "REDIS_EMBEDDED=process")
	submit := func(path, key string) (status int, told any) {
		a := do(t, http.MethodPost, p.URL+"/api/v1/tasks", []byte(`{"imageUrl":"https://example.org/`+path+`"}`),
			"Content-Type", "application/json", "Idempotency-Key", key)
		said := a.JSON(t)
		return a.Status, cmp.Or(said["taskId"], said["code"])
	}
	status, id := submit("a.jpg", "a")
	if status != http.StatusAccepted {
		t.Fatalf("the first: %d %v", status, id)
	}
	for _, tt := range []struct {
		path, key string
		status    int
		told      any
	}{
		{"a.jpg", "a", http.StatusOK, id},
		{"b.jpg", "a", http.StatusUnprocessableEntity, "IDEMPOTENCY_MISMATCH"},
		{"b.jpg", "b", http.StatusTooManyRequests, "QUEUE_FULL"},
	} {
		if status, told := submit(tt.path, tt.key); status != tt.status || told != tt.told {
			t.Errorf("%s with key %s: %d %v, want %d %v", tt.path, tt.key, status, told, tt.status, tt.told)
		}
	}
}
