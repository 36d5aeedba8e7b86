package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"revela/bench/report"
	"revela/bench/rig"
	"revela/task"
)

// The reads that are measured, in the order of peer.targets.
var phases = [...]string{"task", "list10", "list20"}

// peer is one server that answers all phases.
type peer struct {
	who string
	*server
	targets [len(phases)]string
	metrics bool // has Go's figures at /metrics
}

// targets are the addresses of a task and of the first page on Revela and on
// what has the same API.
func targets(id string) [len(phases)]string {
	return [...]string{
		"/api/v1/tasks/" + id,
		"/api/v1/tasks?page=1&limit=10",
		"/api/v1/tasks?page=1&limit=20",
	}
}

// throughput drives the service and its peers, in turns.
func throughput(ctx context.Context, s *stage, o options, r *report.Report, ids []task.ID) error {
	own, err := s.serve(ctx, "revela", "/readyz", s.appServer(o.profile))
	if err != nil {
		return err
	}
	peers := []peer{{"revela", own, targets(string(ids[len(ids)-1])), true}}
	bare, err := s.mirror(ctx, peers[0])
	if err != nil {
		return err
	}
	peers = append(peers, bare)
	switch node, err := s.nodeStack(ctx, o); {
	case errors.Is(err, errLeftOut):
		r.Note("%v", err)
	case err != nil:
		return err
	default:
		peers = append(peers, node)
	}
	rates := map[turn][]float64{}
	for round := range o.rounds {
		r.Note("round %d of %d", round+1, o.rounds)
		for phase, name := range phases {
			for i := range peers {
				p := peers[(i+round)%len(peers)] // nobody is always the first
				rate, err := p.measure(ctx, o, r, phase)
				if err != nil {
					return fmt.Errorf("%s: %w", p.who, err)
				}
				rates[turn{name, p.who}] = append(rates[turn{name, p.who}], rate)
			}
		}
	}
	for _, name := range phases {
		for _, p := range peers[1:] {
			r.Note("%s: %s", name, compare(p.who, rates[turn{name, "revela"}], rates[turn{name, p.who}]))
		}
	}
	return nil
}

// turn is what one peer does in one phase.
type turn struct{ phase, who string }

// compare tells how our rates stand to a peer's, round by round: what else the
// machine did in a round, it did to both.
func compare(who string, ours, theirs []float64) string {
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / theirs[i]
	}
	slices.Sort(ratios)
	return fmt.Sprintf("%.2f times the rate of %s (median of %d rounds, %.2f to %.2f)",
		ratios[len(ratios)/2], who, len(ratios), ratios[0], ratios[len(ratios)-1])
}

// measure drives one server in one phase and returns its requests a second.
func (p peer) measure(ctx context.Context, o options, r *report.Report, phase int) (float64, error) {
	if _, err := drive(ctx, p.addr, p.targets[phase], o.conns, o.warm); err != nil {
		return 0, err
	}
	before, err := usageOf(p.server, p.metrics)
	if err != nil {
		return 0, err
	}
	l, err := drive(ctx, p.addr, p.targets[phase], o.conns, o.time)
	if err != nil {
		return 0, err
	}
	after, err := usageOf(p.server, p.metrics)
	if err != nil {
		return 0, err
	}
	u, n := after.since(before), float64(l.requests)
	m := report.Metrics{
		"req_s": n / l.took.Seconds(), "p50_ms": rig.Millis(l.p50), "p99_ms": rig.Millis(l.p99),
		"cpu_us_per_req": rig.Micros(u.cpu) / n, "body_bytes": float64(l.bytes) / n,
	}
	if p.metrics {
		m["allocs_per_req"], m["alloc_bytes_per_req"] = u.objects/n, u.bytes/n
	}
	r.Add(phases[phase], p.who, m)
	return m["req_s"], nil
}
