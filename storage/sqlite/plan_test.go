package sqlite

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"revela/task"
)

func openHere(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "tasks.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestPlans asks SQLite how it answers each query: by an index, which also gives
// the order.
func TestPlans(t *testing.T) {
	t.Parallel()
	s := openHere(t)
	for name, test := range map[string]struct {
		query query
		index string
	}{
		"by id":           {byID(task.NewID()), "SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 (id=?)"},
		"by key":          {byKey("k"), "SEARCH tasks USING INDEX tasks_by_key (idempotency_key=?)"},
		"count":           {count(task.Filter{}, 9), "SCAN task_counts"}, // of five rows
		"count by status": {count(task.Filter{Statuses: task.Only(task.Failed, task.Pending)}, 9), "SEARCH task_counts USING PRIMARY KEY (status=?)"},
		"all unfinished":  {unfinished(time.Now(), time.Time{}, task.NewID(), 10), "SEARCH tasks USING INDEX tasks_unfinished (id>?)"},
		"unfinished":      {unfinished(time.Now(), time.Now(), task.NewID(), 10), "SEARCH tasks USING INDEX tasks_unfinished (id>?)"},
	} {
		if plan := explainPlan(t, s, test.query); !slices.Contains(plan, test.index) || slices.ContainsFunc(plan, sorts) {
			t.Errorf("%s: %q\nwant %q and no sorting", name, plan, test.index)
		}
	}
}

// TestPlansOfFilters does it for every combination of what a listing can be
// asked for: each begins at its place in an index, walks it in order and leaves
// it at its bound.
func TestPlansOfFilters(t *testing.T) {
	t.Parallel()
	s := openHere(t)
	now := time.Now()
	after, end := task.Cursor{CreatedAt: now, ID: task.NewID()}, task.Cursor{CreatedAt: now.Add(-time.Hour), ID: task.NewID()}
	for _, statuses := range []task.StatusSet{0, task.Only(task.Failed), task.Only(task.Failed, task.Pending), task.Only(task.Statuses()...)} {
		for bits := range 1 << 4 {
			q := task.Query{Filter: task.Filter{Statuses: statuses}, Limit: 10, Offset: 20}
			above, below := "", ""
			if bits&1 != 0 {
				q.Until, above = now.Add(time.Hour), "created_at<?"
			}
			if bits&2 != 0 {
				q.From, below = now.Add(-2*time.Hour), "created_at>?"
			}
			to := task.Cursor{}
			if bits&4 != 0 {
				to, below = end, "(created_at,id)>(?,?)"
			}
			f := q.Filter
			bounds := func(above string) string { return strings.Trim(below+" AND "+above, " AND") }
			counted := count(f, 9)
			if statuses != 0 || bits&7 != 0 { // else all there are are fewer than a span
				expect(t, s, "count matches", countMatches(f, to, "A"), statuses, bounds(above))
			}
			if bits&8 != 0 {
				q.After, above = after, "(created_at,id)<(?,?)"
			}
			expect(t, s, "matches", matches(q, to, "A"), statuses, bounds(above))
			if bits&4 == 0 {
				expect(t, s, "page", page(q), statuses, bounds(above))
				expect(t, s, "edge", edge(q, 100), statuses, bounds(above))
				if bits&3 != 0 && bits&8 == 0 {
					expect(t, s, "count", counted, statuses, bounds(above))
				}
			}
		}
	}
}

// expect fails unless q is answered by walking one index for each status within
// bounds, in order.
func expect(t *testing.T, s *Store, what string, q query, statuses task.StatusSet, bounds string) {
	t.Helper()
	arms := max(1, len(statuses.List()))
	plan := explainPlan(t, s, q)
	name := "tasks_by_age"
	if statuses != 0 {
		name, bounds = "tasks_by_status_and_age", strings.TrimSuffix("status=? AND "+bounds, " AND ")
	}
	step := regexp.MustCompile(`^SEARCH tasks USING (COVERING )?INDEX ` + name + ` ` + regexp.QuoteMeta("("+bounds+")") + `$`)
	if bounds == "" {
		step = regexp.MustCompile(`^SCAN tasks USING (COVERING )?INDEX ` + name + `$`) // ended by its limit
	}
	walks := 0
	for _, line := range plan {
		switch {
		case step.MatchString(line):
			walks++
		case strings.HasPrefix(line, "SEARCH") || strings.HasPrefix(line, "SCAN tasks") || sorts(line):
			t.Errorf("%s, status %q: %q, expected %s\n%s", what, statuses, line, step, q.text)
		}
	}
	if walks != arms {
		t.Errorf("%s, status %q: %q\n%d steps are %s, expected %d", what, statuses, plan, walks, step, arms)
	}
}

func sorts(step string) bool { return strings.Contains(step, "TEMP B-TREE") }

func explainPlan(t *testing.T, s *Store, q query) (plan []string) {
	t.Helper()
	rows, err := s.reader.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+q.text, q.args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestSettings reads what decides how much a loss of power costs, and how long
// anybody waits.
func TestSettings(t *testing.T) {
	t.Parallel()
	s := openHere(t)
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "1500"} {
		var got string
		if err := s.writer.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	if _, err := s.reader.ExecContext(t.Context(), "DELETE FROM tasks"); err == nil {
		t.Error("a connection for reading can write")
	}
}
