package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// The short form of `make chaos`, with all that it can do to the service.
func TestShortStorm(t *testing.T) {
	t.Parallel()
	var out, log bytes.Buffer
	code := run(t.Context(), []string{
		"--processes=3", "--tasks=300", "--duration=10s", "--redis-kill=4s", "--flush=7s", "--freeze-every=3s",
		"--settle=100s", "--dir=" + t.TempDir(),
	}, &out, &log)
	if code != 0 {
		t.Fatalf("status %d:\n%s", code, &log)
	}
	var figures map[string]any
	if err := json.Unmarshal(out.Bytes(), &figures); err != nil {
		t.Fatalf("%v in %s", err, &out)
	}
	// A storm that hits nothing proves nothing.
	for name, least := range map[string]float64{"accepted": 300, "kills": 5, "redis_kills": 1, "flushes": 1, "freezes": 1} {
		if n, _ := figures[name].(float64); n < least {
			t.Errorf("%s = %v, want %v at least:\n%s", name, figures[name], least, &log)
		}
	}
}

// What is judged must be able to fail.
func TestVerdictSeesWhatIsBroken(t *testing.T) {
	t.Parallel()
	done := func(id, name string) record { return record{id: id, status: "completed", name: name, attempts: 1} }
	began := change{task: "a", was: "pending", status: "processing", held: "", token: "one"}
	ended := change{task: "a", was: "processing", status: "completed", held: "one", token: "one"}
	for want, spoil := range map[string]func(v *verdict){
		"":              func(v *verdict) { v.outcomes([]record{done("a", "small-1.jpg")}) },
		"ended wrongly": func(v *verdict) { v.outcomes([]record{done("a", "broken-7.png")}) },
		"attempts burned": func(v *verdict) {
			r := done("a", "small-1.jpg")
			r.attempts = 2
			v.outcomes([]record{r})
		},
		"completed twice": func(v *verdict) { v.once([]change{began, ended, ended}, &listener{}) },
		"announced twice": func(v *verdict) { v.once(nil, &listener{completed: map[string]int{"a": 2}}) },
		"changed after the end": func(v *verdict) {
			v.once([]change{began, ended, {task: "a", was: "completed", status: "processing"}}, &listener{})
		},
		"stolen commits": func(v *verdict) {
			v.once([]change{began, {task: "a", was: "processing", status: "completed", held: "two", token: "one"}}, &listener{})
		},
		"lost": func(v *verdict) {
			v.o.Tasks = 1
			v.accepted(&feeder{accepted: map[string]int{"a": 1}}, nil)
		},
		"stuck": func(v *verdict) {
			v.accepted(&feeder{}, []record{{id: "a", status: "pending"}})
		},
		"made twice": func(v *verdict) {
			v.o.Tasks = 1
			v.accepted(&feeder{accepted: map[string]int{"a": 2}}, []record{done("a", "small-2.jpg"), done("b", "small-2.jpg")})
		},
		"left in active":         func(v *verdict) { v.left.active = 1; v.counts(nil) },
		"left hashes":            func(v *verdict) { v.left.hashes = 1; v.counts(nil) },
		"failed jobs amiss":      func(v *verdict) { v.left.failed, v.left.hashes = 1, 1; v.counts(nil) },
		"left in leases, owners": func(v *verdict) { v.left.leases = 1; v.counts(nil) },
	} {
		v := &verdict{}
		spoil(v)
		var broken []string
		for _, p := range v.promises {
			if p.is != 0 {
				broken = append(broken, p.name)
			}
		}
		if got := strings.Join(broken, "; "); !strings.Contains(got, want) || (want == "" && got != "") {
			t.Errorf("broken promises %q, want %q", got, want)
		}
	}
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--processes=1"}, {"--tasks=0"}, {"--duration=0s"}, {"--kill-every=-1s"}, {"--nonsense"}} {
		var log bytes.Buffer
		if code := run(t.Context(), args, &log, &log); code != 2 || log.Len() == 0 {
			t.Errorf("%v: status %d, %q", args, code, &log)
		}
	}
}
