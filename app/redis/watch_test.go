package redis

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"revela/app/redis/redistest"
)

func TestWatchSeesWhatChanges(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t, "--appendonly", "yes")
	c, _ := open(t, Config{URL: s.URL})
	core, logs := observer.New(zap.InfoLevel)
	w := NewWatch(t.Context(), c, zap.New(core))
	w.every = 20 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	defer func() { cancel(); <-done }()
	if got := w.Warnings(); len(got) != 0 {
		t.Errorf("a sound server is warned of: %q", got)
	}
	admin := s.Client(t)
	configure := func(name, value string) {
		t.Helper()
		if err := admin.Do(t.Context(), admin.B().ConfigSet().ParameterValue().ParameterValue(name, value).Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	warned := func(of string) func() bool {
		return func() bool { got := w.Warnings(); return len(got) == 1 && strings.Contains(got[0], of) }
	}

	configure("maxmemory-policy", "allkeys-lru")
	eventually(t, "the policy is warned of", warned("CONFIG SET maxmemory-policy noeviction"))
	// Who is away has mended nothing.
	s.Kill()
	eventually(t, "a look fails", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.warnings(ctx)
		return err != nil
	})
	if !warned("allkeys-lru")() {
		t.Errorf("while the server is away: %q", w.Warnings())
	}
	s.Restart() // with the policy that it was started with
	eventually(t, "it is mended", func() bool { return len(w.Warnings()) == 0 })
	admin = s.Client(t)
	configure("maxmemory", "100kb")
	eventually(t, "the memory is warned of", warned("at its maxmemory of 100.00K"))

	if n := logs.FilterMessageSnippet("allkeys-lru").Len(); n != 1 {
		t.Errorf("%d lines name the policy, want 1", n)
	}
	if n := logs.FilterMessage("mended").Len(); n != 1 {
		t.Errorf("%d lines say mended, want 1", n)
	}
}
