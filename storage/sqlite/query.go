package sqlite

import (
	"strings"
	"time"

	"revela/task"
)

var selectTask = "SELECT " + strings.Join(columns, ", ") + " FROM tasks"

// query is a statement with its arguments. The builders below stand apart from
// the methods so that a test can look at their plans.
type query struct {
	text string
	args []any
}

func byID(id task.ID) query {
	return query{selectTask + " WHERE id = ?", []any{string(id)}}
}

func byKey(key string) query {
	return query{selectTask + " WHERE idempotency_key = ?", []any{key}}
}

func page(q task.Query) query {
	var where []string
	var args []any
	if q.Status != "" {
		where, args = append(where, "status = ?"), append(args, string(q.Status))
	}
	if !q.After.IsZero() {
		where = append(where, "(created_at, id) < (?, ?)")
		args = append(args, q.After.CreatedAt.UnixMilli(), string(q.After.ID))
	}
	text := selectTask
	if len(where) > 0 {
		text += " WHERE " + strings.Join(where, " AND ")
	}
	text += " ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?"
	return query{text, append(args, q.Limit, max(0, q.Offset))}
}

func count(f task.Filter) query {
	if f.Status == "" {
		return query{"SELECT count(*) FROM tasks", nil}
	}
	return query{"SELECT count(*) FROM tasks WHERE status = ?", []any{string(f.Status)}}
}

// unfinished repeats the condition of its partial index word for word: that is
// how SQLite sees that the index will do. It is told to use it, because without
// statistics it takes any index on status for better, and then sorts.
func unfinished(before time.Time, after task.ID, limit int) query {
	return query{
		selectTask + ` INDEXED BY tasks_unfinished
			WHERE status IN ('pending', 'processing') AND id > ? AND updated_at < ? ORDER BY id LIMIT ?`,
		[]any{string(after), before.UnixMilli(), limit},
	}
}
