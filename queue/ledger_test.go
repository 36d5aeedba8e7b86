package queue_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

// ledger is what a store of records is to the queue: it knows which jobs were
// accepted, whose attempt at each is the newest, and lets only that one end it.
type ledger struct {
	mu   sync.Mutex
	jobs map[string]*entry
	ends int
	late []string // attempts that wanted to end a job that was no longer theirs
	idle []string // attempts at jobs that had ended
	more int      // of them, those at jobs that may have been added twice
}

type entry struct {
	accepted bool   // Add said so
	doubtful bool   // an Add failed that may have added it, so it may have been added twice
	owner    string // token of the newest attempt
	ends     int
}

func newLedger() *ledger { return &ledger{jobs: map[string]*entry{}} }

// job returns the entry of id; mu must be held.
func (l *ledger) job(id string) *entry {
	e := l.jobs[id]
	if e == nil { // taken by a worker before Add returned
		e = &entry{}
		l.jobs[id] = e
	}
	return e
}

func (l *ledger) accept(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.job(id).accepted = true
}

func (l *ledger) doubt(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.job(id).doubtful = true
}

// begin makes token the owner, unless the job has ended.
func (l *ledger) begin(id, token string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.job(id)
	if e.ends > 0 && e.owner != token {
		if e.doubtful {
			l.more++
		} else {
			l.idle = append(l.idle, id)
		}
		return false
	}
	e.owner = token
	return true
}

// owns says whether token is the newest attempt's.
func (l *ledger) owns(id, token string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.job(id).owner == token
}

// end ends the job if token still owns it.
func (l *ledger) end(id, token string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.job(id)
	if e.owner != token {
		l.late = append(l.late, id)
		return false
	}
	e.ends++
	l.ends++
	return true
}

// open returns the accepted jobs that have not ended.
func (l *ledger) open() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for id, e := range l.jobs {
		if e.accepted && e.ends == 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// ended is how many jobs have ended.
func (l *ledger) ended() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ends
}

// completions is how often the queue must have ended a job if it ended none twice.
func (l *ledger) completions() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ends + l.more
}

// verdict fails the test unless each accepted job ended exactly once, and, when
// nothing was lost, no job was run after its end.
func (l *ledger) verdict(t *testing.T, mayRunAgain bool) string {
	t.Helper()
	open := l.open()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(open) > 0 {
		t.Errorf("%d jobs were accepted and never ended: %.200v", len(open), open)
	}
	var twice []string
	for id, e := range l.jobs {
		if e.ends > 1 {
			twice = append(twice, id)
		}
	}
	if len(twice) > 0 {
		t.Errorf("%d jobs ended more than once: %.200v", len(twice), twice)
	}
	if len(l.idle) > 0 && !mayRunAgain {
		t.Errorf("%d jobs came again after their end, although nothing was lost: %.200v", len(l.idle), l.idle)
	}
	return fmt.Sprintf("%d jobs ended, %d came again after their end, %d were fenced off", l.ends, len(l.idle), len(l.late))
}
