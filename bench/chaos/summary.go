package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"revela/bench/report"
)

// print writes the summary for people.
func (v *verdict) print(out io.Writer) {
	fmt.Fprintf(out, "\n%d kills of %d processes in %v", v.kills, v.o.Processes, v.raged.Round(time.Second))
	for _, also := range []struct {
		n    int
		what string
	}{{v.freezes, "stops in their tracks"}, {v.redisKills, "kills of Redis"}, {v.flushes, "FLUSHALL"}} {
		if also.n > 0 {
			fmt.Fprintf(out, ", %d %s", also.n, also.what)
		}
	}
	fmt.Fprintf(out, "; all ended %v later (lease %v, at most %d lost workers a task, seed %d)\n\n",
		v.settled.Round(100*time.Millisecond), v.o.Lease, v.o.MaxStalled, v.o.Seed)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, n := range v.notes {
		fmt.Fprintf(w, "  %s\t%d\t%s\n", n.name, n.is, n.proves)
	}
	for _, h := range []struct {
		name  string
		of    map[int]int
		means string
	}{
		{"attempts", v.attempts, "tasks by attempts that count"},
		{"stalls", v.stalls, "tasks by workers lost"},
		{"runs", v.runs, "tasks by runs begun, by the history"},
	} {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", h.name, histogram(h.of), h.means)
	}
	if n := len(v.recovery); n > 0 {
		fmt.Fprintf(w, "  recovery\t%v\tfrom kill to end of interrupted tasks: median, 99th percentile, longest\n",
			fmt.Sprintf("%.1fs %.1fs %.1fs", v.percentile(50).Seconds(), v.percentile(99).Seconds(), v.percentile(100).Seconds()))
	}
	fmt.Fprintln(w, "\n  promise\tbroken\twhat the figure proves")
	for _, p := range v.promises {
		mark := ""
		if p.is != 0 {
			mark = "  <-- BROKEN"
		}
		fmt.Fprintf(w, "  %s\t%d\t%s%s\n", p.name, p.is, p.proves, mark)
	}
	_ = w.Flush() // the terminal is gone: nobody is left to tell
}

// json writes one line for programs.
func (v *verdict) json(stdout, stderr io.Writer) {
	m := report.Metrics{
		"kills": float64(v.kills), "freezes": float64(v.freezes), "redis_kills": float64(v.redisKills), "flushes": float64(v.flushes),
		"storm_s": v.raged.Seconds(), "settle_s": v.settled.Seconds(),
	}
	for _, p := range slices.Concat(v.notes, v.promises) {
		m[strings.NewReplacer(" ", "_", ",", "").Replace(p.name)] = float64(p.is)
	}
	if len(v.recovery) > 0 {
		m["recovery_p50_s"], m["recovery_p99_s"], m["recovery_max_s"] = v.percentile(50).Seconds(), v.percentile(99).Seconds(), v.percentile(100).Seconds()
	}
	r := report.Report{Bench: "chaos", Out: stdout, Err: stderr}
	r.Add("storm", "revela", m)
}

// percentile is by nearest rank; there must be a recovery.
func (v *verdict) percentile(p int) time.Duration {
	return v.recovery[max(0, (p*len(v.recovery)+99)/100-1)]
}

// histogram is "value:count" by value.
func histogram(of map[int]int) string {
	var parts []string
	for _, value := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, fmt.Sprintf("%d:%d", value, of[value]))
	}
	return strings.Join(parts, " ")
}
