package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// turnSize bounds how many jobs a turn ends, how many it begins, and how many it
// takes.
const turnSize = 200

// blockTime is how long an idle pool's BLMOVE waits at the server, in seconds;
// it bounds how long a pool takes to notice that it should stop.
const blockTime = 1

// pausePoll is how often a paused pool looks whether it was resumed, should
// the message get lost.
const pausePoll = 500 * time.Millisecond

// turn is one exchange with Redis: the jobs that are done, those that were taken
// in the turn before and are to begin, and how many others are wanted.
type turn struct {
	done  []*Job
	taken taken
	want  int
	moved string // id that BLMOVE moved to active, among those wanted
}

// taken are ids that were taken into work under one token.
type taken struct {
	token string
	ids   []string
}

// turner takes turns with Redis. While one is under way handlers work, and what
// they finish goes with the next: the busier a pool, the more jobs share a turn,
// and a lone job waits for nothing.
type turner struct {
	*Pool
	free    int         // slots in which nobody works and for which nothing was taken
	next    turn        // what is to be told and asked
	state   hunger      // whether there is any use in asking for jobs
	arrived chan string // from listen, when listening
}

// hunger is whether a turn asks for jobs.
type hunger int

const (
	hungry    hunger = iota // there may be some
	listening               // there were none; BLMOVE waits for one
	paused                  // none are handed out
	sated                   // the pool stops: none are wanted any more
)

// turns is the loop that takes jobs, begins and completes them. It never takes
// more than there are free slots. When stop ends it takes no more, and it returns
// when all that it took has ended; at the latest when life ends.
func (p *Pool) turns(stop, life, work context.Context) {
	t := turner{Pool: p, free: p.q.cfg.Concurrency, arrived: make(chan string, 1)}
	defer t.deafen()
	for failures := 0; t.gather(stop, life); {
		a, err := t.exchange(life, t.next)
		if err == nil {
			failures = 0
			t.heed(life, work, a)
			continue
		}
		failures++
		p.report("take, begin and complete jobs", err)
		if stop.Err() != nil { // what has not begun yet is left to the end of its lease
			t.free += len(t.next.taken.ids)
			t.next.taken = taken{}
		}
		if !sleep(life, reconnectDelay(failures)) {
			return
		}
	}
}

// gather waits until there is something to tell Redis or to ask for, and collects
// all there is. It reports false when nothing is to come any more.
func (t *turner) gather(stop, life context.Context) bool {
	for life.Err() == nil {
		runtime.Gosched() // handlers that are about to end make the turn larger
		t.collect()
		if stop.Err() != nil && t.state != listening {
			t.state = sated
		}
		t.next.want = 0
		switch {
		case t.state == hungry:
			t.next.want = min(t.free, turnSize)
		case t.next.moved != "": // ours already, even if the pool stops
			t.next.want = 1
		}
		if len(t.next.done) > 0 || len(t.next.taken.ids) > 0 || t.next.want > 0 {
			return true
		}
		if t.state == sated && t.free == t.q.cfg.Concurrency {
			return false
		}
		t.wait(stop, life)
	}
	return false
}

// collect frees the slots of jobs that have ended and notes those that are done.
func (t *turner) collect() {
	for len(t.next.done) < turnSize {
		select {
		case e := <-t.ends:
			t.ended(e)
		default:
			return
		}
	}
}

func (t *turner) ended(e end) {
	t.free++
	if e.done {
		t.next.done = append(t.next.done, e.job)
	}
}

// wait waits for whatever may change what gather finds.
func (t *turner) wait(stop, life context.Context) {
	stopping := stop.Done()
	if t.state == listening || t.state == sated { // not before BLMOVE has returned, or known already
		stopping = nil
	}
	var poll <-chan time.Time
	if t.state == paused {
		poll = time.After(pausePoll)
	}
	select {
	case <-life.Done():
	case <-stopping:
	case e := <-t.ends:
		t.ended(e)
	case t.next.moved = <-t.arrived:
		t.state = hungry
	case <-t.resumed:
		if t.state == paused {
			t.state = hungry
		}
	case <-poll:
		t.state = hungry
	}
}

// heed goes by what Redis said to the turn. The jobs that begin are started
// beside the next turn.
func (t *turner) heed(life, work context.Context, a answer) {
	last := t.next
	for _, job := range last.done {
		t.drop(job)
	}
	if len(last.done) > 0 && t.q.cfg.KeepCompleted.Count > 0 {
		nudge(t.trims)
	}
	if len(a.begun) > 0 {
		go func() {
			for _, b := range a.begun {
				t.start(life, work, t.attempt(b, a.token, a.at))
			}
		}()
	}
	t.free += len(last.taken.ids) - len(a.begun) - len(a.taken.ids)
	t.next = turn{taken: a.taken}
	switch {
	case last.want == 0: // and nothing was learned
	case a.paused:
		t.state = paused
	case len(a.taken.ids) == 0:
		t.state = listening
		go t.listen(life)
	}
}

