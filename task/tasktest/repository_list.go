package tasktest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"revela/task"
)

// seed stores tasks of every status, three to a millisecond, in an order that
// has nothing to do with age or id, and returns them newest first.
func seed(t *testing.T, repo task.Repository, n int) []task.Task {
	t.Helper()
	tasks := make([]task.Task, n)
	statuses := task.Statuses()
	for i := range tasks {
		at := epoch.Add(time.Duration(i*7%n/3) * time.Millisecond)
		tasks[i] = blank(at)
		tasks[i].Status = statuses[i%len(statuses)]
	}
	for i := range tasks {
		// Ids do not follow the order of insertion.
		j := i * 13 % n
		tasks[j] = must(repo.Create(t.Context(), tasks[j]))(t)
	}
	slices.SortFunc(tasks, func(a, b task.Task) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	return tasks
}

// only returns those of tasks that have one of the statuses; none means all.
func only(tasks []task.Task, statuses ...task.Status) (some []task.Task) {
	for _, t := range tasks {
		if len(statuses) == 0 || slices.Contains(statuses, t.Status) {
			some = append(some, t)
		}
	}
	return some
}

func listOrder(t *testing.T, repo task.Repository) {
	same(t, "List of nothing", len(must(repo.List(t.Context(), task.Query{Limit: 10}))(t)), 0)
	want := seed(t, repo, 40)
	same(t, "List", must(repo.List(t.Context(), task.Query{Limit: 100}))(t), want)
}

// listPages walks the listing by offset and by cursor, for each filter.
func listPages(t *testing.T, repo task.Repository) {
	all := seed(t, repo, 40)
	for _, f := range []task.Filter{{}, {Status: task.Pending}, {Status: task.Completed}} {
		want := all
		if f.Status != "" {
			want = only(all, f.Status)
		}
		for _, limit := range []int{1, 3, 4, 100} {
			name := fmt.Sprintf("status %q limit %d", f.Status, limit)
			byOffset := walk(t, repo, task.Query{Filter: f, Limit: limit}, func(q *task.Query, page []task.Task) {
				q.Offset += len(page)
			})
			if ids(byOffset) != ids(want) {
				t.Errorf("%s by offset:\n got %s\nwant %s", name, ids(byOffset), ids(want))
			}
			byCursor := walk(t, repo, task.Query{Filter: f, Limit: limit}, func(q *task.Query, page []task.Task) {
				last := page[len(page)-1]
				q.After = task.Cursor{CreatedAt: last.CreatedAt, ID: last.ID}
			})
			if ids(byCursor) != ids(want) {
				t.Errorf("%s by cursor:\n got %s\nwant %s", name, ids(byCursor), ids(want))
			}
		}
	}

	// A cursor stays good when its task is gone.
	at := all[10]
	if err := repo.Delete(t.Context(), at.ID); err != nil {
		t.Fatal(err)
	}
	rest := must(repo.List(t.Context(), task.Query{Limit: 5, After: task.Cursor{CreatedAt: at.CreatedAt, ID: at.ID}}))(t)
	if ids(rest) != ids(all[11:16]) {
		t.Errorf("after a deleted task:\n got %s\nwant %s", ids(rest), ids(all[11:16]))
	}
	if beyond := must(repo.List(t.Context(), task.Query{Limit: 5, Offset: 1000}))(t); len(beyond) != 0 {
		t.Errorf("past the end: %d tasks, want none", len(beyond))
	}
}

// walk collects the pages of q; next moves q past a page.
func walk(t *testing.T, repo task.Repository, q task.Query, next func(q *task.Query, page []task.Task)) (all []task.Task) {
	t.Helper()
	for range 1000 {
		page := must(repo.List(t.Context(), q))(t)
		if len(page) > q.Limit {
			t.Fatalf("a page of %d tasks, asked for %d", len(page), q.Limit)
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		next(&q, page)
	}
	t.Fatal("the walk does not end")
	return nil
}

// listWithoutLimit: what selects nothing must not select everything, as a limit
// of 0 does in some stores.
func listWithoutLimit(t *testing.T, repo task.Repository) {
	seed(t, repo, 5)
	for _, limit := range []int{0, -1} {
		if got := must(repo.List(t.Context(), task.Query{Limit: limit}))(t); len(got) != 0 {
			t.Errorf("List with limit %d: %d tasks, want none", limit, len(got))
		}
		if got := must(repo.Unfinished(t.Context(), epoch.Add(time.Hour), "", limit))(t); len(got) != 0 {
			t.Errorf("Unfinished with limit %d: %d tasks, want none", limit, len(got))
		}
	}
	if got := must(repo.List(t.Context(), task.Query{Limit: 9, Offset: -3}))(t); len(got) != 5 {
		t.Errorf("List from offset -3: %d tasks, want all 5", len(got))
	}
}

func filterAndCount(t *testing.T, repo task.Repository) {
	counts := func(want map[task.Status]int64) {
		t.Helper()
		for status, n := range want {
			if got := must(repo.Count(t.Context(), task.Filter{Status: status}))(t); got != n {
				t.Errorf("Count of %q = %d, want %d", status, got, n)
			}
		}
	}
	counts(map[task.Status]int64{"": 0, task.Failed: 0})
	all := seed(t, repo, 22)
	want := map[task.Status]int64{"": 22}
	for _, status := range task.Statuses() {
		want[status] = int64(len(only(all, status)))
		got := must(repo.List(t.Context(), task.Query{Limit: 100, Filter: task.Filter{Status: status}}))(t)
		same(t, "List of "+string(status), got, only(all, status))
	}
	counts(want)

	// Both follow a change.
	moved := only(all, task.Pending)[0]
	moved.Status = task.Cancelled
	must(repo.Update(t.Context(), moved))(t)
	want[task.Pending]--
	want[task.Cancelled]++
	counts(want)
	if got := must(repo.Count(t.Context(), task.Filter{Status: "no such status"}))(t); got != 0 {
		t.Errorf("Count of an unknown status = %d, want 0", got)
	}
}

func unfinished(t *testing.T, repo task.Repository) {
	all := seed(t, repo, 40)
	end := epoch.Add(time.Hour)
	byID := func(tasks []task.Task) []task.Task {
		tasks = slices.Clone(tasks)
		slices.SortFunc(tasks, func(a, b task.Task) int { return cmp.Compare(a.ID, b.ID) })
		return tasks
	}
	want := byID(only(all, task.Pending, task.Processing))
	same(t, "Unfinished", must(repo.Unfinished(t.Context(), end, "", 100))(t), want)

	// In pages, after the last id of each.
	for _, limit := range []int{1, 5} {
		var got []task.Task
		after := task.ID("")
		for range 1000 {
			page := must(repo.Unfinished(t.Context(), end, after, limit))(t)
			if len(page) > limit {
				t.Fatalf("a page of %d tasks, asked for %d", len(page), limit)
			}
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			after = page[len(page)-1].ID
		}
		if ids(got) != ids(want) {
			t.Errorf("Unfinished by %d:\n got %s\nwant %s", limit, ids(got), ids(want))
		}
	}

	// Only those that changed before.
	before := epoch.Add(4 * time.Millisecond)
	var old []task.Task
	for _, tk := range want {
		if tk.UpdatedAt.Before(before) {
			old = append(old, tk)
		}
	}
	if len(old) == 0 || len(old) == len(want) {
		t.Fatalf("%d of %d tasks are old: the test would prove nothing", len(old), len(want))
	}
	same(t, "Unfinished before", must(repo.Unfinished(t.Context(), before, "", 100))(t), old)

	// It is the last change that counts, not the age.
	touched := old[0]
	touched.UpdatedAt = before
	must(repo.Update(t.Context(), touched))(t)
	same(t, "Unfinished after a change", must(repo.Unfinished(t.Context(), before, "", 100))(t), old[1:])
}
