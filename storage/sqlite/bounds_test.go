package sqlite

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"revela/task"
	"revela/task/tasktest"
)

// fill puts n tasks into a file at once, one a millisecond from the start of
// 2026: every hundredth failed, the others completed.
func fill(t testing.TB, s *Store, n int) {
	t.Helper()
	_, err := s.writer.ExecContext(t.Context(), `
		WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < ? - 1)
		INSERT INTO tasks (id, version, status, source_kind, source_name, original_path, original_format, original_width,
			original_height, original_size, original_sha256, images, error, attempts, stalls, idempotency_key, fingerprint,
			token, started_at, finished_at, created_at, updated_at)
		SELECT printf('6b04df4d%016x', i), 3, iif(i % 100 = 0, 'failed', 'completed'), 'upload',
			printf('holiday/IMG_%07d.jpg', i * 7919 % 1000003), 'storage/images/x/original.jpg', 'jpeg', 4000, 3000, 2777639,
			printf('%064x', i), '[{"resolution":"1024","path":"output/x/1024/75b300cd7812d6647cf3ef4de99c07b0.jpg","format":"jpeg",'
			|| '"width":1024,"height":768,"size":109205,"md5":"75b300cd7812d6647cf3ef4de99c07b0"}]', '', 1, 0, NULL, printf('%064x', i),
			printf('host:1:%d', i), ?, ?, ? + i, ? + i FROM c`, n, start, start, start, start)
	if err != nil {
		t.Fatal(err)
	}
}

const start = 1767225600000

func at(ms int) time.Time { return time.UnixMilli(int64(start + ms)).UTC() }

// TestWindows runs the suite's walks with small spans.
func TestWindows(t *testing.T) {
	t.Parallel()
	s := openHere(t)
	tasktest.Windows(t, s, s.search)
}

// TestBounds: what a filter in time selects is counted up to the limit that the
// domain promises, and a search in vain ends where its span does. The span is a
// small one: under the race detector a busy machine needs longer for a real one
// than an operation may take.
func TestBounds(t *testing.T) {
	t.Parallel()
	s := openHere(t)
	const n, span = task.CountLimit + 5000, 500
	fill(t, s, n)
	for _, tt := range []struct {
		filter task.Filter
		want   task.Total
	}{
		{task.Filter{}, task.Total{N: n, Exact: true}},
		{task.Filter{Statuses: task.Only(task.Completed)}, task.Total{N: n - n/100, Exact: true}},
		{task.Filter{From: at(n - task.CountLimit)}, task.Total{N: task.CountLimit, Exact: true}},
		{task.Filter{From: at(n - task.CountLimit - 1)}, task.Total{N: task.CountLimit}},
		{task.Filter{Until: at(n), Statuses: task.Only(task.Completed, task.Failed)}, task.Total{N: task.CountLimit}},
		{task.Filter{Until: at(n), Statuses: task.Only(task.Failed)}, task.Total{N: n / 100, Exact: true}},
	} {
		if got, err := s.Count(t.Context(), tt.filter); err != nil || got != tt.want {
			t.Errorf("Count of %+v = %+v, %v; want %+v", tt.filter, got, err, tt.want)
		}
	}
	m, err := s.search(t.Context(), task.Query{Limit: 10}, "no such picture", span)
	if err != nil || len(m.Tasks) != 0 || !m.Next.CreatedAt.Equal(at(n-span)) || m.Total != (task.Total{}) {
		t.Errorf("a vain search: %+v, %v", m, err)
	}
	if m, err = s.search(t.Context(), task.Query{Limit: 10, After: task.Cursor{CreatedAt: at(100), ID: m.Next.ID}}, "img_0000000", span); err != nil || len(m.Tasks) != 1 || !m.Next.IsZero() {
		t.Errorf("its continuation: %+v, %v", m, err)
	}
}

// TestFold: letters that differ in case are one letter, and nothing else is.
func TestFold(t *testing.T) {
	t.Parallel()
	for a, b := range map[string]string{"straSSe": "STRASSE", "çÀ": "Çà", "ΣΑΣ": "σας", "k\u212aK": "kkk", "ſS": "ss", "ǅ": "ǆ", "": ""} {
		if !strings.EqualFold(a, b) || fold(a) != fold(b) {
			t.Errorf("%q and %q are folded to %q and %q", a, b, fold(a), fold(b))
		}
	}
	for _, a := range []string{"ß", "İ", "ı", "é"} {
		for _, b := range []string{"ss", "i", "e", "s"} {
			if fold(a) == fold(b) {
				t.Errorf("%q and %q are taken for one", a, b)
			}
		}
	}
}

