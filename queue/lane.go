package queue

import (
	"context"
	"runtime"
	"time"

	"github.com/redis/rueidis"
)

// blockTime is how long an idle pool's BLMOVE waits at the server, in seconds;
// it bounds how long a pool takes to notice that it should stop.
const blockTime = 1

// pausePoll is how often a paused pool looks whether it was resumed, should
// the message get lost.
const pausePoll = 500 * time.Millisecond

// lane is a share of a pool's slots, and takes turns with Redis for them. While a
// turn is under way handlers work, and what they finish goes with the next: the
// busier a lane, the more jobs share a turn, and a lone job waits for nothing.
type lane struct {
	*Pool
	slots    int
	free     int           // slots in which nobody works and for which nothing was taken
	next     turn          // what is to be told and asked
	secluded taken         // a job that waits to be alone
	state    hunger        // whether there is any use in asking for jobs
	ends     chan end      // from workers, who never wait for it
	arrived  chan string   // from listen, when listening
	refusals int           // of BLMOVE, in a row; listen's
	woken    chan struct{} // from control and solo
}

// laneSize is how many slots make a second lane worth while.
const laneSize = 16

// newLanes shares p's slots out. Of two lanes one is with Redis while this process
// is with the other, so that a busy pool keeps both busy.
func newLanes(p *Pool, slots int) []*lane {
	n := min(2, max(1, slots/laneSize))
	lanes := make([]*lane, n)
	for i := range lanes {
		share := (slots + i) / n
		lanes[i] = &lane{
			Pool: p, slots: share, free: share, ends: make(chan end, share),
			arrived: make(chan string, 1), woken: make(chan struct{}, 1),
		}
	}
	return lanes
}

// hunger is whether a turn asks for jobs.
type hunger int

const (
	hungry    hunger = iota // there may be some
	listening               // there were none; BLMOVE waits for one
	paused                  // none are handed out
	sated                   // the pool stops: none are wanted any more
)

// run is the loop that takes jobs, begins and completes them. It never takes more
// than there are free slots. When stop ends it takes no more, and it returns when
// all that it took has ended; at the latest when life ends.
func (l *lane) run(stop, life context.Context) {
	defer l.deafen()
	for failures := 0; l.gather(stop, life); {
		a, err := l.exchange(life, l.next)
		if err == nil {
			failures = 0
			l.heed(stop, life, a)
			continue
		}
		failures++
		l.report("take, begin and complete jobs", err)
		l.unask()
		if len(l.next.taken.ids) > 0 && time.Since(l.next.taken.at) > l.q.cfg.Lease || stop.Err() != nil {
			l.miss(l.next.taken) // what was taken is for others to begin
			l.next.taken = taken{}
			if l.next.moved != "" {
				l.next.moved = ""
				l.missed(1)
			}
		}
		if !sleep(life, reconnectDelay(failures)) {
			return
		}
	}
}

// gather waits until there is something to tell Redis or to ask for, and collects
// all there is. It reports false when nothing is to come any more.
func (l *lane) gather(stop, life context.Context) bool {
	for life.Err() == nil {
		for range 2 { // jobs that begin get to start, and short ones to end: the turn is larger
			runtime.Gosched()
		}
		l.collect()
		if stop.Err() != nil && l.state != listening {
			l.state = sated
		}
		if len(l.secluded.ids) > 0 && len(l.next.taken.ids) == 0 && l.alone() {
			l.next.taken, l.secluded = l.secluded, taken{}
			l.next.taken.at = time.Now()
		}
		l.want()
		if len(l.next.done) > 0 || len(l.next.taken.ids) > 0 || l.next.want > 0 {
			return true
		}
		if l.state == sated && l.free == l.slots {
			return false
		}
		l.wait(stop, life)
	}
	return false
}

// want decides how many jobs the next turn asks for.
func (l *lane) want() {
	l.next.want, l.next.solo = 0, false
	if l.next.moved != "" { // ours already, even if the pool stops; it was asked for when listening began
		l.next.want = 1
	}
	if more := min(l.free, turnSize) - l.next.want; l.state == hungry && more > 0 && l.ask(more) {
		l.next.want += more
		l.next.solo = l == l.lanes[0]
	}
}

