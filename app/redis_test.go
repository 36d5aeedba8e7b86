package app_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"revela/app/redis/redistest"
	"revela/imaging/imagetest"
)

// words sends a command as an operator types it.
func words(t *testing.T, c rueidis.Client, words ...string) rueidis.RedisResult {
	t.Helper()
	r := c.Do(t.Context(), c.B().Arbitrary(words...).Build())
	if err := r.Error(); err != nil && !rueidis.IsRedisNil(err) {
		t.Fatalf("%v: %v", words, err)
	}
	return r
}

// A Redis at its maxmemory: uploads are told to come back later, and leave
// nothing behind; what was accepted before is finished.
func TestUploadsWaitWhileRedisHasNoMemory(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t, "--maxmemory-policy", "noeviction")
	admin := s.Client(t)
	p := start(t, t.TempDir(), []string{"serve", "--workers=1"}, "REDIS_URL="+s.URL)
	data := imagetest.JPEG(imagetest.Photo(1200, 900))
	var accepted []string
	for range 3 {
		accepted = append(accepted, upload(t, p.URL, "a.jpg", data).JSON(t)["taskId"].(string))
	}
	words(t, admin, "CONFIG", "SET", "maxmemory", "100kb")
	a := upload(t, p.URL, "b.jpg", data)
	if a.Status != 429 || a.JSON(t)["code"] != "QUEUE_FULL" || a.Header.Get("Retry-After") == "" {
		t.Errorf("without memory: %d %s", a.Status, a.Body)
	}
	for _, id := range accepted {
		if task := waitStatus(t, p.URL, id, "completed", "failed"); task["status"] != "completed" {
			t.Errorf("accepted before: %v", task)
		}
	}
	words(t, admin, "CONFIG", "SET", "maxmemory", "0")
	b := upload(t, p.URL, "b.jpg", data)
	if b.Status != 202 {
		t.Fatalf("with memory again: %d %s", b.Status, b.Body)
	}
	waitStatus(t, p.URL, b.JSON(t)["taskId"].(string), "completed")
	if total := get(t, p.URL+"/api/v1/tasks").JSON(t)["pagination"].(map[string]any)["total"]; total != 4.0 {
		t.Errorf("%v tasks, want the 4 that were accepted", total)
	}
}

// The whole service does with the rights that docs/queue.md grants, and without
// one of them says at the start which.
func TestServeAsTheDocumentedRedisUser(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../docs/queue.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```\n(ACL SETUSER .*?)```").FindSubmatch(doc)
	if found == nil {
		t.Fatal("docs/queue.md has no ACL SETUSER")
	}
	s := redistest.Server(t)
	admin := s.Client(t)
	words(t, admin, strings.Fields(string(found[1]))...)
	url := "redis://revela:PASSWORD@" + s.Addr
	p := start(t, t.TempDir(), []string{"serve", "--workers=1"}, "REDIS_URL="+url)
	api := p.URL + "/api/v1"
	id := upload(t, p.URL, "a.jpg", imagetest.JPEG(imagetest.Photo(1200, 900))).JSON(t)["taskId"].(string)
	waitStatus(t, p.URL, id, "completed")
	for _, path := range []string{
		"/readyz", "/metrics", "/api/v1/tasks?limit=5", "/api/v1/tasks/" + id, "/api/v1/queue/stats",
		"/api/v1/queue/jobs/waiting", "/api/v1/queue/jobs/failed",
	} {
		for range 2 { // a cache's first answer and its second differ in what they ask
			if a := get(t, p.URL+path); a.Status != 200 {
				t.Errorf("%s: %d %s", path, a.Status, a.Body)
			}
		}
	}
	for _, path := range []string{"/queue/pause", "/queue/resume", "/queue/retry"} {
		if a := do(t, "POST", api+path, nil); a.Status >= 300 {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	refused, err := words(t, admin, "ACL", "LOG").ToArray()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range refused {
		m, err := r.AsStrMap()
		t.Errorf("refused: %s %s in %s, %v", m["reason"], m["object"], m["context"], err)
	}

	words(t, admin, "ACL", "SETUSER", "revela", "-xadd")
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "serve")
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "REDIS_URL=" + url}
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "XADD bull:image-processing:events") {
		t.Errorf("without the right to XADD: %v\n%s", err, out)
	}
}

// A setting that endangers the queue is no reason to serve nobody, but is
// shown, with how to mend it.
func TestReadinessWarnsOfAnEvictingRedis(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t, "--maxmemory-policy", "allkeys-lru", "--appendonly", "yes")
	url := "REDIS_URL=" + s.URL
	for _, p := range []*process{
		start(t, t.TempDir(), []string{"serve", "--workers=0"}, url),
		start(t, t.TempDir(), []string{"worker", "--workers=1", "--http=127.0.0.1:0"}, url),
	} {
		a := get(t, p.URL+"/readyz")
		warnings, _ := a.JSON(t)["warnings"].([]any)
		if a.Status != 200 || len(warnings) != 1 || !strings.Contains(warnings[0].(string), "CONFIG SET maxmemory-policy noeviction") {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	}
}
