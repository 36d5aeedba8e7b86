package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// turnSize bounds how many jobs a turn ends, how many it begins, and how many it
// takes.
const turnSize = 200

// turn is one exchange with Redis: the jobs that are done, those that were taken
// in the turn before and are to begin, and how many others are wanted.
type turn struct {
	done  []*Job
	taken taken
	want  int
	solo  bool   // whether the only one may be one that is to run alone
	moved string // id that BLMOVE moved to active, among those wanted
}

// taken are ids that were taken into work under one token.
type taken struct {
	token string
	ids   []string
	at    time.Time // before Redis wrote their leases
	solo  bool      // the one job of these is to run alone
}

// answer is what Redis says to a turn.
type answer struct {
	at     int64 // ms since the epoch
	begun  []begun
	token  string // of those begun
	taken  taken
	solo   taken // one job or none
	broken int   // how many of those that were to begin have failed instead
	paused bool  // and therefore nothing was taken
}

// begun is a job whose attempt begins, and its jobFields.
type begun struct {
	id   string
	hash rueidis.RedisResult
}

// exchange carries a turn out. It may be repeated until its answer is seen: what
// was done then stays done, and what was taken unseen has a lease that ends.
// Jobs are read in front of the script, which then says which of them begin: a
// job that is ours afterwards was ours when it was read.
func (p *Pool) exchange(ctx context.Context, t turn) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	k, now := p.q.keys, time.Now()
	token := p.id + ":" + strconv.FormatUint(p.tokens.Add(1), 36)
	keys := make([]string, 0, 11+len(t.done)+len(t.taken.ids))
	keys = append(keys, k.waiting, k.urgent, k.solo, k.active, k.leases, k.owners, k.delayed, k.completed, k.failed, k.meta, k.events)
	args := make([]string, 0, 8+2*len(t.done)+len(t.taken.ids))
	args = append(args, strconv.Itoa(t.want), flag(t.solo), t.moved, millis(p.q.cfg.Lease), token,
		flag(!p.q.cfg.KeepCompleted.none()), strconv.Itoa(len(t.done)))
	for _, job := range t.done {
		keys, args = append(keys, k.job(job.ID)), append(args, job.ID, job.token)
	}
	keys, args = k.jobs(keys, t.taken.ids...), append(append(args, t.taken.token), t.taken.ids...)

	read := make(rueidis.Commands, 0, len(t.taken.ids))
	for _, hash := range keys[11+len(t.done):] {
		read = append(read, p.q.client.B().Hmget().Key(hash).Field(jobFields[:]...).Build())
	}
	hashes, said := p.q.scripts.turn.execAfter(ctx, p.q.client, read, keys, args)
	says, err := said.ToArray()
	if err != nil {
		return answer{}, fmt.Errorf("turn: %w", err)
	}
	a := answer{token: t.taken.token, taken: taken{token: token, at: now}}
	if a.at, err = says[0].AsInt64(); err != nil {
		return answer{}, fmt.Errorf("turn: %w", err)
	}
	if a.paused, err = says[1].AsBool(); err != nil {
		return answer{}, fmt.Errorf("turn: %w", err)
	}
	if a.taken.ids, err = says[2].AsStrSlice(); err != nil {
		return answer{}, fmt.Errorf("turn: %w", err)
	}
	solo, err := says[3].AsBool()
	if err != nil {
		return answer{}, fmt.Errorf("turn: %w", err)
	}
	if solo {
		a.solo = taken{token: token, at: now, ids: a.taken.ids[:1], solo: true}
		a.taken.ids = a.taken.ids[1:]
	}
	for i, hash := range hashes {
		ours, err := says[4+i].AsInt64()
		if err == nil && ours != 1 {
			a.broken -= int(ours)
			continue
		}
		if err = errors.Join(err, hash.Error()); err != nil {
			return answer{}, fmt.Errorf("turn: read job %s: %w", t.taken.ids[i], err)
		}
		a.begun = append(a.begun, begun{t.taken.ids[i], hash})
	}
	return a, nil
}

// jobFields are what an attempt needs of a job's hash.
var jobFields = [...]string{"name", "data", "attemptsMade", "stalledCounter", "timestamp", "delay", "processedBy"}

// attempt makes an attempt of a job that begins at a time in ms.
func (p *Pool) attempt(b begun, token string, at int64) *Job {
	fields, _ := b.hash.ToArray()                                         // which was looked at before
	text := func(i int) string { s, _ := fields[i].ToString(); return s } // what is not there is ""
	num := func(i int) int64 { n, _ := fields[i].AsInt64(); return n }    // and 0, like what is none
	count := func(i int) int { return int(min(max(0, num(i)), math.MaxInt32)) }
	job := &Job{
		ID: b.id, Name: text(0), Data: []byte(text(1)),
		Attempt: count(2) + 1, MaxAttempts: p.q.cfg.MaxAttempts, Stalls: count(3),
		token: token, pool: p,
	}
	// Not if it began before and was handed back, or retried by hand.
	if by := text(6); job.Attempt == 1 && job.Stalls == 0 && (by == "" || by == token) && num(4) > 0 {
		p.hooks.started(max(0, time.Duration(at-num(4)-num(5))*time.Millisecond))
	}
	return job
}

// texts reads an answer's strings.
func texts(answers []rueidis.RedisMessage) ([]string, error) {
	out := make([]string, len(answers))
	for i := range answers {
		s, err := answers[i].ToString()
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
