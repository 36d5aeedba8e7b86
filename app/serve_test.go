package app_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"image"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "golang.org/x/image/webp"

	"revela/imaging/imagetest"
)

// The main job, as a person does it: no configuration, a big JPEG, a PNG with
// transparency and a WebP, and everything that can be read of them.
func TestMainJob(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, []string{"serve", "--workers=2"})
	for _, tt := range []struct {
		format, ext string
		w, h        int
		original    []byte
	}{
		{"jpeg", "jpg", 4000, 3000, imagetest.JPEG(imagetest.Photo(4000, 3000))}, // 12 megapixels
		{"png", "png", 1600, 1200, imagetest.PNG(imagetest.Cutout(1600, 1200))},  // transparent around a disc
		{"webp", "webp", 1500, 1000, imagetest.WebP(imagetest.Photo(1500, 1000))},
	} {
		original := tt.original
		// The name lies about the type on purpose: content decides.
		a := upload(t, p.URL, "holiday.dat", original)
		if a.Status != http.StatusAccepted {
			t.Fatalf("%s: upload answered %d: %s", tt.format, a.Status, a.Body)
		}
		id, _ := a.JSON(t)["taskId"].(string)
		if !regexp.MustCompile(`^[0-9a-f]{24}$`).MatchString(id) || a.Header.Get("Location") != "/api/v1/tasks/"+id {
			t.Fatalf("%s: id %q at %q", tt.format, id, a.Header.Get("Location"))
		}
		if s := a.JSON(t)["status"]; s != "pending" {
			t.Errorf("%s: status %v in the answer to the upload", tt.format, s)
		}
		task := waitStatus(t, p.URL, id, "completed", "failed")
		if task["status"] != "completed" || task["source"] != "holiday.dat" {
			t.Fatalf("%s: %v", tt.format, task)
		}
		if _, shown := task["error"]; shown {
			t.Errorf("%s: a completed task shows an error", tt.format)
		}

		stored, err := os.ReadFile(filepath.Join(dir, "storage/images", id, "original."+tt.ext))
		if err != nil || !bytes.Equal(stored, original) {
			t.Errorf("%s: the original on disk: %d of %d bytes, %v", tt.format, len(stored), len(original), err)
		}
		if a := get(t, p.URL+"/api/v1/tasks/"+id+"/original"); !bytes.Equal(a.Body, original) {
			t.Errorf("%s: the original came back with other bytes", tt.format)
		}
		images, _ := task["images"].([]any)
		if len(images) != 2 {
			t.Fatalf("%s: images = %v", tt.format, task["images"])
		}
		for i, width := range []int{1024, 800} {
			img, _ := images[i].(map[string]any)
			a := get(t, fmt.Sprintf("%s/api/v1/tasks/%s/images/%d", p.URL, id, width))
			sum := md5.Sum(a.Body)
			if img["md5"] != hex.EncodeToString(sum[:]) || img["size"] != float64(len(a.Body)) || img["resolution"] != fmt.Sprint(width) {
				t.Errorf("%s %d: the bytes do not match %v", tt.format, width, img)
			}
			decoded, format, err := image.Decode(bytes.NewReader(a.Body))
			if err != nil || format != tt.format || img["format"] != tt.format {
				t.Fatalf("%s %d: came as %s (%v), %v", tt.format, width, format, img["format"], err)
			}
			want := image.Pt(width, int(math.Round(float64(width)*float64(tt.h)/float64(tt.w))))
			if got := decoded.Bounds().Size(); got != want || img["width"] != float64(want.X) || img["height"] != float64(want.Y) {
				t.Errorf("%s %d: %v, want %v; told %vx%v", tt.format, width, got, want, img["width"], img["height"])
			}
			if _, _, _, corner := decoded.At(0, 0).RGBA(); (corner == 0) != (tt.format == "png") {
				t.Errorf("%s %d: the corner's alpha is %d", tt.format, width, corner)
			}
			onDisk := filepath.Join(dir, fmt.Sprintf("output/%s/%d/%x.%s", id, width, sum, tt.ext))
			if b, err := os.ReadFile(onDisk); err != nil || !bytes.Equal(b, a.Body) {
				t.Errorf("%s %d: on disk: %v", tt.format, width, err)
			}
			h := a.Header
			if !strings.Contains(h.Get("Cache-Control"), "immutable") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Type") != "image/"+tt.format {
				t.Errorf("%s %d: header %v", tt.format, width, h)
			}
			etag := h.Get("ETag")
			if again := get(t, fmt.Sprintf("%s/api/v1/tasks/%s/images/%d", p.URL, id, width), "If-None-Match", etag); etag == "" || again.Status != http.StatusNotModified {
				t.Errorf("%s %d: ETag %q answered %d", tt.format, width, etag, again.Status)
			}
			part := get(t, fmt.Sprintf("%s/api/v1/tasks/%s/images/%d", p.URL, id, width), "Range", "bytes=10-19")
			if part.Status != http.StatusPartialContent || !bytes.Equal(part.Body, a.Body[10:20]) {
				t.Errorf("%s %d: a range answered %d", tt.format, width, part.Status)
			}
		}
	}
	metrics := string(get(t, p.URL+"/metrics").Body)
	for _, line := range []string{
		"revela_job_wait_seconds_count 3", `revela_job_run_seconds_count{outcome="completed"} 3`,
		`revela_job_attempts_bucket{outcome="completed",le="1"} 3`, `revela_queue_repairs_total{kind="stalled"} 0`,
		"revela_queue_oldest_waiting_seconds 0", `revela_queue_finished_total{outcome="completed"} 3`,
	} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("/metrics has no line %q", line)
		}
	}
	list := get(t, p.URL+"/api/v1/tasks?page=1&limit=2&status=completed").JSON(t)
	if data, _ := list["data"].([]any); len(data) != 2 || data[0].(map[string]any)["images"].([]any)[0].(map[string]any)["format"] != "webp" {
		t.Errorf("list = %v, want the newest two", list)
	}
	pg, _ := list["pagination"].(map[string]any)
	if pg["page"] != 1.0 || pg["limit"] != 2.0 || pg["total"] != 3.0 || pg["totalPages"] != 2.0 {
		t.Errorf("pagination = %v", pg)
	}
	eventually(t, "the queue is empty", func() bool {
		st := get(t, p.URL+"/api/v1/queue/stats").JSON(t)
		for _, k := range []string{"waiting", "active", "completed", "failed", "delayed", "paused"} {
			if st[k] != 0.0 {
				return false
			}
		}
		return st["completedTotal"] == 3.0 && st["failedTotal"] == 0.0
	})
	for path, want := range map[string]int{
		"/healthz": 200, "/readyz": 200, "/health": 200, "/metrics": 200, "/openapi.json": 200, "/docs": 200, "/": 200, "/nowhere": 404,
	} {
		if a := get(t, p.URL+path); a.Status != want {
			t.Errorf("GET %s answered %d, want %d: %.200s", path, a.Status, want, a.Body)
		}
	}
	if code := p.stop(t); code != 0 {
		t.Errorf("SIGTERM ended with status %d", code)
	}
}

