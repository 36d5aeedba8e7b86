package redistest_test

import (
	"context"
	"fmt"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"go.uber.org/goleak"

	"revela/app/redis/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func set(t *testing.T, c rueidis.Client, key, value string) {
	t.Helper()
	if err := c.Do(t.Context(), c.B().Set().Key(key).Value(value).Build()).Error(); err != nil {
		t.Fatalf("SET: %v", err)
	}
}

func get(t *testing.T, c rueidis.Client, key string) string {
	t.Helper()
	v, err := c.Do(t.Context(), c.B().Get().Key(key).Build()).ToString()
	if err != nil && !rueidis.IsRedisNil(err) {
		t.Fatalf("GET: %v", err)
	}
	return v
}

func TestSharedGivesEachTestItsOwnDatabase(t *testing.T) {
	t.Parallel()
	for i := range 8 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			c := redistest.Shared(t).Client(t)
			if got := get(t, c, "k"); got != "" {
				t.Fatalf("a fresh database holds k = %q", got)
			}
			set(t, c, "k", strconv.Itoa(i))
			if got := get(t, c, "k"); got != strconv.Itoa(i) {
				t.Fatalf("k = %q, want %d", got, i)
			}
		})
	}
}

func TestRestartKeepsWhatTheAppendLogHas(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ aof, want string }{{"yes", "v"}, {"no", ""}} {
		t.Run(tt.aof, func(t *testing.T) {
			t.Parallel()
			s := redistest.Server(t, "--appendonly", tt.aof, "--appendfsync", "always")
			set(t, s.Client(t), "k", "v")
			before := s.Pid()
			s.Kill()
			if err := syscall.Kill(before, 0); err == nil {
				t.Fatalf("process %d lives after Kill", before)
			}
			if s.Pid() != 0 {
				t.Fatalf("Pid = %d after Kill", s.Pid())
			}
			s.Restart()
			if got := get(t, s.Client(t), "k"); got != tt.want {
				t.Fatalf("k = %q after the restart, want %q", got, tt.want)
			}
		})
	}
}

func TestFrozenServerDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	c := s.Client(t)
	set(t, c, "k", "v")
	s.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := c.Do(ctx, c.B().Ping().Build()).Error(); err == nil {
		t.Fatal("a frozen server answered")
	}
	s.Thaw()
	if got := get(t, c, "k"); got != "v" {
		t.Fatalf("k = %q after Thaw", got)
	}
}

func TestServerTakesArguments(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t, "--requirepass", "secret")
	c := s.Client(t, func(o *rueidis.ClientOption) { o.Password = "secret" })
	set(t, c, "k", "v")
	if want := fmt.Sprintf("redis://%s/0", s.Addr); s.URL != want {
		t.Fatalf("URL = %q, want %q", s.URL, want)
	}
}
