package sqlite

import (
	"strings"
	"time"
	"unicode/utf8"

	"revela/task"
)

// query is a statement with its arguments. The builders below stand apart from
// the methods so that a test can look at their plans.
type query struct {
	text string
	args []any
}

var selectTask = "SELECT " + strings.Join(columns, ", ") + " FROM tasks"

const (
	newestFirst = " ORDER BY created_at DESC, id DESC"
	placeOf     = "SELECT created_at, id FROM tasks"
	countTasks  = "SELECT count(*) FROM "
)

func byID(id task.ID) query {
	return query{selectTask + " WHERE id = ?", []any{string(id)}}
}

func byKey(key string) query {
	return query{selectTask + " WHERE idempotency_key = ?", []any{key}}
}

func page(q task.Query) query {
	s := each(selectTask, q.Filter, within(q, task.Cursor{}))
	return query{s.text + newestFirst + " LIMIT ? OFFSET ?", append(s.args, q.Limit, max(0, q.Offset))}
}

// edge selects the place of the n-th task of q.
func edge(q task.Query, n int) query {
	s := each(placeOf, q.Filter, within(q, task.Cursor{}))
	return query{s.text + newestFirst + " LIMIT 1 OFFSET ?", append(s.args, n-1)}
}

// matches selects the page q of the tasks not after end whose source's name has
// part in it, which must be folded.
func matches(q task.Query, end task.Cursor, part string) query {
	s := each(selectTask, q.Filter, append(within(q, end), named(part)))
	return query{s.text + newestFirst + " LIMIT ? OFFSET ?", append(s.args, q.Limit, max(0, q.Offset))}
}

func countMatches(f task.Filter, end task.Cursor, part string) query {
	s := each("SELECT 1 FROM tasks", f, append(within(task.Query{Filter: f}, end), named(part)))
	return query{countTasks + "(" + s.text + ")", s.args}
}

// count is exact where only statuses are asked for, which the table task_counts
// knows, and otherwise ends after limit.
func count(f task.Filter, limit int) query {
	if f.From.IsZero() && f.Until.IsZero() {
		q := query{text: "SELECT coalesce(sum(n), 0) FROM task_counts"}
		if f.Statuses != 0 {
			for _, st := range f.Statuses.List() {
				q.args = append(q.args, string(st))
			}
			q.text += " WHERE status IN (?" + strings.Repeat(", ?", len(q.args)-1) + ")"
		}
		return q
	}
	s := each("SELECT 1 FROM tasks", f, within(task.Query{Filter: f}, task.Cursor{}))
	return query{countTasks + "(" + s.text + " LIMIT ?)", append(s.args, limit)}
}

// condition is a part of a WHERE.
type condition query

// named is about names that have part in them, which must be folded. SQLite
// itself is several times faster than a call of Go for each name, and knows the
// case of ASCII letters; only two others are folded to one of those. And no name
// of ASCII alone has a part that is not.
func named(part string) condition {
	if strings.ContainsFunc(part, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return condition{"octet_length(source_name) > length(source_name) AND " + contains + "(source_name, ?)", []any{part}}
	}
	name := "upper(source_name)"
	if strings.Contains(part, "S") {
		name = "replace(" + name + ", char(0x17F), 'S')"
	}
	if strings.Contains(part, "K") {
		name = "replace(" + name + ", char(0x212A), 'K')"
	}
	return condition{"instr(" + name + ", ?) > 0", []any{part}}
}

// within are q's bounds in the order of the listing, and end, not before which
// the listing ends: at most one from above and one from below, because SQLite
// enters an index by one and only filters by a second.
func within(q task.Query, end task.Cursor) (c []condition) {
	start, from, until := q.Bounds()
	switch {
	case !start.IsZero():
		c = append(c, condition{"(created_at, id) < (?, ?)", []any{start.CreatedAt.UnixMilli(), string(start.ID)}})
	case !until.IsZero():
		c = append(c, condition{"created_at < ?", []any{until.UnixMilli()}})
	}
	switch {
	case !end.IsZero(): // a task within from, so it says more
		c = append(c, condition{"(created_at, id) >= (?, ?)", []any{end.CreatedAt.UnixMilli(), string(end.ID)}})
	case !from.IsZero():
		c = append(c, condition{"created_at >= ?", []any{from.UnixMilli()}})
	}
	return c
}

// each makes a SELECT for each status that f wants and joins them. SQLite merges
// them, each in the order of its index; it would have to sort what a single one
// with status IN (…) selects, all of it.
func each(selects string, f task.Filter, conditions []condition) (q query) {
	arms := f.Statuses.List()
	if len(arms) == 0 {
		arms = []task.Status{""}
	}
	for i, status := range arms {
		if i > 0 {
			q.text += " UNION ALL "
		}
		q.text += selects
		word := " WHERE "
		if status != "" {
			q.text, q.args = q.text+word+"status = ?", append(q.args, string(status))
			word = " AND "
		}
		for _, c := range conditions {
			q.text, q.args = q.text+word+c.text, append(q.args, c.args...)
			word = " AND "
		}
	}
	return q
}

// unfinished repeats the condition of its partial index word for word: that is
// how SQLite sees that the index will do. It is told to use it, because without
// statistics it takes any index on status for better, and then sorts.
func unfinished(before, due time.Time, after task.ID, limit int) query {
	q := query{
		selectTask + ` INDEXED BY tasks_unfinished
			WHERE status IN ('pending', 'processing') AND id > ? AND updated_at < ?`,
		[]any{string(after), before.UnixMilli()},
	}
	if !due.IsZero() {
		q.text, q.args = q.text+" AND coalesce(not_before, 0) < ?", append(q.args, due.UnixMilli())
	}
	return query{q.text + " ORDER BY id LIMIT ?", append(q.args, limit)}
}
