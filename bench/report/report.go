// Package report prints what benchmarks measured: a JSON line for each
// measurement on stdout, for programs, and at the end a table of medians on
// stderr, for people.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A Report gathers the measurements of one benchmark. It is for one goroutine.
type Report struct {
	Bench string    // first field of every line: "queue"
	Out   io.Writer // JSON lines; nil: os.Stdout
	Err   io.Writer // progress and the table; nil: os.Stderr

	rows    []*row
	columns []string
}

// Metrics are the figures of one measurement. Their names end in their unit:
// "jobs_s", "redis_us_per_job", "p99_ms".
type Metrics map[string]float64

// row is all rounds of one thing measured.
type row struct {
	phase, who string
	values     map[string][]float64
}

// Add prints one measurement: in this round, who did phase, with these figures.
func (r *Report) Add(phase, who string, m Metrics) {
	line := map[string]any{"bench": r.Bench, "who": who, "phase": phase}
	for name, v := range m {
		line[name] = significant(v)
	}
	b, err := json.Marshal(line)
	if err != nil {
		panic(fmt.Sprintf("report: %s %s: %v", phase, who, err)) // an infinity: the benchmark is broken
	}
	fmt.Fprintln(r.out(), string(b))

	i := slices.IndexFunc(r.rows, func(have *row) bool { return have.phase == phase && have.who == who })
	if i < 0 {
		i = len(r.rows)
		r.rows = append(r.rows, &row{phase, who, map[string][]float64{}})
	}
	for _, name := range slices.SortedFunc(maps.Keys(m), byName) {
		if !slices.Contains(r.columns, name) {
			r.columns = append(r.columns, name)
		}
		r.rows[i].values[name] = append(r.rows[i].values[name], m[name])
	}
}

// Note tells people something while the benchmark runs: what is under way, or
// which peer is left out and why.
func (r *Report) Note(format string, args ...any) {
	fmt.Fprintf(r.err(), format+"\n", args...)
}

// Median returns the median of a figure over all rounds, and whether there is
// one.
func (r *Report) Median(phase, who, name string) (float64, bool) {
	for _, have := range r.rows {
		if have.phase == phase && have.who == who && len(have.values[name]) > 0 {
			return median(have.values[name]), true
		}
	}
	return 0, false
}

// Table prints the medians, phase by phase in the order in which they came.
// Phases with other figures than the one before begin a table of their own.
func (r *Report) Table() {
	var phases []string
	for _, have := range r.rows {
		if !slices.Contains(phases, have.phase) {
			phases = append(phases, have.phase)
		}
	}
	var w *tabwriter.Writer
	var columns []string
	for _, phase := range phases {
		if own := r.columnsOf(phase); !slices.Equal(own, columns) {
			if w != nil {
				_ = w.Flush() // the terminal is gone: nobody is left to tell
				fmt.Fprintln(r.err())
			}
			columns = own
			w = tabwriter.NewWriter(r.err(), 0, 0, 2, ' ', tabwriter.AlignRight)
			fmt.Fprintf(w, "phase\twho\trounds\t%s\t\n", strings.Join(columns, "\t"))
		}
		for _, have := range r.rows {
			if have.phase == phase {
				have.print(w, columns)
			}
		}
	}
	if w != nil {
		_ = w.Flush()
	}
}

// columnsOf returns the figures that anybody has of a phase.
func (r *Report) columnsOf(phase string) []string {
	var own []string
	for _, c := range r.columns {
		if slices.ContainsFunc(r.rows, func(have *row) bool { return have.phase == phase && len(have.values[c]) > 0 }) {
			own = append(own, c)
		}
	}
	return own
}

func (have *row) print(w io.Writer, columns []string) {
	rounds := 0
	for _, v := range have.values {
		rounds = max(rounds, len(v))
	}
	fmt.Fprintf(w, "%s\t%s\t%d\t", have.phase, have.who, rounds)
	for _, c := range columns {
		if v := have.values[c]; len(v) > 0 {
			fmt.Fprintf(w, "%s\t", number(median(v)))
		} else {
			fmt.Fprint(w, "-\t")
		}
	}
	fmt.Fprintln(w)
}

// byName orders figures: how many first, then by their names.
func byName(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "n":
		return -1
	case b == "n":
		return 1
	}
	return strings.Compare(a, b)
}

// significant keeps six digits, which is more than any measurement holds.
func significant(v float64) float64 {
	if math.Trunc(v) == v {
		return v
	}
	short, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64) // what was just written can be read
	return short
}

// number writes about four digits, never an exponent, and counts as counts.
func number(v float64) string {
	switch {
	case v >= 1000, v == math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

// median is the middle value, or the mean of the two in the middle.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

func (r *Report) out() io.Writer {
	if r.Out == nil {
		return os.Stdout
	}
	return r.Out
}

func (r *Report) err() io.Writer {
	if r.Err == nil {
		return os.Stderr
	}
	return r.Err
}
