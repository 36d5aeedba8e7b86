package cache

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"revela/task"
)

// maxDebts bounds the invalidations that are remembered one by one.
const maxDebts = 1 << 16

// debts are the invalidations that Redis has not taken yet. What is owed is not
// read from Redis.
type debts struct {
	owed    atomic.Int64  // number of ids, to be read without the lock
	horizon time.Duration // after it an outdated entry has ended by itself

	mu       sync.Mutex
	seq      uint64
	ids      map[string]debt // by key
	lists    uint64          // seq of the last debt of the generation; 0 is none
	anything atomic.Bool     // ids, lists or blind is set, to be read without the lock
	blind    time.Time       // until then every task is owed: some were forgotten
	paying   bool
}

type debt struct {
	id  task.ID
	seq uint64
}

// due is what is to be delivered next.
type due struct {
	ids   map[task.ID]uint64
	lists uint64
}

func (d *debts) add(id task.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.anything.Store(true)
	d.seq++
	d.lists = d.seq
	key := taskKey(id)
	if _, ok := d.ids[key]; !ok && len(d.ids) >= maxDebts {
		d.blind = time.Now().Add(d.horizon)
		return
	}
	if d.ids == nil {
		d.ids = make(map[string]debt)
	}
	d.ids[key] = debt{task.ID(strings.Clone(string(id))), d.seq} // not the request that it is cut out of
	d.owed.Store(int64(len(d.ids)))
}

// addLists adds the debt of the generation alone.
func (d *debts) addLists() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.anything.Store(true)
	d.seq++
	d.lists = d.seq
}

// owes reports whether an entry must not be read from Redis.
func (d *debts) owes(key string, listed bool) bool {
	if !d.anything.Load() {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if listed {
		return d.lists != 0
	}
	if _, ok := d.ids[key]; ok {
		return true
	}
	if d.blind.IsZero() {
		return false
	}
	if time.Now().Before(d.blind) {
		return true
	}
	d.blind = time.Time{}
	d.settled()
	return false
}

// begin returns true to the one who is to pay.
func (d *debts) begin() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.paying {
		return false
	}
	d.paying = true
	return true
}

func (d *debts) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.paying = false
}

// next returns up to n debts; false if nothing is owed, which ends the paying.
func (d *debts) next(n int) (due, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.ids) == 0 && d.lists == 0 {
		d.paying = false
		return due{}, false
	}
	batch := due{ids: make(map[task.ID]uint64, min(n, len(d.ids))), lists: d.lists}
	for _, x := range d.ids {
		if len(batch.ids) == n {
			break
		}
		batch.ids[x.id] = x.seq
	}
	return batch, true
}

// paid strikes out what was delivered and has not been owed again since.
func (d *debts) paid(batch due) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, seq := range batch.ids {
		if key := taskKey(id); d.ids[key].seq == seq {
			delete(d.ids, key)
		}
	}
	if d.lists == batch.lists {
		d.lists = 0
	}
	d.owed.Store(int64(len(d.ids)))
	d.settled()
}

// settled notes that nothing is owed. The caller holds the lock.
func (d *debts) settled() {
	if len(d.ids) == 0 && d.lists == 0 && d.blind.IsZero() {
		d.anything.Store(false)
	}
}
