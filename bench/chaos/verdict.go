package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/rueidis"
)

// verdict is what became of a storm. A promise is a figure that must be 0.
type verdict struct {
	o                                   options
	raged, settled                      time.Duration
	kills, freezes, redisKills, flushes int
	badStops                            int

	promises []promise
	notes    []promise // figures that promise nothing

	attempts, stalls, runs map[int]int // histograms over all tasks
	recovery               []time.Duration
	left                   leftQueue
}

// promise is a figure and what it proves.
type promise struct {
	name   string
	is     int
	proves string
}

func (v *verdict) promise(name string, is int, proves string) {
	v.promises = append(v.promises, promise{name, is, proves})
}

func (v *verdict) note(name string, is int, means string) {
	v.notes = append(v.notes, promise{name, is, means})
}

func (v *verdict) broken() bool {
	return slices.ContainsFunc(v.promises, func(p promise) bool { return p.is != 0 })
}

// judge compares what clients were told with what is stored.
func (v *verdict) judge(ctx context.Context, s *tempest, said *listener, data string) error {
	records, err := s.history.records(ctx)
	if err != nil {
		return err
	}
	changes, err := s.history.changes(ctx)
	if err != nil {
		return err
	}
	v.accepted(s.feeder, records)
	v.outcomes(records)
	v.once(changes, said)
	v.recoveries(changes, s.interrupted)
	v.processes(s.fleet)
	v.counts(records)
	return v.results(records, data)
}

// accepted holds records to what clients were told.
func (v *verdict) accepted(f *feeder, records []record) {
	lost, unended, extra := 0, 0, 0
	byID, byName := map[string]record{}, map[string]int{}
	for _, r := range records {
		byID[r.id] = r
		byName[r.name]++
		if !ended(r) {
			unended++
		}
		if _, told := f.accepted[r.id]; !told {
			extra++
		}
	}
	twins := 0
	for id, n := range f.accepted {
		name, _ := f.album.picture(n)
		if r, there := byID[id]; !there || r.name != name {
			lost++
		}
		if keyed(n) && byName[name] != 1 {
			twins++
		}
	}
	v.note("accepted", len(f.accepted), "uploads that were answered with 2xx")
	v.note("uploads cut off", int(f.cut.Load()), "got no answer and were repeated")
	v.note("uploads refused", int(f.refused.Load()), "were answered 429 or 503 and repeated")
	v.note("tasks of nobody", extra, "records of uploads that were cut off without a key; they end as well")
	v.promise("not accepted", v.o.Tasks-len(f.accepted), "every client got its answer in the end")
	v.promise("strange answers", len(f.strange), "no good upload is answered with an error but 429 and 503")
	v.promise("lost", lost, "each accepted upload has its record")
	v.promise("stuck", unended, "each record, accepted or not, has come to an end")
	v.promise("made twice", twins+f.shared, "an Idempotency-Key names one record, though its first upload was cut off")
}

func ended(r record) bool {
	return r.status == "completed" || r.status == "failed" || r.status == "cancelled"
}

// outcomes holds records to what their pictures deserve.
func (v *verdict) outcomes(records []record) {
	v.attempts, v.stalls = map[int]int{}, map[int]int{}
	wrong, burned, given := 0, 0, 0
	for _, r := range records {
		v.attempts[r.attempts]++
		v.stalls[r.stalls]++
		switch {
		case !ended(r):
			continue
		case r.status == "failed" && r.stalls > v.o.MaxStalled:
			given++
			continue
		case isBroken(r.name) != (r.status == "failed"):
			wrong++
		}
		if r.attempts != 1 {
			burned++
		}
	}
	v.note("given up", given, fmt.Sprintf("tasks that lost more than %d workers, and failed for it", v.o.MaxStalled))
	v.promise("ended wrongly", wrong, "good pictures complete, broken ones fail")
	v.promise("attempts burned", burned, "the loss of a worker is no failed attempt, and a broken picture needs one")
}

// once holds the history to one completion a task, by the one who held it.
func (v *verdict) once(changes []change, said *listener) {
	completed := map[string]int{}
	runs := map[string]int{}
	after, foreign, deleted := 0, 0, 0
	for _, c := range changes {
		if c.was == "completed" || c.was == "cancelled" || c.was == "failed" {
			after++
		}
		switch c.status {
		case "processing":
			if c.was != "processing" || c.token != c.held {
				runs[c.task]++
			}
		case "completed":
			completed[c.task]++
			if c.token != c.held || c.was != "processing" {
				foreign++
			}
		case "deleted":
			deleted++
		}
	}
	v.runs = map[int]int{}
	for _, n := range runs {
		v.runs[n]++
	}
	twice := 0
	for _, n := range completed {
		if n > 1 {
			twice++
		}
	}
	announced, heard := said.twice()
	v.note("completions heard", heard, "tasks with a task.completed event; those that a kill cut off say nothing")
	v.promise("completed twice", twice, "by the history that a trigger writes with every change: a record is completed once")
	v.promise("announced twice", announced, "by the events heard on Redis: a completion is told once")
	v.promise("changed after the end", after+deleted, "by the history: nothing leaves an end by itself")
	v.promise("stolen commits", foreign, "by the history: a result is written under the lease under which its run began")
}

