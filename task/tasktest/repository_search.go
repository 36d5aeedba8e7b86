package tasktest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"revela/task"
)

// named stores tasks with the given sources, one a millisecond, and returns them
// newest first, which is their order in names.
func named(t *testing.T, repo task.Repository, names ...string) []task.Task {
	t.Helper()
	tasks := make([]task.Task, len(names))
	for i, name := range names {
		tasks[i] = blank(epoch.Add(-time.Duration(i) * time.Millisecond))
		tasks[i].Source.Name, tasks[i].Status = name, task.Statuses()[i%2]
		tasks[i] = must(repo.Create(t.Context(), tasks[i]))(t)
	}
	return tasks
}

// search compares letters whatever their case, and everything else as it is.
func search(t *testing.T, repo task.Repository) {
	all := named(t, repo, "IMG_2041.JPG", "holiday/Überfahrt.png", "https://example.org/a.jpg?x=(1)&y=[2]", "100%.gif",
		"back\\slash", "ΑΓΆΠΗ ς.webp", "ſtraße.jpg", "a_b", "new\nline .jpg", "", "çà et là", "Kelvin.png")
	for text, want := range map[string][]int{
		"img": {0}, "2041.jpg": {0}, "jpg": {0, 2, 6, 8}, "ÜBERFAHRT": {1}, "überf": {1}, "uberf": {},
		"(1)&y=[2]": {2}, ".": {0, 1, 2, 3, 5, 6, 8, 11}, "%": {3}, "_": {0, 7}, "\\": {4}, "\\s": {4}, "a|b": {}, ".*": {}, "^a": {},
		"αγάπη Σ": {5}, "STRA": {6}, "straß": {6}, "strass": {}, "line .j": {8}, "kelvin": {11}, "\u212aelvin": {11},
		"ÇÀ ET LÀ": {10}, "nothing like it": {}, "$": {}, "a": {1, 2, 4, 6, 7},
	} {
		var expected []task.Task
		for _, i := range want {
			expected = append(expected, all[i])
		}
		got := must(repo.Search(t.Context(), task.Query{Limit: 100}, text))(t)
		if ids(got.Tasks) != ids(expected) {
			t.Errorf("search for %q finds %q, want %q", text, sources(got.Tasks), sources(expected))
		}
		same(t, "total of "+text, got.Total, task.Total{N: int64(len(want)), Exact: true})
		same(t, "next of "+text, got.Next, task.Cursor{})
	}
	// Together with the other filters and by pages.
	f := task.Filter{Statuses: task.Only(task.Pending, task.Failed), From: epoch.Add(-6 * time.Millisecond), Until: epoch}
	first := must(repo.Search(t.Context(), task.Query{Filter: f, Limit: 1}, "jpg"))(t)
	same(t, "with filters", ids(first.Tasks), ids(all[2:3]))
	same(t, "total with filters", first.Total, task.Total{N: 2, Exact: true})
	second := must(repo.Search(t.Context(), task.Query{Filter: f, Limit: 1, Offset: 1}, "jpg"))(t)
	same(t, "page 2", ids(second.Tasks), ids(all[6:7]))
	same(t, "after the first", ids(must(repo.Search(t.Context(), task.Query{Filter: f, Limit: 1, After: first.Next}, "jpg"))(t).Tasks), ids(all[6:7]))
	if got := must(repo.Search(t.Context(), task.Query{Filter: f}, "jpg"))(t); len(got.Tasks) != 0 || !got.Next.IsZero() {
		t.Errorf("a search without a limit: %+v", got)
	}
}

func sources(tasks []task.Task) (names []string) {
	for _, t := range tasks {
		names = append(names, t.Source.Name)
	}
	return names
}

// Windows checks that a store's search looks at no more than span tasks, says
// where it stopped, and finds each match once when it is followed. repo is
// empty.
func Windows(t *testing.T, repo task.Repository,
	search func(ctx context.Context, q task.Query, text string, span int) (task.Matches, error)) {
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("%d.%s", i, []string{"jpg", "png", "png"}[i%3]))
	}
	all := named(t, repo, names...)
	for _, f := range []task.Filter{
		{}, {Statuses: task.Only(task.Pending)}, {Statuses: task.Only(task.Pending, task.Processing)},
		{From: all[20].CreatedAt, Until: all[4].CreatedAt},
		{Statuses: task.Only(task.Pending, task.Processing), From: all[20].CreatedAt, Until: all[4].CreatedAt},
	} {
		inside := selected(all, f)
		for _, span := range []int{1, 4, len(inside) - 1, len(inside), 100} {
			for _, limit := range []int{1, 3, 100} {
				name := fmt.Sprintf("%s, limit %d, span %d", describe(f), limit, span)
				var want, found []task.Task
				total := task.Total{Exact: span > len(inside)}
				for i, one := range inside {
					if one.Source.Name[len(one.Source.Name)-3:] == "jpg" {
						want = append(want, one)
						if i < span {
							total.N++
						}
					}
				}
				q := task.Query{Filter: f, Limit: limit}
				if span == len(inside) {
					total.Exact = false // one more would have to be looked for
				}
				for pages := 0; ; pages++ {
					m := must(search(t.Context(), q, "JPG", span))(t)
					same(t, name+": total", m.Total, total)
					found = append(found, m.Tasks...)
					if q.After = m.Next; m.Next.IsZero() {
						break
					}
					if pages > len(inside)+1 {
						t.Fatalf("%s: the walk does not end", name)
					}
				}
				if ids(found) != ids(want) {
					t.Errorf("%s: finds %q, want %q", name, sources(found), sources(want))
				}
			}
		}
	}
}
