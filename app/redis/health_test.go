package redis

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestBackoffGrowsByFiftyMillisecondsUpToTwoSeconds(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{
		0: 0, 1: 50 * time.Millisecond, 2: 100 * time.Millisecond, 39: 1950 * time.Millisecond,
		40: 2 * time.Second, 41: 2 * time.Second, 1 << 62: 2 * time.Second,
	} {
		if got := backoff(n); got != want {
			t.Errorf("backoff(%d) = %s, want %s", n, got, want)
		}
	}
}

func testHealth(secrets ...string) (*health, *time.Time, *observer.ObservedLogs) {
	core, logs := observer.New(zap.DebugLevel)
	h := newHealth(zap.New(core), secrets)
	now := time.Unix(1000, 0)
	h.now = func() time.Time { return now }
	return h, &now, logs
}

func TestHealthSpacesOutTheTries(t *testing.T) {
	t.Parallel()
	h, now, _ := testHealth()
	cause := errors.New("refused")
	for n := 1; n <= 50; n++ {
		if err := h.mayDial("a"); err != nil {
			t.Fatalf("try %d: %v", n, err)
		}
		h.failed("a", cause)
		*now = now.Add(backoff(n) - time.Millisecond)
		if err := h.mayDial("a"); !errors.Is(err, cause) {
			t.Fatalf("a millisecond early after failure %d: %v, want the cause", n, err)
		}
		*now = now.Add(time.Millisecond)
	}
	h.failed("a", cause)
	if err := h.mayDial("b"); err != nil {
		t.Fatalf("another address has to wait too: %v", err)
	}
	h.retryNow()
	if err := h.mayDial("a"); err != nil {
		t.Fatalf("after retryNow: %v", err)
	}
	if h.lastError() == nil {
		t.Fatal("no last error while it is down")
	}
	h.connected("a")
	if err := h.lastError(); err != nil {
		t.Fatalf("last error while it is up: %v", err)
	}
	h.failed("a", cause)
	*now = now.Add(backoff(1))
	if err := h.mayDial("a"); err != nil {
		t.Fatalf("the count did not start again after a connection: %v", err)
	}
}

func TestHealthLogsARepeatedErrorSeldom(t *testing.T) {
	t.Parallel()
	h, now, logs := testHealth()
	// Each failure has another local port or way, as real ones do.
	fail := func(i int) {
		if i%3 == 0 {
			h.failed("a", fmt.Errorf("no answer to the greeting: %w", io.EOF))
			return
		}
		h.failed("a", &net.OpError{Op: "read", Net: "tcp", Source: &net.TCPAddr{Port: 1000 + i}, Err: errors.New("reset")})
	}
	for i := range 20 {
		fail(i)
		*now = now.Add(500 * time.Millisecond)
	}
	if n := logs.Len(); n != 2 {
		t.Fatalf("%d lines for 20 failures in 10 s, want 2", n)
	}
	if got := logs.All()[1].ContextMap()["repeated"]; got != int64(9) {
		t.Fatalf("repeated = %v, want 9", got)
	}
	h.failed("a", errors.New("another"))
	if n := logs.Len(); n != 3 {
		t.Fatal("another error was not logged at once")
	}
	h.connected("a")
	h.connected("a")
	line := logs.All()[logs.Len()-1]
	if n := logs.Len(); n != 4 || line.Message != "connected to redis" || line.ContextMap()["failed_attempts"] != int64(21) {
		t.Fatalf("%d lines, the last %q %v", n, line.Message, line.ContextMap())
	}
}

func TestNoSecretIsNothingToHide(t *testing.T) {
	t.Parallel()
	if err := redact(errors.New("NOPERM"), []string{""}); err.Error() != "NOPERM" {
		t.Errorf("%v", err)
	}
}

func TestHealthHidesSecrets(t *testing.T) {
	t.Parallel()
	h, _, logs := testHealth("hush")
	h.failed("a", errors.New("ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `default`, `hush`"))
	for _, text := range []string{h.lastError().Error(), h.mayDial("a").Error(), logs.All()[0].ContextMap()["error"].(string)} {
		if strings.Contains(text, "hush") || !strings.Contains(text, "***") {
			t.Errorf("%q shows the password", text)
		}
	}
}

// What a client has stored may look like the reply of a read-only server.
func TestReadOnlyIsToldByTheReplyAlone(t *testing.T) {
	t.Parallel()
	for replies, want := range map[string]bool{
		"-READONLY You can't write against a read only replica.\r\n":                                       true,
		"-ERR Error running script (call to f_1): @user_script:3: -READONLY You can't write against a\r\n": true,
		"-ERR Error running script (call to f_1): no such key\r\n$11\r\n-READONLY x\r\n":                   false,
		"$13\r\n\r\n-READONLY \r\n\r\n": false,
		"+OK\r\n-READONLY x\r\n":        false,
		"":                              false,
	} {
		if got := refusesWrites([]byte(replies)); got != want {
			t.Errorf("%q: %t", replies, got)
		}
	}
}

func TestHealthIsSteadyOnceConnectionsAreOld(t *testing.T) {
	t.Parallel()
	h, now, _ := testHealth()
	h.stir()
	for after, want := range map[time.Duration]bool{
		-time.Second: false, 0: false, settling: false, settling + time.Nanosecond: true, time.Hour: true,
	} {
		if got := h.steady(now.Add(after)); got != want {
			t.Errorf("%v after a connection was begun: %v", after, got)
		}
	}
}
