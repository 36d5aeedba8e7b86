package queue

// keys are the names of a queue's keys. They are made here and nowhere else.
type keys struct {
	waiting   string // list: ids, pushed left, taken right
	urgent    string // list: ids that overtake those in waiting
	solo      string // list: ids that run alone in their pool, see solo.go
	active    string // list: ids in work
	delayed   string // zset: ids by due time, ms
	completed string // zset: ids by end, ms
	failed    string // zset: ids by end, ms
	leases    string // zset: ids in work by the end of their lease, ms
	owners    string // hash: id in work -> token of the lease
	id        string // string: sequence number of the last job
	meta      string // hash: paused, epoch, removed, urgentInARow, completedTotal, failedTotal, stalledTotal
	events    string // stream: what happened
	audit     string // string: the pool that looked for jobs without a list lately
	control   string // Pub/Sub channel: see control.go
	prefix    string // of job hashes
}

// newKeys names the keys. On a cluster the name is a hash tag, which puts all
// keys of a queue into one slot.
func newKeys(prefix, name string, cluster bool) keys {
	if cluster {
		name = "{" + name + "}"
	}
	p := prefix + ":" + name + ":"
	return keys{
		waiting: p + "waiting", urgent: p + "urgent", solo: p + "solo", active: p + "active", delayed: p + "delayed",
		completed: p + "completed", failed: p + "failed",
		leases: p + "leases", owners: p + "owners",
		id: p + "id", meta: p + "meta", events: p + "events", audit: p + "audit",
		control: p + "control", prefix: p,
	}
}

// lists are where jobs wait, in the order in which they are taken.
func (k keys) lists() []string { return []string{k.solo, k.urgent, k.waiting} }

// job names the hash of one job.
func (k keys) job(id string) string { return k.prefix + id }

// jobs appends the hashes of ids to fixed.
func (k keys) jobs(fixed []string, ids ...string) []string {
	for _, id := range ids {
		fixed = append(fixed, k.job(id))
	}
	return fixed
}
