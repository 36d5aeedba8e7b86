package app_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary builds the program once for all tests that run it as people do.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "revela-test-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "app")
	out, err := exec.Command("go", "build", "-o", bin, "revela").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %v\n%s", err, out)
	}
	return bin, nil
})

// process is a running `app serve` or `app worker`.
type process struct {
	URL     string
	Started map[string]any // fields of the line that the start prints
	cmd     *exec.Cmd
	exited  chan struct{}
	log     *lockedBuffer
}

// start runs the program with its own environment and waits for its line.
func start(t *testing.T, dataDir string, args []string, env ...string) *process {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(bin, args...), exited: make(chan struct{}), log: &lockedBuffer{}}
	p.cmd.Dir = t.TempDir()
	p.cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + os.TempDir(),
		"SERVER_PORT=0", "DATA_DIR=" + dataDir, "LOG_FORMAT=json",
	}, env...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan map[string]any, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(stderr)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			fmt.Fprintln(p.log, lines.Text())
			var line map[string]any
			if json.Unmarshal(lines.Bytes(), &line) == nil && line["msg"] == "started" {
				ready <- line
			}
		}
	}()
	go func() { <-read; _ = p.cmd.Wait(); close(p.exited) }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
		if t.Failed() {
			t.Logf("log of %v:\n%s", args, p.log)
		}
	})
	select {
	case p.Started = <-ready:
	case <-p.exited:
		t.Fatalf("%v ended with %v:\n%s", args, p.cmd.ProcessState, p.log)
	case <-time.After(60 * time.Second):
		t.Fatalf("%v did not start within 60 s:\n%s", args, p.log)
	}
	p.URL = fmt.Sprint("http://", p.Started["address"])
	return p
}

// kill is kill -9.
func (p *process) kill() { _ = p.cmd.Process.Kill(); <-p.exited }

// stop is SIGTERM; it returns the exit status.
func (p *process) stop(t *testing.T) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.exited:
	case <-time.After(60 * time.Second):
		t.Fatalf("did not stop within 60 s")
	}
	return p.cmd.ProcessState.ExitCode()
}

// answer is one response, read whole.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON decodes the body into a map.
func (a answer) JSON(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.Body, &m); err != nil {
		t.Fatalf("status %d, not JSON: %v\n%.300s", a.Status, err, a.Body)
	}
	return m
}

var client = &http.Client{Timeout: 30 * time.Second}

func send(req *http.Request) (answer, error) {
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, body}, err
}

func get(t *testing.T, url string, header ...string) answer {
	t.Helper()
	return do(t, http.MethodGet, url, nil, header...)
}

// do sends a request; header holds names and values in turn.
func do(t *testing.T, method, url string, body []byte, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	a, err := send(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return a
}

// upload sends a file as curl -F image=@name does, by hand, so that nothing of
// ours stands between the test and the wire.
func uploadRequest(url, name string, data []byte, header ...string) *http.Request {
	var b bytes.Buffer
	fmt.Fprintf(&b, "--B\r\nContent-Disposition: form-data; name=\"image\"; filename=%q\r\nContent-Type: application/octet-stream\r\n\r\n", name)
	b.Write(data)
	b.WriteString("\r\n--B--\r\n")
	req, err := http.NewRequest(http.MethodPost, url+"/api/v1/tasks/upload", &b)
	if err != nil {
		panic(err) // the url is a test's own
	}
	req.Header.Set("Content-Type", "multipart/form-data; boundary=B")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

func upload(t *testing.T, url, name string, data []byte, header ...string) answer {
	t.Helper()
	a, err := send(uploadRequest(url, name, data, header...))
	if err != nil {
		t.Fatalf("upload %s: %v", name, err)
	}
	return a
}

// waitStatus polls a task until it has one of the statuses.
func waitStatus(t *testing.T, url, id string, want ...string) map[string]any {
	t.Helper()
	var task map[string]any
	eventually(t, fmt.Sprintf("task %s is %v", id, want), func() bool {
		task = get(t, url+"/api/v1/tasks/"+id).JSON(t)
		for _, w := range want {
			if task["status"] == w {
				return true
			}
		}
		return false
	})
	return task
}

// eventually polls cond until it holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(60 * time.Second)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within 60 s: %s", what)
		}
	}
}

// lockedBuffer is written by one goroutine and read by another.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A start that fails says what failed and how to mend it, with status 1.
func TestFailedStart(t *testing.T) {
	t.Parallel()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ env, says string }{
		"port":    {"SERVER_PORT=" + port, "address already in use"},
		"data":    {"DATA_DIR=" + file, "open the data directory"},
		"mongodb": {"MONGODB_URI=mongodb://127.0.0.1:1", "open the store of tasks"},
		"public":  {"SERVER_HOST=0.0.0.0", "API_KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), bin, "serve")
			late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Signal(syscall.SIGQUIT) })
			defer late.Stop()
			cmd.Dir = t.TempDir()
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), tt.env}
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(out), "app: ") || !strings.Contains(string(out), tt.says) {
				t.Errorf("status %d, without %q:\n%s", code, tt.says, out)
			}
		})
	}
}

// A worker without workers is a mistake in the command line: status 2.
func TestWorkerWithoutWorkers(t *testing.T) {
	t.Parallel()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), bin, "worker", "--workers=0")
	cmd.Dir = t.TempDir()
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 2 || !strings.Contains(string(out), "give --workers a number above 0") {
		t.Errorf("status %d:\n%s", code, out)
	}
}
