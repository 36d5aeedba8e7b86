package main

import (
	"bytes"
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"revela/app"
)

// The server that is measured here is the test binary: it has all that the
// executable has.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		os.Exit(app.Main(os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

func TestOursIsMeasured(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, table bytes.Buffer
	err = run(t.Context(), []string{"-app", self, "-peer", "", "-rounds", "1",
		"-n", "6", "-clients", "3", "-workers", "2", "-width", "1100"}, &out, &table)
	if err != nil {
		t.Fatalf("%v\n%s", err, &table)
	}
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if line["bench"] != "e2e" || line["who"] != "revela" || line["phase"] != "upload-to-completed" || line["n"] != 6.0 {
		t.Errorf("line %v", line)
	}
	figures := []string{"wall_s", "tasks_s", "redis_ms_per_task", "upload_p50_ms", "upload_p99_ms"}
	if runtime.GOOS == "linux" {
		figures = append(figures, "cpu_ms_per_task", "peak_rss_mb")
	}
	for _, name := range figures {
		if v, ok := line[name].(float64); !ok || v <= 0 {
			t.Errorf("%s is %v", name, line[name])
		}
	}
	if !strings.Contains(table.String(), "revela") {
		t.Errorf("table:\n%s", &table)
	}
}

// What a stack fails to do must not be measured as if it were done.
func TestAServerThatFailsIsAnError(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-app", "/nowhere/app", "-peer", "", "-width", "100"},
		{"-app", "/bin/false", "-peer", "", "-width", "100"},
		{"-n", "0"}, {"more"}, {"-nonsense"},
	} {
		if err := run(t.Context(), args, &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

func TestAPeerThatCannotBeHadIsNamed(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, notes bytes.Buffer
	err = run(t.Context(), []string{"-app", self, "-peer", t.TempDir(), "-rounds", "1",
		"-n", "1", "-width", "100", "-workers", "1"}, &out, &notes)
	if err != nil || !strings.Contains(notes.String(), "stack-node is left out: ") {
		t.Errorf("error %v, notes:\n%s", err, &notes)
	}
}
