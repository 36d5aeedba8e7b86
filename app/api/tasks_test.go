package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"revela/app/api"
	"revela/task"
)

func TestTaskIsShownAsItStands(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	id := b.submit(t)
	path := "/api/v1/tasks/" + string(id)

	img := b.complete(t, id, []byte("variant"))
	got := b.get(t, path).JSON(t)
	want := []any{map[string]any{
		"resolution": "800", "path": img.Path, "url": path + "/images/800", "format": "png",
		"width": 40.0, "height": 30.0, "size": 7.0, "md5": img.MD5,
	}}
	if diff := cmp.Diff(want, got["images"]); diff != "" || got["status"] != "completed" || got["finishedAt"] == nil || got["attempts"] != 1.0 {
		t.Errorf("completed: %v\nimages (-want +got):\n%s", got, diff)
	}

	failed := b.submit(t)
	b.change(t, failed, begin, fail)
	got = b.get(t, "/api/v1/tasks/"+string(failed)).JSON(t)
	if got["status"] != "failed" || got["error"] != "the picture broke" || got["images"] != nil {
		t.Errorf("failed: %v", got)
	}

	// An unfinished task keeps quiet about an earlier attempt's error.
	waiting := b.submit(t)
	b.change(t, waiting, begin, func(t task.Task) (task.Task, error) { return t.Wait("not now", time.Now()) })
	if got := b.get(t, "/api/v1/tasks/"+string(waiting)).JSON(t); got["status"] != "pending" || got["error"] != nil {
		t.Errorf("waiting: %v", got)
	}
}

func TestTaskHasAStrongTag(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	id := b.submit(t)
	path := "/api/v1/tasks/" + string(id)
	first := b.get(t, path)
	etag := first.Header.Get("ETag")
	if !strings.HasPrefix(etag, `"`) || len(etag) < 10 {
		t.Fatalf("ETag = %q", etag)
	}
	for _, header := range []string{etag, "W/" + etag, `"other", ` + etag, "*"} {
		a := b.get(t, path, "If-None-Match", header)
		if a.Status != http.StatusNotModified || len(a.Body) != 0 || a.Header.Get("ETag") != etag {
			t.Errorf("If-None-Match %s: %d %q", header, a.Status, a.Body)
		}
	}
	if a := b.get(t, path, "If-None-Match", `"other"`); a.Status != 200 {
		t.Errorf("another tag: %d", a.Status)
	}
	if a := b.do(t, "HEAD", path, nil); a.Status != 200 || len(a.Body) != 0 || a.Header.Get("ETag") != etag {
		t.Errorf("HEAD: %d %v", a.Status, a.Header)
	}
	b.change(t, id, begin)
	if a := b.get(t, path, "If-None-Match", etag); a.Status != 200 || a.Header.Get("ETag") == etag {
		t.Errorf("after a change: %d, ETag %s", a.Status, a.Header.Get("ETag"))
	}
}

func TestTasksAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	var ids []string
	for i := range 7 {
		id := b.submit(t)
		if i%2 == 0 {
			b.change(t, id, begin, fail)
		}
		ids = append(ids, string(id))
	}
	slices.Reverse(ids)
	list := func(query string) (got []string, p api.Pagination) {
		t.Helper()
		a := b.get(t, "/api/v1/tasks"+query)
		var l api.TaskList
		if err := json.Unmarshal(a.Body, &l); err != nil || a.Status != 200 {
			t.Fatalf("%s: %d %s %v", query, a.Status, a.Body, err)
		}
		for _, one := range l.Data {
			got = append(got, string(one.TaskID))
		}
		return got, l.Pagination
	}
	for _, tt := range []struct {
		query string
		want  []string
		page  api.Pagination
	}{
		{"", ids, api.Pagination{Page: 1, Limit: 10, Total: 7, Exact: true, TotalPages: 1}},
		{"?page=2&limit=3", ids[3:6], api.Pagination{Page: 2, Limit: 3, Total: 7, Exact: true, TotalPages: 3}},
		{"?page=3&limit=3", ids[6:], api.Pagination{Page: 3, Limit: 3, Total: 7, Exact: true, TotalPages: 3}},
		{"?page=9&limit=3", nil, api.Pagination{Page: 9, Limit: 3, Total: 7, Exact: true, TotalPages: 3}},
		{"?status=failed", []string{ids[0], ids[2], ids[4], ids[6]}, api.Pagination{Page: 1, Limit: 10, Total: 4, Exact: true, TotalPages: 1}},
		{"?status=cancelled", nil, api.Pagination{Page: 1, Limit: 10, Exact: true}},
	} {
		got, page := list(tt.query)
		page.NextCursor = ""
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.query, diff)
		}
		if page != tt.page {
			t.Errorf("%q: pagination = %+v, want %+v", tt.query, page, tt.page)
		}
	}
	if body := b.get(t, "/api/v1/tasks?status=cancelled").Body; !bytes.Contains(body, []byte(`"data":[]`)) {
		t.Errorf("an empty list is not a list: %s", body)
	}

	var walked []string
	query := "?limit=3"
	for range 10 {
		got, page := list(query)
		walked = append(walked, got...)
		if page.Total != 7 || (strings.Contains(query, "cursor") && page.Page != 0) {
			t.Errorf("%q: pagination = %+v", query, page)
		}
		if page.NextCursor == "" {
			break
		}
		query = "?limit=3&cursor=" + page.NextCursor
	}
	if diff := cmp.Diff(ids, walked); diff != "" {
		t.Errorf("walk by cursor (-want +got):\n%s", diff)
	}
}

