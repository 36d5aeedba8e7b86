package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// The benchmark starts itself as a contender, which here is the test binary.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == selfArg {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// measure runs the benchmark and returns its lines by phase.
func measure(t *testing.T, args ...string) (lines map[string]map[string]any, stderr string) {
	t.Helper()
	var out, problems bytes.Buffer
	if err := run(t.Context(), args, &out, &problems); err != nil {
		t.Fatalf("%v\n%s", err, &problems)
	}
	lines = map[string]map[string]any{}
	for dec := json.NewDecoder(&out); dec.More(); {
		var line map[string]any
		if err := dec.Decode(&line); err != nil {
			t.Fatal(err)
		}
		if line["bench"] != "queue" || line["who"] != "revela" {
			t.Errorf("line %v", line)
		}
		lines[line["phase"].(string)] = line
	}
	return lines, problems.String()
}

func TestOursIsMeasured(t *testing.T) {
	t.Parallel()
	lines, table := measure(t, "-peers", "", "-rounds", "1", "-c", "5",
		"-n", "200", "-latency", "5", "-memory", "2000", "-growth", "300")

	rates := []string{"n", "wall_s", "jobs_s", "redis_us_per_job"}
	growth := []string{"n", "redis_us_at_100", "redis_us_at_300", "redis_ratio", "wall_us_at_100", "wall_us_at_300", "wall_ratio"}
	want := map[string][]string{
		"add": rates, "process": rates, "add-bulk": rates,
		"latency":    {"n", "p50_ms", "p95_ms", "p99_ms"},
		"memory":     {"n", "bytes_per_job"},
		"growth-add": growth, "growth-claim": growth, "growth-ack": growth, "growth-remove": growth,
		"growth-stats": growth, "growth-list-waiting": growth, "growth-list-active": growth,
		"growth-list-delayed": growth, "growth-list-completed": growth, "growth-list-failed": growth,
		"growth-list-waiting-after-remove": growth,
	}
	for phase, figures := range want {
		line := lines[phase]
		for _, name := range figures {
			if v, ok := line[name].(float64); !ok || v <= 0 {
				t.Errorf("%s: %s is %v", phase, name, line[name])
			}
		}
		if !strings.Contains(table, phase) {
			t.Errorf("%s is not in the table", phase)
		}
	}
	if len(lines) != len(want) {
		t.Errorf("%d phases, %d are expected: %v", len(lines), len(want), lines)
	}
	// A job holds its id twice and its data once at the least.
	if b, _ := lines["memory"]["bytes_per_job"].(float64); b < 150 || b > 5000 {
		t.Errorf("a job takes %v bytes", b)
	}
	if n := lines["add"]["n"]; n != 200.0 {
		t.Errorf("add measured %v jobs", n)
	}
}

// A peer that cannot be had is named with the reason, and ours goes on.
func TestPeersThatCannotBeHadAreNamed(t *testing.T) {
	redis, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(redis, filepath.Join(bin, "redis-server")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	lines, notes := measure(t, "-peers", "bullmq,asynq,nobody", "-dir", ".", "-rounds", "1",
		"-n", "20", "-latency", "0", "-memory", "0", "-growth", "0")
	for _, want := range []string{
		"bullmq is left out: node is not on the PATH\n",
		"asynq is left out: go is not on the PATH\n",
		"nobody is left out: nobody knows it\n",
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in\n%s", want, notes)
		}
	}
	if len(lines) != 3 {
		t.Errorf("phases %v: add, process and add-bulk are expected", lines)
	}
}

func TestWrongUsageIsRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-rounds", "0"}, {"-c", "0"}, {"more"}, {"-nonsense"},
		{selfArg, "127.0.0.1:1", "add", "1"}, {selfArg, "127.0.0.1:1", "add", "x", "1"}, {selfArg, "127.0.0.1:1", "add", "1", "x"},
	} {
		if err := run(t.Context(), args, &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