// unask takes back what want asked for.
func (l *lane) unask() {
	asked := l.next.want
	if l.next.moved != "" {
		asked--
	}
	l.missed(asked)
}

// miss gives up jobs that were taken and do not begin.
func (l *lane) miss(t taken) {
	if len(t.ids) == 0 {
		return
	}
	l.free += len(t.ids)
	l.missed(len(t.ids))
	if t.solo {
		l.drop(l.asJob(t))
	}
}

// collect frees the slots of jobs that have ended and notes those that are done.
func (l *lane) collect() {
	for len(l.next.done) < turnSize {
		select {
		case e := <-l.ends:
			l.ended(e)
		default:
			return
		}
	}
}

func (l *lane) ended(e end) {
	l.free++
	if e.done {
		l.next.done = append(l.next.done, e.job)
	}
}

// wait waits for whatever may change what gather finds.
func (l *lane) wait(stop, life context.Context) {
	stopping := stop.Done()
	if l.state == listening || l.state == sated { // not before BLMOVE has returned, or known already
		stopping = nil
	}
	var poll <-chan time.Time
	if l.state == paused {
		poll = time.After(pausePoll)
	}
	select {
	case <-life.Done():
	case <-stopping:
	case e := <-l.ends:
		l.ended(e)
	case l.next.moved = <-l.arrived:
		l.state = hungry
		if l.next.moved == "" {
			l.missed(1)
		}
	case <-l.woken:
		if l.state == paused {
			l.state = hungry
		}
	case <-poll:
		l.state = hungry
	}
}

// heed goes by what Redis said to the turn. The jobs that begin are started
// beside the next turn.
func (l *lane) heed(stop, life context.Context, a answer) {
	last := l.next
	for _, job := range last.done {
		l.drop(job)
	}
	if len(last.done) > 0 && l.q.cfg.KeepCompleted.Count > 0 {
		nudge(l.trims)
	}
	l.hooks.repaired(Broken, a.broken)
	if len(a.begun) > 0 {
		go func() {
			for _, b := range a.begun {
				l.start(life, l.attempt(b, a.token, a.at))
			}
		}()
	}
	came := len(a.taken.ids) + len(a.solo.ids)
	l.free -= came
	if len(a.solo.ids) > 0 {
		l.secluded = a.solo
		l.seclude(l.asJob(a.solo))
	}
	l.missed(last.want - came)
	last.taken.ids = last.taken.ids[len(a.begun):] // as many as do not begin
	if len(last.taken.ids) > 0 {
		nudge(l.gone) // they may be ids of removed jobs, with more behind them
	}
	l.miss(last.taken)
	l.next = turn{taken: a.taken}
	switch {
	case last.want == 0 || stop.Err() != nil: // nothing was learned, or is of use
	case a.paused:
		l.state = paused
	case came == 0 && l.ask(1):
		l.state = listening
		go l.listen(life)
	}
}

// listen waits for one id and moves it to active, or "" when there was none. The
// server ends the wait. The deadline here only notices a connection that died
// without a word; an id that it may leave in active is the sweeper's.
func (l *lane) listen(life context.Context) {
	ctx, cancel := context.WithTimeout(life, blockTime*time.Second+stepTimeout)
	defer cancel()
	k := l.q.keys
	id, err := l.q.client.Do(ctx, l.q.client.B().Blmove().Source(k.waiting).Destination(k.active).
		Right().Left().Timeout(blockTime).Build()).ToString()
	if err == nil || rueidis.IsRedisNil(err) {
		l.refusals = 0
	} else {
		l.refusals++
		l.report("wait for jobs", err)
		sleep(life, reconnectDelay(l.refusals))
	}
	l.arrived <- id
}

// deafen waits for listen to return.
func (l *lane) deafen() {
	if l.state == listening {
		<-l.arrived
	}
}
