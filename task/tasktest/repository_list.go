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
func only(tasks []task.Task, statuses ...task.Status) []task.Task {
	return selected(tasks, task.Filter{Statuses: task.Only(statuses...)})
}

// selected returns those of tasks that f selects.
func selected(tasks []task.Task, f task.Filter) (some []task.Task) {
	for _, t := range tasks {
		if (f.Statuses == 0 || f.Statuses&task.Only(t.Status) != 0) &&
			(f.From.IsZero() || !t.CreatedAt.Before(f.From)) && (f.Until.IsZero() || t.CreatedAt.Before(f.Until)) {
			some = append(some, t)
		}
	}
	return some
}

// filters are combinations of everything that a filter can ask for; what they
// select of seed's tasks is neither all nor nothing, but for the first and last.
func filters() (all []task.Filter) {
	ms := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Millisecond) }
	for _, statuses := range []task.StatusSet{
		0, task.Only(task.Pending), task.Only(task.Failed, task.Cancelled),
		task.Only(task.Pending, task.Completed, task.Cancelled), task.Only(task.Statuses()...),
	} {
		for _, times := range [][2]time.Time{{}, {ms(3), {}}, {{}, ms(9)}, {ms(3), ms(9)}, {ms(5), ms(6)}} {
			all = append(all, task.Filter{Statuses: statuses, From: times[0], Until: times[1]})
		}
	}
	return append(all, task.Filter{From: ms(7), Until: ms(7)})
}

func describe(f task.Filter) string {
	at := func(t time.Time) string {
		if t.IsZero() {
			return "…"
		}
		return t.Sub(epoch).String()
	}
	return fmt.Sprintf("status %q from %s until %s", f.Statuses, at(f.From), at(f.Until))
}

func listOrder(t *testing.T, repo task.Repository) {
	same(t, "List of nothing", len(must(repo.List(t.Context(), task.Query{Limit: 10}))(t)), 0)
	want := seed(t, repo, 40)
	same(t, "List", must(repo.List(t.Context(), task.Query{Limit: 100}))(t), want)
}

// listPages walks the listing by offset and by cursor, for each filter.
func listPages(t *testing.T, repo task.Repository) {
	all := seed(t, repo, 40)
	for _, f := range filters() {
		want := selected(all, f)
		limits := []int{4}
		if f == (task.Filter{}) {
			limits = []int{1, 3, 4, 100}
		}
		for _, limit := range limits {
			name := fmt.Sprintf("%s, limit %d", describe(f), limit)
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
		if got := must(repo.Unfinished(t.Context(), epoch.Add(time.Hour), anytime, "", limit))(t); len(got) != 0 {
			t.Errorf("Unfinished with limit %d: %d tasks, want none", limit, len(got))
		}
	}
	if got := must(repo.List(t.Context(), task.Query{Limit: 9, Offset: -3}))(t); len(got) != 5 {
		t.Errorf("List from offset -3: %d tasks, want all 5", len(got))
	}
}

func filterAndCount(t *testing.T, repo task.Repository) {
	counts := func(tasks []task.Task) {
		t.Helper()
		for _, f := range filters() {
			got := must(repo.Count(t.Context(), f))(t)
			same(t, "Count of "+describe(f), got, task.Total{N: int64(len(selected(tasks, f))), Exact: true})
		}
	}
	counts(nil)
	all := seed(t, repo, 40)
	counts(all)
	for _, f := range filters() {
		got := must(repo.List(t.Context(), task.Query{Limit: 100, Filter: f}))(t)
		if want := selected(all, f); len(got) != 0 || len(want) != 0 { // none may be nil
			same(t, "List of "+describe(f), got, want)
		}
	}

	// Both follow a change.
	moved := slices.IndexFunc(all, func(t task.Task) bool { return t.Status == task.Pending })
	all[moved].Status = task.Cancelled
	all[moved] = must(repo.Update(t.Context(), all[moved]))(t)
	counts(all)
	all[moved] = must(repo.Update(t.Context(), all[moved]))(t) // without a change of its status
	counts(all)
	if err := repo.Delete(t.Context(), all[moved].ID); err != nil {
		t.Fatal(err)
	}
	counts(slices.Delete(all, moved, moved+1))

	// A cursor outside the interval begins or ends the listing.
	f := task.Filter{From: epoch.Add(3 * time.Millisecond), Until: epoch.Add(9 * time.Millisecond)}
	for after, want := range map[time.Duration][]task.Task{time.Hour: selected(all, f), 9 * time.Millisecond: selected(all, f), 0: nil} {
		got := must(repo.List(t.Context(), task.Query{Limit: 100, Filter: f, After: task.Cursor{CreatedAt: epoch.Add(after), ID: "ffffffffffffffffffffffff"}}))(t)
		if ids(got) != ids(want) {
			t.Errorf("after %v:\n got %s\nwant %s", after, ids(got), ids(want))
		}
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
	same(t, "Unfinished", must(repo.Unfinished(t.Context(), end, anytime, "", 100))(t), want)

	// In pages, after the last id of each.
	for _, limit := range []int{1, 5} {
		var got []task.Task
		after := task.ID("")
		for range 1000 {
			page := must(repo.Unfinished(t.Context(), end, anytime, after, limit))(t)
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
	same(t, "Unfinished before", must(repo.Unfinished(t.Context(), before, anytime, "", 100))(t), old)

	// It is the last change that counts, not the age.
	touched := old[0]
	touched.UpdatedAt = before
	must(repo.Update(t.Context(), touched))(t)
	same(t, "Unfinished after a change", must(repo.Unfinished(t.Context(), before, anytime, "", 100))(t), old[1:])
}

// anytime is the due of Unfinished that leaves nothing out.
var anytime time.Time

func unfinishedByDue(t *testing.T, repo task.Repository) {
	due := epoch.Add(time.Minute)
	var all, early []task.Task
	for i, notBefore := range []time.Time{{}, due.Add(-time.Millisecond), due, due.Add(time.Hour), {}, epoch} {
		tk := blank(epoch)
		tk.NotBefore = notBefore
		tk = must(repo.Create(t.Context(), tk))(t)
		all = append(all, tk)
		if i != 2 && i != 3 {
			early = append(early, tk)
		}
	}
	before := epoch.Add(time.Second)
	same(t, "Unfinished at any time", must(repo.Unfinished(t.Context(), before, anytime, "", 100))(t), all)
	same(t, "Unfinished and due", must(repo.Unfinished(t.Context(), before, due, "", 100))(t), early)
	// What is left out makes no page shorter.
	same(t, "Unfinished and due, by 3", must(repo.Unfinished(t.Context(), before, due, "", 3))(t), early[:3])
	same(t, "Unfinished and due, the rest", must(repo.Unfinished(t.Context(), before, due, early[2].ID, 3))(t), early[3:])
}
