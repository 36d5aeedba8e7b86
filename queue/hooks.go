package queue

import "time"

// Hooks tell the owner of a pool what happens in it. They are called from many
// goroutines and must return quickly. A nil one is not called.
type Hooks struct {
	Error     func(op string, err error)           // a step failed and is repeated
	Started   func(waited time.Duration)           // a job began for the first time, so long after it was added, its delay left out
	Ended     func(e Ended)                        // an attempt ended
	Recovered func(id string)                      // a lost worker's job was put back
	Repaired  func(r Repair, n int)                // n things were set right
	Swept     func(ok bool)                        // the sweeper looked, or could not
	Stuck     func(id string, after time.Duration) // a handler does not return after its context ended
	Lost      func()                               // Redis forgot what it held, or is another one
	Back      func()                               // Redis answers again; what it acknowledged last may be gone
}

// Ended is an attempt that is over.
type Ended struct {
	Outcome Outcome
	Attempt int           // the first is 1
	Ran     time.Duration // wall time in the handler
}

// Outcome is how an attempt ended.
type Outcome string

// The outcomes of an attempt.
const (
	Done     Outcome = "completed"
	Retried  Outcome = "retried"    // failed; there will be another
	GaveUp   Outcome = "failed"     // failed; there will be none
	Released Outcome = "released"   // handed back, and does not count
	Deprived Outcome = "lease_lost" // the job is another's now, or cancelled
)

// Repair is a kind of damage that a pool sets right.
type Repair string

// The kinds of damage.
const (
	Stalled   Repair = "stalled"   // a worker was lost in the middle of an attempt
	Unbegun   Repair = "unbegun"   // a job was taken, and its taker lost before it began
	Leaseless Repair = "leaseless" // an id in active had no lease
	Unlisted  Repair = "unlisted"  // a live lease was not in active
	Ghost     Repair = "ghost"     // a lease had no job any more
	Orphan    Repair = "orphan"    // a job was in no list
	Broken    Repair = "broken"    // a job's key held no job; it has failed
)

func (h Hooks) failed(op string, err error) {
	if h.Error != nil {
		h.Error(op, err)
	}
}

func (h Hooks) started(waited time.Duration) {
	if h.Started != nil {
		h.Started(waited)
	}
}

func (h Hooks) ended(job *Job, o Outcome) {
	if h.Ended != nil {
		h.Ended(Ended{Outcome: o, Attempt: job.Attempt, Ran: time.Since(job.began)})
	}
}

func (h Hooks) recovered(id string) {
	if h.Recovered != nil {
		h.Recovered(id)
	}
}

func (h Hooks) repaired(r Repair, n int) {
	if h.Repaired != nil && n > 0 {
		h.Repaired(r, n)
	}
}

func (h Hooks) swept(ok bool) {
	if h.Swept != nil {
		h.Swept(ok)
	}
}

func (h Hooks) stuck(id string, after time.Duration) {
	if h.Stuck != nil {
		h.Stuck(id, after)
	}
}

func (h Hooks) lost() {
	if h.Lost != nil {
		h.Lost()
	}
}

func (h Hooks) back() {
	if h.Back != nil {
		h.Back()
	}
}