// Each kind of bad input has its own clear error, and leaves nothing behind.
func TestBadInput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, []string{"serve", "--workers=1"}, "UPLOAD_MAX_BYTES=1MiB")
	good := imagetest.JPEG(imagetest.Photo(300, 200))
	gif := append([]byte("GIF89a\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff"), []byte("\x2c\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02D\x01\x00;")...)
	for _, tt := range []struct {
		name   string
		data   []byte
		status int
		code   string
	}{
		{"empty.jpg", nil, 400, "FILE_REQUIRED"},
		{"text.jpg", []byte("this is no picture at all, whatever its name says\n"), 415, "UNSUPPORTED_IMAGE"},
		{"truncated.jpg", good[:len(good)/2], 422, "INVALID_IMAGE"},
		{"bomb.gif", gif, 422, "IMAGE_TOO_LARGE"},
		{"large.jpg", append(good[:len(good):len(good)], make([]byte, 2<<20)...), 413, "FILE_TOO_LARGE"},
	} {
		a := upload(t, p.URL, tt.name, tt.data)
		problem := a.JSON(t)
		if a.Status != tt.status || problem["code"] != tt.code || a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %v (%s), want %d %s", tt.name, a.Status, problem, a.Header.Get("Content-Type"), tt.status, tt.code)
		}
		if d, _ := problem["detail"].(string); len(d) < 10 {
			t.Errorf("%s: no detail a person could use: %v", tt.name, problem)
		}
	}
	for _, tt := range []struct {
		method, path, body, kind string
		status                   int
		code                     string
	}{
		{"POST", "/tasks/upload", "--B\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--B--\r\n", "multipart/form-data; boundary=B", 400, "FILE_REQUIRED"},
		{"POST", "/tasks", `{"imageUrl":"http://127.0.0.1/x.jpg"}`, "application/json", 422, "SOURCE_REFUSED"},
		{"POST", "/tasks", `{"imagePath":"/etc/passwd"}`, "application/json", 422, "SOURCE_REFUSED"},
		{"POST", "/tasks", `{"imageUrl":`, "application/json", 400, "INVALID_BODY"},
		{"GET", "/tasks/xyz", "", "", 400, "INVALID_TASK_ID"},
		{"GET", "/tasks/0123456789abcdef01234567", "", "", 404, "TASK_NOT_FOUND"},
		{"GET", "/tasks?page=-1", "", "", 400, "INVALID_QUERY"},
		{"GET", "/tasks?limit=101", "", "", 400, "INVALID_QUERY"},
		{"GET", "/tasks?status=odd", "", "", 400, "INVALID_QUERY"},
		{"GET", "/queue/jobs/odd", "", "", 400, "INVALID_QUERY"},
		{"DELETE", "/queue/jobs/0123456789abcdef01234567", "", "", 404, "JOB_NOT_FOUND"},
	} {
		a := do(t, tt.method, p.URL+"/api/v1"+tt.path, []byte(tt.body), "Content-Type", tt.kind)
		if got := a.JSON(t); a.Status != tt.status || got["code"] != tt.code {
			t.Errorf("%s %s: %d %v, want %d %s", tt.method, tt.path, a.Status, got, tt.status, tt.code)
		}
	}
	if total := get(t, p.URL+"/api/v1/tasks").JSON(t)["pagination"].(map[string]any)["total"]; total != 0.0 {
		t.Errorf("%v tasks were half-made", total)
	}
	if left := files(t, dir, "storage"); len(left) != 0 {
		t.Errorf("files stayed: %v", left)
	}
	if rss := memory(t, p.cmd.Process.Pid); rss > 300<<20 {
		t.Errorf("the process has grown to %d MiB", rss>>20)
	}
}

