package report_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"revela/bench/report"
)

func TestMediansOfRounds(t *testing.T) {
	t.Parallel()
	var out, table bytes.Buffer
	r := report.Report{Bench: "queue", Out: &out, Err: &table}
	for _, v := range []float64{3, 100, 1, 2} {
		r.Add("add", "revela", report.Metrics{"jobs_s": v})
	}
	r.Add("add", "bullmq", report.Metrics{"jobs_s": 5, "p99_ms": 0.25})
	if m, ok := r.Median("add", "revela", "jobs_s"); !ok || m != 2.5 {
		t.Errorf("median %v, %v: 2.5 is expected", m, ok)
	}
	if _, ok := r.Median("add", "revela", "p99_ms"); ok {
		t.Error("a median of nothing")
	}

	first, _, _ := strings.Cut(out.String(), "\n")
	var line map[string]any
	if err := json.Unmarshal([]byte(first), &line); err != nil {
		t.Fatal(err)
	}
	if line["bench"] != "queue" || line["who"] != "revela" || line["phase"] != "add" || line["jobs_s"] != 3.0 {
		t.Errorf("line %v", line)
	}

	r.Table()
	rows := strings.Split(strings.TrimSpace(table.String()), "\n")
	if len(rows) != 3 {
		t.Fatalf("table:\n%s", table.String())
	}
	if got := strings.Join(strings.Fields(rows[1]), " "); got != "add revela 4 2.500 -" {
		t.Errorf("row %q", got)
	}
}

func TestEachKindOfFiguresHasATable(t *testing.T) {
	t.Parallel()
	var out, table bytes.Buffer
	r := report.Report{Bench: "queue", Out: &out, Err: &table}
	r.Add("add", "revela", report.Metrics{"jobs_s": 28738.89982985192, "n": 50, "cpu_us": 0})
	r.Add("latency", "revela", report.Metrics{"n": 5, "p50_ms": 0.123456789})
	r.Add("process", "revela", report.Metrics{"jobs_s": 1, "n": 50, "cpu_us": 2})
	r.Table()
	var rows []string
	for _, row := range strings.Split(strings.TrimSpace(table.String()), "\n") {
		rows = append(rows, strings.Join(strings.Fields(row), " "))
	}
	want := []string{
		"phase who rounds n cpu_us jobs_s",
		"add revela 1 50 0 28739",
		"",
		"phase who rounds n p50_ms",
		"latency revela 1 5 0.123",
		"",
		"phase who rounds n cpu_us jobs_s",
		"process revela 1 50 2 1",
	}
	if !slices.Equal(rows, want) {
		t.Errorf("table:\n%s", strings.Join(rows, "\n"))
	}
	for _, figure := range []string{`"jobs_s":28738.9,`, `"n":50,`, `"p50_ms":0.123457,`} {
		if !strings.Contains(out.String(), figure) {
			t.Errorf("no %s in\n%s", figure, out.String())
		}
	}
}
