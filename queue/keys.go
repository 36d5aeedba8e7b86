package queue

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

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

// job names the hash of one job. An id that names one of the queue's own keys,
// because somebody pushed it into a list, has no job: it gets the name of a key that
// nobody makes, for no id of a job has a colon. So no step can take the one for the
// other.
func (k keys) job(id string) string {
	if reserved[id] {
		return k.prefix + ":" + id
	}
	return k.prefix + id
}

// reserved are the names of the queue's own keys, without their prefix.
var reserved = map[string]bool{
	"waiting": true, "urgent": true, "solo": true, "active": true, "delayed": true,
	"completed": true, "failed": true, "leases": true, "owners": true, "id": true,
	"meta": true, "events": true, "audit": true, "control": true,
}

// maxID bounds a job's id, in bytes.
const maxID = 256

// CheckID reports whether a job may have this id: 1 to 256 bytes of UTF-8, without
// commas (which separate the ids of an event), colons (which separate the parts of a
// key) and control characters, and not the name of one of the queue's own keys. If
// not, the error is ErrInvalidID.
func CheckID(id string) error {
	var why string
	switch {
	case id == "" || len(id) > maxID:
		return fmt.Errorf("%w: one of %d bytes, where 1 to %d are expected", ErrInvalidID, len(id), maxID)
	case !utf8.ValidString(id):
		why = "is no UTF-8"
	case strings.ContainsAny(id, ",:") || strings.ContainsFunc(id, unicode.IsControl):
		why = "has a comma, a colon or a control character"
	case reserved[id]:
		why = "is the name of a key of the queue"
	default:
		return nil
	}
	return fmt.Errorf("%w: %q %s", ErrInvalidID, id, why)
}

// jobs appends the hashes of ids to fixed.
func (k keys) jobs(fixed []string, ids ...string) []string {
	for _, id := range ids {
		fixed = append(fixed, k.job(id))
	}
	return fixed
}