// files lists the regular files below a directory of the data.
func files(t *testing.T, dir, sub string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, sub), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			out = append(out, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// memory is the peak resident size of a process in bytes.
func memory(t *testing.T, pid int) (peak int64) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &peak); err == nil {
			return peak << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

// kill -9 in the middle of a batch, start again: every accepted upload is
// completed, none twice.
func TestKillDuringBatch(t *testing.T) {
	t.Parallel()
	for _, redis := range []string{"server", "process"} {
		t.Run(redis, func(t *testing.T) {
			t.Parallel()
			const n = 100
			dir := t.TempDir()
			args, env := []string{"serve", "--workers=2"}, "REDIS_EMBEDDED="+redis
			p := start(t, dir, args, env, "QUEUE_LEASE=2s")
			picture := func(i int) []byte { return imagetest.JPEG(imagetest.Photo(1200, 900+i)) }
			pictures := make([][]byte, n)
			for i := range pictures {
				pictures[i] = picture(i)
			}
			// A client keeps its key until it has an answer, as clients do. It is
			// killed once, when about half of the batch was taken.
			accepted := make([]string, n)
			var taken sync.WaitGroup
			half := make(chan struct{})
			url := p.URL
			try := func(i int) bool {
				a, err := send(uploadRequest(url, fmt.Sprintf("%d.jpg", i), pictures[i], "Idempotency-Key", fmt.Sprintf("batch-%d", i)))
				if err != nil {
					return false
				}
				if a.Status != http.StatusAccepted && a.Status != http.StatusOK {
					t.Errorf("upload %d answered %d: %s", i, a.Status, a.Body)
				}
				accepted[i], _ = a.JSON(t)["taskId"].(string)
				return true
			}
			for w := range 4 {
				taken.Go(func() {
					for i := w; i < n; i += 4 {
						try(i)
						if i == n/2 {
							close(half)
						}
					}
				})
			}
			<-half
			p.kill()
			taken.Wait()
			before := 0
			for _, id := range accepted {
				if id != "" {
					before++
				}
			}
			if before == 0 || before == n {
				t.Fatalf("%d of %d uploads were taken before the kill: it hit no batch", before, n)
			}

			p = start(t, dir, args, env, "QUEUE_LEASE=2s")
			url = p.URL
			for i := range n {
				if accepted[i] == "" && !try(i) {
					t.Fatalf("upload %d failed after the restart", i)
				}
			}
			for _, id := range accepted {
				task := waitStatus(t, p.URL, id, "completed", "failed")
				if task["status"] != "completed" {
					t.Errorf("task %s: %v", id, task)
				}
				// What was being written when the process was killed lies beside
				// the results until the sweep; nobody reads it.
				outputs := slices.DeleteFunc(files(t, dir, "output/"+id), func(name string) bool {
					return strings.HasPrefix(filepath.Base(name), ".staged-")
				})
				if len(outputs) != 2 {
					t.Errorf("task %s has the results %v", id, outputs)
				}
			}
			if total := get(t, p.URL+"/api/v1/tasks?status=completed").JSON(t)["pagination"].(map[string]any)["total"]; total != float64(n) {
				t.Errorf("%v tasks completed, want %d", total, n)
			}
			if total := get(t, p.URL+"/api/v1/tasks").JSON(t)["pagination"].(map[string]any)["total"]; total != float64(n) {
				t.Errorf("%v tasks, want %d", total, n)
			}
			eventually(t, "the queue is empty", func() bool {
				st := get(t, p.URL+"/api/v1/queue/stats").JSON(t)
				if done, _ := st["completedTotal"].(float64); done > n {
					t.Fatalf("%v jobs completed, more than there are tasks", done)
				}
				return st["waiting"] == 0.0 && st["active"] == 0.0 && st["delayed"] == 0.0 && st["failed"] == 0.0
			})
			if code := p.stop(t); code != 0 {
				t.Errorf("status %d", code)
			}
		})
	}
}

// SIGTERM under load: not ready, no upload lost, no attempt spent, status 0.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, []string{"serve", "--workers=1"}, "SHUTDOWN_GRACE=0s")
	data := imagetest.JPEG(imagetest.Photo(4000, 3000))
	var ids []string
	for range 6 {
		ids = append(ids, upload(t, p.URL, "x.jpg", data).JSON(t)["taskId"].(string))
	}
	waitStatus(t, p.URL, ids[0], "processing", "completed")
	begun := time.Now()
	if code := p.stop(t); code != 0 {
		t.Errorf("SIGTERM ended with status %d", code)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("stopping took %v", took)
	}
	p = start(t, dir, []string{"serve", "--workers=2"})
	for _, id := range ids {
		if task := waitStatus(t, p.URL, id, "completed", "failed"); task["status"] != "completed" || task["attempts"] != 1.0 {
			t.Errorf("after the restart: %v", task)
		}
	}
}
