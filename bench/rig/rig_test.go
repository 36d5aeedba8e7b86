package rig_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	"revela/bench/rig"
)

func TestProcessorTimeIsCounted(t *testing.T) {
	t.Parallel()
	r, err := rig.StartRedis()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	if err := r.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	cost, err := r.Measure(t.Context(), func() error {
		for begin := time.Now(); time.Since(begin) < 50*time.Millisecond; {
			if _, err := r.Memory(t.Context()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if cost.Wall < 50*time.Millisecond || cost.Redis <= 0 || cost.Redis > cost.Wall*time.Duration(runtime.NumCPU()) {
		t.Errorf("%+v", cost)
	}
	cost.Add(rig.Cost{Wall: time.Second - cost.Wall, CPU: time.Second - cost.CPU, Redis: time.Second - cost.Redis})
	m := cost.PerJob(100)
	if m["jobs_s"] != 100 || m["cpu_us_per_job"] != 10_000 || m["redis_us_per_job"] != 10_000 || m["wall_s"] != 1 || m["n"] != 100 {
		t.Errorf("100 jobs in a second: %v", m)
	}
}

func TestAProcessIsSeen(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells what a process takes")
	}
	before := rig.SelfCPU()
	for deadline := time.Now().Add(20 * time.Second); rig.SelfCPU() < before+30*time.Millisecond; {
		if time.Now().After(deadline) {
			t.Fatal("no processor time for 20 s")
		}
	}
	p, err := rig.ReadProc(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// The same by two ways, of which one counts in steps of 10 ms, each for user
	// and system.
	if d := p.CPU - rig.SelfCPU(); d.Abs() > 100*time.Millisecond {
		t.Errorf("processor time %v, by getrusage %v", p.CPU, rig.SelfCPU())
	}
	if p.PeakRSS < 1<<20 || p.PeakRSS > 1<<33 {
		t.Errorf("peak memory %d bytes", p.PeakRSS)
	}
	if _, err := rig.ReadProc(1 << 30); err == nil {
		t.Error("a process that cannot be was read")
	}
}
