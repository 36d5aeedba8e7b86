package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"revela/app/redis/redistest"
)

// However long the errors are and however often somebody retries a job by hand, its
// record does not grow, and what it keeps is of the last attempts.
func TestFailuresOfAJobAreBounded(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	q := newQueue(t, c, func(cfg *Config) { cfg.MaxAttempts, cfg.Backoff = 2, 0 })
	run(t, q, handler{process: func(_ context.Context, j *Job) error {
		text := errors.New(strings.Repeat("ä\n", 300_000))
		if j.Attempt == 2 {
			panic(text)
		}
		return text
	}})
	add(t, q, spec("a"))
	const rounds = 8
	for round := int64(1); ; round++ {
		eventually(t, "failed", func() bool { s := stats(t, q); return s.FailedTotal == round && s.Failed == 1 })
		if round == rounds {
			break
		}
		if err := q.Retry(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	info, err := q.Job(t.Context(), "a")
	if err != nil || info.Broken != "" || len(info.FailedReason) > maxReason || !utf8.ValidString(info.FailedReason) {
		t.Errorf("job: %q, a reason of %d bytes, %v", info.Broken, len(info.FailedReason), err)
	}
	if len(info.Stacktrace) != 10 {
		t.Errorf("%d attempts are kept", len(info.Stacktrace))
	}
	for i, text := range info.Stacktrace {
		if want := fmt.Sprintf(" attempt %d: ", i%2+1); len(text) > maxTrace || !strings.Contains(text, want) {
			t.Errorf("attempt %d: %d bytes, %.60q", i, len(text), text)
		}
	}
	if n := rawInt(t, c, "HSTRLEN", pre+"a", "stacktrace"); n > 2*10*maxTrace {
		t.Errorf("what is kept of attempts takes %d bytes", n)
	}
	entries, err := raw(t, c, "XRANGE", pre+"events", "-", "+").AsXRange()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if n := len(e.FieldValues["failedReason"]); n > maxReason {
			t.Fatalf("an event has a reason of %d bytes", n)
		}
	}
}

// What a record kept of more attempts, or of none that can be read, is mended by the
// next one.
func TestLongStacktraceIsCut(t *testing.T) {
	t.Parallel()
	c := redistest.Shared(t).Client(t)
	for name, trace := range map[string]string{
		"long": `["` + strings.Repeat(`x","`, 5000) + `last"]`, "an object": `{"a":"last"}`, "numbers": `[1,null,"last",{}]`, "half": `["last`, "text": `"last"`,
	} {
		q := newQueue(t, c, func(cfg *Config) { cfg.Name = strings.ReplaceAll(name, " ", "-") })
		add(t, q, spec("a"))
		raw(t, c, "HSET", q.keys.job("a"), "stacktrace", trace)
		run(t, q, handler{process: func(context.Context, *Job) error { return Permanent(errors.New("no")) }})
		eventually(t, "failed", func() bool { return stats(t, q).Failed == 1 })
		info, err := q.Job(t.Context(), "a")
		if err != nil || info.Broken != "" {
			t.Fatalf("%s: %q, %v", name, info.Broken, err)
		}
		got := info.Stacktrace
		want := map[string]int{"long": 10, "numbers": 2}[name]
		if len(got) != max(1, want) || !strings.Contains(got[len(got)-1], "attempt 1: no") || want > 0 && got[len(got)-2] != "last" {
			t.Errorf("%s: %.200q", name, got)
		}
	}
}
