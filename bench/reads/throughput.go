package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"revela/bench/report"
	"revela/bench/rig"
	"revela/task"
)

// The reads that are measured, in the order of peer.targets.
var phases = [...]struct {
	name string
	gzip bool // asked for, as by browsers and most clients
}{{"task", false}, {"list10", false}, {"list20", false}, {"list10-gzip", true}, {"list20-gzip", true}}

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
	select {
	case <-time.After(o.settle):
	case <-ctx.Done():
		return ctx.Err()
	}
	for round := range o.rounds {
		r.Note("round %d of %d", round+1, o.rounds)
		var seen [len(phases)]map[string]report.Metrics
		for phase := range phases {
			seen[phase] = map[string]report.Metrics{}
			for i := range peers {
				p := peers[(i+round)%len(peers)] // nobody is always the first
				m, err := p.measure(ctx, o, phase)
				if err != nil {
					return fmt.Errorf("%s: %w", p.who, err)
				}
				r.Add(phases[phase].name, p.who, m)
				seen[phase][p.who] = m
			}
		}
		for phase := range phases {
			compare(r, phases[phase].name, seen[phase])
		}
	}
	return nil
}

// compare adds how we stood to our peers in one round: what else the machine did
// in it, it did to all. How bare gin stood to Node is there too, since nothing
// that is built on gin can be much more.
func compare(r *report.Report, phase string, seen map[string]report.Metrics) {
	for _, pair := range []struct{ who, peer, to string }{
		{"revela", "bare-gin", "gin"}, {"revela", "stack-node", "node"}, {"bare-gin", "stack-node", "node"},
	} {
		one, other := seen[pair.who], seen[pair.peer]
		if other == nil {
			continue // left out
		}
		m := report.Metrics{"rate_to_" + pair.to: one["req_s"] / other["req_s"]}
		if cpu := other["cpu_us_per_req"]; cpu > 0 { // else the system does not tell
			m["cpu_to_"+pair.to] = one["cpu_us_per_req"] / cpu
		}
		r.Add("ratio-"+phase, pair.who, m)
	}
}

// measure drives one server in one phase.
func (p peer) measure(ctx context.Context, o options, phase int) (report.Metrics, error) {
	request := request(p.addr, p.targets[phase], phases[phase].gzip)
	if _, err := drive(ctx, p.addr, request, o.conns, o.warm); err != nil {
		return nil, err
	}
	before, err := usageOf(p.server, p.metrics)
	if err != nil {
		return nil, err
	}
	l, err := drive(ctx, p.addr, request, o.conns, o.time)
	if err != nil {
		return nil, err
	}
	after, err := usageOf(p.server, p.metrics)
	if err != nil {
		return nil, err
	}
	u, n := after.since(before), float64(l.requests)
	m := report.Metrics{
		"req_s": n / l.took.Seconds(), "p50_ms": rig.Millis(l.p50), "p99_ms": rig.Millis(l.p99),
		"cpu_us_per_req": rig.Micros(u.cpu) / n, "body_bytes": float64(l.bytes) / n,
	}
	if p.metrics {
		m["allocs_per_req"], m["alloc_bytes_per_req"] = u.objects/n, u.bytes/n
	}
	return m, nil
}
