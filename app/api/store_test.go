package api_test

import (
	"strconv"
	"testing"
	"time"

	"revela/app/api"
	"revela/task"
)

// What is cached is still answered while the store of tasks is away; everything
// else is told soon when to come back, and nothing of it is remembered.
func TestReadsWithoutTheStore(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	id, cold := b.submit(t), b.submit(t)
	cached := []string{"/api/v1/tasks/" + string(id), "/api/v1/tasks", "/api/v1/tasks?status=pending&limit=5"}
	for _, path := range cached {
		b.get(t, path)
	}
	eventually(t, "the cache to be filled", func() bool {
		n, err := b.Redis.Do(t.Context(), b.Redis.B().Exists().Key(
			"task:"+string(id), "tasks:list:2e9b6a97214ed7a66d642166c2a4df55", "tasks:count:3d6905511dbffb2d6de4f023a3cc2b0d").Build()).AsInt64()
		return err == nil && n == 3 && b.get(t, cached[2]).Status == 200
	})
	if err := b.Repo.Close(); err != nil { // which is to be away
		t.Fatal(err)
	}
	for range 3 {
		for _, path := range cached {
			if a := b.get(t, path); a.Status != 200 {
				t.Errorf("%s, which is cached, answered %d: %s", path, a.Status, a.Body)
			}
		}
	}
	for _, path := range []string{
		"/api/v1/tasks/" + string(cold), "/api/v1/tasks/" + string(task.NewID()), "/api/v1/tasks?page=11",
		"/api/v1/tasks?status=failed,cancelled", "/api/v1/tasks?q=photo", "/api/v1/tasks?createdAfter=0",
	} {
		for range 2 {
			sent := time.Now()
			a := b.get(t, path)
			isProblem(t, path, a, 503, api.Unavailable)
			if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 1 {
				t.Errorf("%s: Retry-After = %q", path, a.Header.Get("Retry-After"))
			}
			if took := time.Since(sent); took > 2*time.Second {
				t.Errorf("%s took %v", path, took)
			}
		}
	}
}