// recoveries measures how long interrupted tasks took to end.
func (v *verdict) recoveries(changes []change, interrupted []interruption) {
	ends := map[string]time.Time{}
	for _, c := range changes {
		if c.status == "completed" || c.status == "failed" {
			ends[c.task] = c.at
		}
	}
	for _, i := range interrupted {
		if end, ok := ends[i.task]; ok {
			v.recovery = append(v.recovery, end.Sub(i.at))
		}
	}
	slices.Sort(v.recovery)
	v.note("interruptions", len(interrupted), "tasks in work when their process was killed; some more than once")
}

func (v *verdict) processes(f *fleet) {
	died := int(f.died.Load())
	if v.o.RedisKill == 0 {
		v.promise("died unbidden", died, "no process ends by itself")
	} else {
		v.note("died unbidden", died, "processes that ended by themselves: a start without Redis fails")
	}
	v.promise("bad stops", v.badStops, "SIGTERM after the storm ends each process with status 0")
}

// leftQueue is what the queue held when all tasks had ended.
type leftQueue struct{ waiting, delayed, active, leases, owners, failed, hashes int64 }

// The queue's keys, written out: this is what others see (docs/queue.md).
const queueKeys = "bull:image-processing:"

// inQueue is how many jobs the queue holds that have not ended.
func inQueue(ctx context.Context, c rueidis.Client) (int64, error) {
	var sum int64
	for _, cmd := range []rueidis.Completed{
		c.B().Llen().Key(queueKeys + "waiting").Build(), c.B().Llen().Key(queueKeys + "active").Build(),
		c.B().Zcard().Key(queueKeys + "delayed").Build(), c.B().Zcard().Key(queueKeys + "leases").Build(),
	} {
		n, err := c.Do(ctx, cmd).AsInt64()
		if err != nil {
			return 0, fmt.Errorf("look into the queue: %w", err)
		}
		sum += n
	}
	return sum, nil
}

// queue reads what is left in Redis, while the processes still run.
func (v *verdict) queue(ctx context.Context, c rueidis.Client) error {
	l := &v.left
	for _, q := range []struct {
		into *int64
		cmd  rueidis.Completed
	}{
		{&l.waiting, c.B().Llen().Key(queueKeys + "waiting").Build()},
		{&l.active, c.B().Llen().Key(queueKeys + "active").Build()},
		{&l.delayed, c.B().Zcard().Key(queueKeys + "delayed").Build()},
		{&l.leases, c.B().Zcard().Key(queueKeys + "leases").Build()},
		{&l.owners, c.B().Hlen().Key(queueKeys + "owners").Build()},
		{&l.failed, c.B().Zcard().Key(queueKeys + "failed").Build()},
	} {
		n, err := c.Do(ctx, q.cmd).AsInt64()
		if err != nil {
			return fmt.Errorf("look into the queue: %w", err)
		}
		*q.into = n
	}
	for cursor := uint64(0); ; {
		page, err := c.Do(ctx, c.B().Scan().Cursor(cursor).Match(queueKeys+"[0-9a-f]*[0-9a-f]").Count(1000).Type("hash").Build()).AsScanEntry()
		if err != nil {
			return fmt.Errorf("look into the queue: %w", err)
		}
		for _, key := range page.Elements {
			if len(key) == len(queueKeys)+24 { // a task's id, no key of the queue itself
				l.hashes++
			}
		}
		if cursor = page.Cursor; cursor == 0 {
			return nil
		}
	}
}

// counts holds the queue to the records.
func (v *verdict) counts(records []record) {
	failed := 0
	for _, r := range records {
		if r.status == "failed" {
			failed++
		}
	}
	l := v.left
	v.promise("left in waiting, delayed", int(l.waiting+l.delayed), "the queue has no job that nobody will take")
	v.promise("left in active", int(l.active), "no job is in work when all tasks have ended")
	v.promise("left in leases, owners", int(l.leases+l.owners), "no hold outlives its job")
	v.promise("left hashes", int(l.hashes-l.failed), "only failed jobs are kept")
	if v.redisKills+v.flushes == 0 {
		v.promise("failed jobs amiss", int(l.failed)-failed, "as many failed jobs are kept as tasks failed")
	}
}
