package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// helperEnv makes the test binary a process of its own that opens the embedded
// server on the directory it names and holds it until its stdin is closed.
const helperEnv = "REVELA_TEST_DATA_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperEnv); dir != "" {
		os.Exit(helper(dir))
	}
	// A cluster client closed while it waits to look for new nodes sleeps on, for
	// a second at most; nothing can wake it.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"))
}

func helper(dir string) int {
	c, err := Open(context.Background(), Config{DataDir: dir, Embedded: os.Getenv(helperEnv + "_MODE")}, zap.NewNop())
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("ready", c.Describe())
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := c.Close(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// startHelper runs the helper and returns once its Conn is open.
func startHelper(t *testing.T, dir, mode string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperEnv+"="+dir, helperEnv+"_MODE="+mode)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	buf := make([]byte, 1000)
	n, err := stdout.Read(buf)
	if err != nil || !strings.HasPrefix(string(buf[:n]), "ready") {
		t.Fatalf("helper said %q, %v", buf[:n], err)
	}
	return cmd
}

// dataDir is a folder with a short path, gone after the test.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// open opens cfg with a log to look at, and closes it with the test.
func open(t *testing.T, cfg Config) (*Conn, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	c, err := Open(t.Context(), cfg, zap.New(core))
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return c, logs
}

// openFails opens cfg, which must fail within limit, and returns the error.
func openFails(t *testing.T, cfg Config, limit time.Duration) error {
	t.Helper()
	began := time.Now()
	c, err := Open(t.Context(), cfg, zap.NewNop())
	if err == nil {
		_ = c.Close()
		t.Fatal("Open succeeded")
	}
	if took := time.Since(began); took > limit {
		t.Errorf("Open took %s to fail, want at most %s", took, limit)
	}
	return err
}

func set(t *testing.T, c *Conn, key, value string) {
	t.Helper()
	if err := c.Client().Do(t.Context(), c.Client().B().Set().Key(key).Value(value).Build()).Error(); err != nil {
		t.Fatalf("SET %s: %v", key, err)
	}
}

func get(t *testing.T, c *Conn, key string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	v, err := c.Client().Do(ctx, c.Client().B().Get().Key(key).Build()).ToString()
	if err != nil && !rueidis.IsRedisNil(err) {
		t.Fatalf("GET %s: %v", key, err)
	}
	return v
}

// serverPid is the process id of the server behind c.
func serverPid(t *testing.T, c *Conn) int {
	t.Helper()
	info := map[string]string{}
	if err := readInfo(t.Context(), c.Client(), "server", info); err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(info["process_id"])
	if err != nil {
		t.Fatalf("process_id: %v", err)
	}
	return pid
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// eventually polls cond until it holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline.C:
			t.Fatalf("still not: %s", what)
		case <-tick.C:
		}
	}
}