// TestFiltersAreCombined lists by several statuses, by time and by source's name,
// with page numbers and with cursors.
func TestFiltersAreCombined(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	at := time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)
	var ids []string // newest first
	for i, name := range []string{"Überfahrt.JPG", "a+b & c.png", "überfahrt-2.jpg", "x.png", "Fähre.jpg", "ÜBERFAHRT.tiff"} {
		made := task.Task{
			ID: task.NewID(), Status: task.Statuses()[i%3], Source: task.Source{Kind: task.Upload, Name: name},
			CreatedAt: at.Add(-time.Duration(i) * time.Second), UpdatedAt: at,
		}
		must(b.Repo.Create(t.Context(), made))(t)
		ids = append(ids, string(made.ID))
	}
	ms := func(i int) string { return fmt.Sprint(at.Add(-time.Duration(i) * time.Second).UnixMilli()) }
	for query, want := range map[string][]int{
		"status=pending,completed":                                {0, 2, 3, 5},
		"status=pending,processing,completed,failed,cancelled":    {0, 1, 2, 3, 4, 5},
		"createdAfter=2026-11-24T09:29:57Z":                       {0, 1, 2, 3},
		"createdAfter=2026-11-24T10:29:57%2B01:00&status=pending": {0, 3},
		"createdAfter=2026-11-24T09:29:57.0001Z":                  {0, 1, 2},
		"createdBefore=" + ms(1):                                  {2, 3, 4, 5},
		"createdAfter=" + ms(4) + "&createdBefore=" + ms(1):       {2, 3, 4},
		"q=%C3%BCberfahrt":                                        {0, 2, 5},
		"q=%C3%9CBERFAHRT&status=completed":                       {2, 5},
		"q=jpg&createdBefore=" + ms(0) + "&status=processing":     {4},
		"q=%2Bb+%26": {1},
		"q=.*":       {},
		"status=cancelled&createdAfter=0&createdBefore=1&q=nothing": {},
	} {
		for _, limit := range []int{1, 2, 100} {
			for _, by := range []string{"page", "cursor"} {
				var got []string
				next := ""
				for n := 1; n < 10; n++ {
					turn := ""
					if by == "cursor" && next != "" {
						turn = "&cursor=" + next
					} else if by == "page" {
						turn = fmt.Sprintf("&page=%d", n)
					}
					a := b.get(t, fmt.Sprintf("/api/v1/tasks?%s&limit=%d%s", query, limit, turn))
					var l api.TaskList
					if err := json.Unmarshal(a.Body, &l); err != nil || a.Status != 200 {
						t.Fatalf("%s: %d %s %v", query, a.Status, a.Body, err)
					}
					if p := l.Pagination; p.Total != int64(len(want)) || !p.Exact {
						t.Errorf("%s: pagination = %+v, want a total of %d", query, p, len(want))
					}
					for _, one := range l.Data {
						got = append(got, string(one.TaskID))
					}
					if next = l.Pagination.NextCursor; next == "" {
						break
					}
				}
				var expected []string
				for _, i := range want {
					expected = append(expected, ids[i])
				}
				if diff := cmp.Diff(expected, got); diff != "" {
					t.Errorf("%s by %s, limit %d (-want +got):\n%s", query, by, limit, diff)
				}
			}
		}
	}
}