// listen waits for one id and moves it to active, or "" when there was none. The
// server ends the wait. The deadline here only notices a connection that died
// without a word; an id that it may leave in active is the sweeper's.
func (t *turner) listen(life context.Context) {
	ctx, cancel := context.WithTimeout(life, blockTime*time.Second+stepTimeout)
	defer cancel()
	k := t.q.keys
	id, err := t.q.client.Do(ctx, t.q.client.B().Blmove().Source(k.waiting).Destination(k.active).
		Right().Left().Timeout(blockTime).Build()).ToString()
	if err != nil && !rueidis.IsRedisNil(err) {
		t.report("wait for jobs", err)
		sleep(life, reconnectDelay(1))
	}
	t.arrived <- id
}

// deafen waits for listen to return.
func (t *turner) deafen() {
	if t.state == listening {
		<-t.arrived
	}
}

// answer is what Redis says to a turn.
type answer struct {
	at     int64 // ms since the epoch
	begun  []begun
	token  string // of those begun
	taken  taken
	paused bool // and therefore nothing was taken
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
	k := p.q.keys
	token := p.id + ":" + strconv.FormatUint(p.claims.Add(1), 36)
	keys := make([]string, 0, 10+len(t.done)+len(t.taken.ids))
	keys = append(keys, k.waiting, k.urgent, k.active, k.leases, k.owners, k.delayed, k.completed, k.failed, k.meta, k.events)
	args := make([]string, 0, 7+2*len(t.done)+len(t.taken.ids))
	args = append(args, strconv.Itoa(t.want), t.moved, millis(p.q.cfg.Lease), token,
		flag(!p.q.cfg.KeepCompleted.none()), strconv.Itoa(len(t.done)))
	for _, job := range t.done {
		keys, args = append(keys, k.job(job.ID)), append(args, job.ID, job.token)
	}
	keys, args = k.jobs(keys, t.taken.ids...), append(append(args, t.taken.token), t.taken.ids...)

	read := make(rueidis.Commands, 0, len(t.taken.ids))
	for _, hash := range keys[10+len(t.done):] {
		read = append(read, p.q.client.B().Hmget().Key(hash).Field(jobFields[:]...).Build())
	}
	hashes, said := p.q.scripts.turn.execAfter(ctx, p.q.client, read, keys, args)
	says, err := said.ToArray()
	if err != nil {
		return answer{}, fmt.Errorf("turn: %w", err)
	}
	a := answer{token: t.taken.token, taken: taken{token: token}}
	if a.at, err = says[0].AsInt64(); err != nil {
		return answer{}, fmt.Errorf("turn: %w", err)
	}
	if a.paused, err = says[1].AsBool(); err != nil {
		return answer{}, fmt.Errorf("turn: %w", err)
	}
	if a.taken.ids, err = says[2].AsStrSlice(); err != nil {
		return answer{}, fmt.Errorf("turn: %w", err)
	}
	for i, hash := range hashes {
		ours, err := says[3+i].AsBool()
		if err = errors.Join(err, hash.Error()); err != nil {
			return answer{}, fmt.Errorf("turn: read job %s: %w", t.taken.ids[i], err)
		}
		if ours {
			a.begun = append(a.begun, begun{t.taken.ids[i], hash})
		}
	}
	return a, nil
}

// jobFields are what an attempt needs of a job's hash.
var jobFields = [...]string{"name", "data", "attemptsMade", "stalledCounter", "timestamp", "delay"}

// attempt makes an attempt of a job that begins at a time in ms.
func (p *Pool) attempt(b begun, token string, at int64) *Job {
	fields, _ := b.hash.ToArray()                                         // which was looked at before
	text := func(i int) string { s, _ := fields[i].ToString(); return s } // what is not there is ""
	num := func(i int) int64 { n, _ := fields[i].AsInt64(); return n }    // and 0
	job := &Job{
		ID: b.id, Name: text(0), Data: []byte(text(1)),
		Attempt: int(num(2)) + 1, MaxAttempts: p.q.cfg.MaxAttempts, Stalls: int(num(3)),
		token: token, pool: p,
	}
	if job.Attempt == 1 && job.Stalls == 0 {
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