// TestNamesAreFoldedAlike: for parts of ASCII SQLite is asked in another way than
// for others, which must say the same.
func TestNamesAreFoldedAlike(t *testing.T) {
	t.Parallel()
	s := openHere(t)
	names := []string{"", "plain", "KS ks \u212a\u017f", "\u017ftra\u00dfe", "\u212a", "\u0130\u0131i", "MiXed\x01 ÄÖ", "50%_", "漢字 kanji"}
	for _, name := range names {
		for _, text := range append(names, "k", "s", "KS", "i", "a", "ä", "x", "%", "字") {
			part := fold(text)
			c := named(part)
			var found bool
			q := "SELECT " + c.text + " FROM (SELECT ? AS source_name)"
			if err := s.reader.QueryRowContext(t.Context(), q, append(c.args, name)...).Scan(&found); err != nil {
				t.Fatal(err)
			}
			if want := strings.Contains(fold(name), part); found != want {
				t.Errorf("%q in %q: %v, want %v", text, name, found, want)
			}
		}
	}
}

// million opens a file with a million tasks.
func million(b *testing.B) *Store {
	s, err := Open(b.Context(), b.TempDir()+"/tasks.db")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	fill(b, s, 1_000_000)
	return s
}

// BenchmarkMillion asks a file of a million tasks for what the API does, at the
// head of the listing and at its end. It takes about half a minute to fill.
func BenchmarkMillion(b *testing.B) {
	s := million(b)
	ctx := b.Context()
	deep := task.Cursor{CreatedAt: at(20), ID: task.ID(fmt.Sprintf("6b04df4d%016x", 20))}
	deepest := task.Cursor{CreatedAt: at(2000), ID: task.ID(fmt.Sprintf("6b04df4d%016x", 2000))}
	failed, both := task.Only(task.Failed), task.Only(task.Failed, task.Completed)
	day := task.Filter{From: at(400_000), Until: at(500_000)}
	list := func(q task.Query) func(context.Context) error {
		return func(ctx context.Context) error {
			q.Limit = 10
			found, err := s.List(ctx, q)
			if err == nil && len(found) != 10 {
				err = fmt.Errorf("%d tasks", len(found))
			}
			return err
		}
	}
	total := func(f task.Filter) func(context.Context) error {
		return func(ctx context.Context) error { _, err := s.Count(ctx, f); return err }
	}
	search := func(text string, q task.Query) func(context.Context) error {
		return func(ctx context.Context) error { q.Limit = 10; _, err := s.Search(ctx, q, text); return err }
	}
	for _, m := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"list/first", list(task.Query{})},
		{"list/depth=1000000", list(task.Query{After: deep})},
		{"list/page=100000", list(task.Query{Offset: 999_980})},
		{"status/first", list(task.Query{Filter: task.Filter{Statuses: failed}})},
		{"status/depth=10000", list(task.Query{Filter: task.Filter{Statuses: failed}, After: deepest})},
		{"statuses/first", list(task.Query{Filter: task.Filter{Statuses: both}})},
		{"statuses/depth=1000000", list(task.Query{Filter: task.Filter{Statuses: both}, After: deep})},
		{"time/first", list(task.Query{Filter: day})},
		{"time/depth=100000", list(task.Query{Filter: day, After: task.Cursor{CreatedAt: at(400_020), ID: deep.ID}})},
		{"total/all", total(task.Filter{})},
		{"total/status", total(task.Filter{Statuses: task.Only(task.Completed)})},
		{"total/time", total(day)},
		{"search/frequent", search("img_00", task.Query{})},
		{"search/vain", search("no such picture", task.Query{})},
		{"search/vain,not ASCII", search("Überfahrt", task.Query{})},
		{"search/vain,depth=500000", search("no such picture", task.Query{After: task.Cursor{CreatedAt: at(500_000), ID: deep.ID}})},
	} {
		b.Run(m.name, func(b *testing.B) {
			for b.Loop() {
				if err := m.run(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
