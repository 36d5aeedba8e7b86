package sqlite

import (
	"path/filepath"
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
	cursor := task.Cursor{CreatedAt: time.Now(), ID: task.NewID()}
	pending := task.Filter{Status: task.Pending}
	for name, test := range map[string]struct {
		query query
		index string
	}{
		"by id":            {byID(task.NewID()), "sqlite_autoindex_tasks_1 (id=?)"},
		"by key":           {byKey("k"), "tasks_by_key (idempotency_key=?)"},
		"list":             {page(task.Query{Limit: 10, Offset: 20}), "SCAN tasks USING INDEX tasks_by_age"},
		"list after":       {page(task.Query{Limit: 10, After: cursor}), "tasks_by_age ((created_at,id)<(?,?))"},
		"list by status":   {page(task.Query{Filter: pending, Limit: 10}), "tasks_by_status_and_age (status=?)"},
		"by status, after": {page(task.Query{Filter: pending, Limit: 10, After: cursor}), "tasks_by_status_and_age (status=? AND (created_at,id)<(?,?))"},
		"count":            {count(task.Filter{}), "USING COVERING INDEX"},
		"count by status":  {count(pending), "USING COVERING INDEX tasks_by_status_and_age (status=?)"},
		"unfinished":       {unfinished(time.Now(), task.NewID(), 10), "SEARCH tasks USING INDEX tasks_unfinished (id>?)"},
	} {
		plan := explainPlan(t, s, test.query)
		if !strings.Contains(plan, test.index) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s: %s\nwant %q and no sorting", name, plan, test.index)
		}
	}
}

func explainPlan(t *testing.T, s *Store, q query) string {
	t.Helper()
	rows, err := s.reader.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+q.text, q.args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan []string
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
	return strings.Join(plan, "; ")
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
