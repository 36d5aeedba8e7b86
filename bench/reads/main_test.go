package main

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"revela/bench/report"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	os.Exit(m.Run())
}

// The benchmark works, and says of ours what it should whatever the machine.
func TestRun(t *testing.T) {
	t.Parallel()
	var out, table bytes.Buffer
	r := &report.Report{Bench: "reads", Out: &out, Err: &table}
	err := run(t.Context(), options{
		rounds: 1, conns: 4, time: 100 * time.Millisecond, warm: 50 * time.Millisecond,
		tasks: 25, changes: 5, lists: 1000,
	}, r)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]map[string]any{}
	for dec := json.NewDecoder(&out); dec.More(); {
		var line map[string]any
		if err := dec.Decode(&line); err != nil {
			t.Fatal(err)
		}
		seen[line["phase"].(string)+" "+line["who"].(string)] = line
	}
	for what, figures := range map[string][]string{
		"task revela":                  {"req_s", "p99_ms", "allocs_per_req", "alloc_bytes_per_req"},
		"task bare-gin":                {"req_s", "allocs_per_req"},
		"list10 revela":                {"req_s"},
		"list10 bare-gin":              {"req_s"},
		"list20 revela":                {"req_s"},
		"list20 bare-gin":              {"req_s"},
		"list20-gzip revela":           {"req_s"},
		"list20-gzip bare-gin":         {"req_s"},
		"ratio-task revela":            {"rate_to_gin"},
		"ratio-list20 revela":          {"rate_to_gin"},
		"fresh-task revela":            {"p50_ms", "p99_ms"},
		"fresh-list revela":            {"p50_ms", "p99_ms"},
		"invalidate-10 revela":         {"p50_us"},
		"invalidate-10 keys-and-del":   {"p50_us"},
		"invalidate-1000 revela":       {"p50_us"},
		"invalidate-1000 keys-and-del": {"p50_us", "redis_us_per_op"},
	} {
		for _, figure := range figures {
			if v, ok := seen[what][figure].(float64); !ok || v <= 0 {
				t.Errorf("%s: %s is %v in %v", what, figure, seen[what][figure], seen[what])
			}
		}
	}
	for _, phase := range []string{"task", "list10", "list20", "list10-gzip", "list20-gzip"} {
		if ours, bare := seen[phase+" revela"]["body_bytes"], seen[phase+" bare-gin"]["body_bytes"]; ours != bare {
			t.Errorf("%s: bodies of %v and %v bytes are compared", phase, ours, bare)
		}
	}
	for _, phase := range []string{"fresh-task", "fresh-list"} {
		if n := seen[phase+" revela"]["own_write_unseen"]; n != 0.0 {
			t.Errorf("%s: %v own writes were not seen at once", phase, n)
		}
	}
	if !bytes.Contains(table.Bytes(), []byte("stack-node: left out")) {
		t.Errorf("nobody says that the Node stack is left out:\n%s", table.Bytes())
	}
}