func TestQueriesAreReadStrictly(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	for query, names := range map[string]string{
		"page=-1": "page", "page=0": "page", "page=x": "page", "page=1e3": "page", "page=": "page",
		"page=99999999999999999999": "page", "page=2000000": "page",
		"limit=0": "limit", "limit=101": "limit", "limit=10;": "",
		"status=done": "status", "status=": "status", "status=failed,": "status", "status=failed,failed": "status", "status=failed;pending": "",
		"createdAfter=yesterday": "createdAfter", "createdAfter=": "createdAfter", "createdBefore=-1": "createdBefore",
		"createdBefore=2026-11-24": "createdBefore", "createdBefore=2026-11-24T00:00:00+01:00": "%2B", "createdBefore=999999999999999": "createdBefore",
		"createdAfter=5&createdBefore=5": "later than createdAfter", "createdAfter=6&createdBefore=5": "createdBefore",
		"q=": "q", "q=%00": "q", "q=%ff": "q", "q=a%0ab": "q", "q=" + strings.Repeat("x", 201): "1 to 200",
		"cursor=x": "cursor", "cursor=": "cursor", "cursor=____________________________________________": "cursor",
		"page=1&page=2": "page", "sort=asc": "sort", "%zz=1": "",
	} {
		a := b.get(t, "/api/v1/tasks?"+query)
		isProblem(t, query, a, 400, api.InvalidQuery)
		if detail := fmt.Sprint(a.JSON(t)["detail"]); !strings.Contains(detail, names) || !strings.HasSuffix(detail, ".") {
			t.Errorf("%s: %q does not name %q", query, detail, names)
		}
	}
	const before = `The parameter "status" is "done": one of pending, processing, completed, failed, cancelled is expected, or several of them with commas in between, each once.`
	if got := b.get(t, "/api/v1/tasks?status=done").JSON(t)["detail"]; got != before {
		t.Errorf("detail = %q, want %q", got, before)
	}
	const want = `The parameter "page" is "-1": a whole number from 1 to 1000000 is expected.`
	if got := b.get(t, "/api/v1/tasks?page=-1").JSON(t)["detail"]; got != want {
		t.Errorf("detail = %q, want %q", got, want)
	}
}

func TestTasksAreRetriedCancelledAndDeleted(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	id := b.submit(t)
	path := "/api/v1/tasks/" + string(id)

	a := b.do(t, "POST", path+"/retry", nil)
	isProblem(t, "retry of a pending task", a, 409, api.InvalidState)
	if got := a.JSON(t)["detail"]; got != "A pending task cannot be retried." {
		t.Errorf("detail = %q", got)
	}
	b.change(t, id, begin, fail)
	if err := b.Queue.Remove(t.Context(), string(id)); err != nil {
		t.Fatal(err)
	}
	a = b.do(t, "POST", path+"/retry", nil)
	if got := a.JSON(t); a.Status != 202 || got["status"] != "pending" || got["error"] != nil || a.Header.Get("Location") != path {
		t.Errorf("retry: %d %s", a.Status, a.Body)
	}
	if job, err := b.Queue.Job(t.Context(), string(id)); err != nil || job.State != "waiting" {
		t.Errorf("job after the retry: %+v, %v", job, err)
	}
	a = b.do(t, "POST", path+"/cancel", nil)
	if a.Status != 200 || a.JSON(t)["status"] != "cancelled" {
		t.Errorf("cancel: %d %s", a.Status, a.Body)
	}
	isProblem(t, "second cancel", b.do(t, "POST", path+"/cancel", nil), 409, api.InvalidState)
	if a = b.do(t, "DELETE", path, nil); a.Status != 204 || len(a.Body) != 0 {
		t.Errorf("delete: %d %s", a.Status, a.Body)
	}
	for _, gone := range []answer{
		b.get(t, path), b.do(t, "DELETE", path, nil), b.get(t, path+"/original"), b.get(t, path+"/events"),
		b.do(t, "POST", path+"/retry", nil), b.do(t, "POST", path+"/cancel", nil),
	} {
		isProblem(t, "after the delete", gone, 404, api.TaskNotFound)
	}
	b.clean(t)
	for _, bad := range []string{"x", strings.ToUpper(string(id)), string(id) + "0", "..%2f..%2fetc", "%00"} {
		for _, a := range []answer{
			b.get(t, "/api/v1/tasks/"+bad), b.get(t, "/api/v1/tasks/"+bad+"/original"), b.get(t, "/api/v1/tasks/"+bad+"/images/800"),
			b.get(t, "/api/v1/tasks/"+bad+"/events"), b.do(t, "DELETE", "/api/v1/tasks/"+bad, nil),
			b.do(t, "POST", "/api/v1/tasks/"+bad+"/retry", nil), b.do(t, "POST", "/api/v1/tasks/"+bad+"/cancel", nil),
		} {
			if bad == "..%2f..%2fetc" && a.Status == 404 {
				continue // gin decodes the slashes, and the path is another
			}
			isProblem(t, bad, a, 400, api.InvalidTaskID)
		}
	}
}
