package queue

// When a process dies, each job that it had may have been the cause, and each is
// charged with a lost worker. A job that may lose no other one therefore runs
// alone in its pool: should that end the process as well, it was its doing, and
// jobs that only were beside it have not been failed for it.
//
// The first lane takes such jobs, one at a time, and keeps its lease. While there
// is one nobody asks for others, and it begins when those that there are have
// ended, or were settled although their handlers do not return.

// ask makes room for n jobs, and reports false while one is to be alone. Each of
// them is either held in the end or missed.
func (p *Pool) ask(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.solo != "" {
		return false
	}
	p.coming += n
	return true
}

// missed notes that n jobs that were asked for do not come.
func (p *Pool) missed(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.coming -= n
	p.fewer()
}

// seclude holds a job that is to run alone until it begins, or turns out not to be
// ours to do and is dropped.
func (p *Pool) seclude(job *Job) {
	p.mu.Lock()
	p.solo = job.ID
	p.mu.Unlock()
	p.hold(job)
}

// asJob is a job that waits to be alone: no more than a lease to renew.
func (p *Pool) asJob(solo taken) *Job {
	return &Job{ID: solo.ids[0], token: solo.token, pool: p, end: func(error) {}}
}

// alone reports whether nobody is beside the secluded job, and makes room for its
// attempt.
func (p *Pool) alone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.coming > 0 || len(p.held) > 1 {
		return false
	}
	p.coming++
	return true
}

// fewer wakes the lanes when a job that is to be alone may begin, or has ended. The
// caller holds mu.
func (p *Pool) fewer() {
	if p.solo == "" {
		return
	}
	if p.held[p.solo] == nil {
		p.solo = ""
	}
	for _, l := range p.lanes {
		nudge(l.woken)
	}
}
