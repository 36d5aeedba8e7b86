package cache_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"revela/cache"
	"revela/storage/sqlite"
	"revela/task"
)

var soakFor = flag.Duration("soak", 3*time.Second, "how long TestSoak lasts")

func newStore(t *testing.T) (s *sqlite.Store, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "tasks.db")
	s, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, file
}

func fresh() task.Task {
	now := task.Millis(time.Now())
	return task.Task{ID: task.NewID(), Status: task.Pending, CreatedAt: now, UpdatedAt: now}
}

// TestStampedeOfProcesses: in each of four processes 1,000 readers miss the same
// key at once; no process reads the repository more than once.
func TestStampedeOfProcesses(t *testing.T) {
	t.Parallel()
	redis := ownServer(t)
	store, file := newStore(t)
	var kids []*kid
	for range 4 {
		kids = append(kids, spawn(t, "reader", redis.socket(), file))
	}
	var ready string
	for _, k := range kids {
		k.hear(t, &ready)
	}
	for round := range 5 {
		x, err := store.Create(t.Context(), fresh())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range kids {
			k.tell(t, string(x.ID))
		}
		all := int64(0)
		for i, k := range kids {
			var n int64
			if k.hear(t, &n); n > 1 {
				t.Errorf("round %d: process %d read the repository %d times", round, i, n)
			}
			all += n
		}
		if all < 1 {
			t.Errorf("round %d: nobody read the repository", round)
		}
		t.Logf("round %d: %d reads of the repository for 4,000 misses", round, all)
	}
}

// reads answers each id with how often the repository was read for 1,000 readers.
func (p *process) reads() error {
	if err := p.out.Encode("ready"); err != nil {
		return err
	}
	for {
		id, err := p.word()
		if err != nil {
			return nil // the parent is done
		}
		before := p.repo.gets.Load()
		var readers sync.WaitGroup
		var failed atomic.Int64
		for range 1000 {
			readers.Go(func() {
				if _, err := p.cache.Get(context.Background(), task.ID(id)); err != nil {
					failed.Add(1)
				}
			})
		}
		readers.Wait()
		if n := failed.Load(); n > 0 {
			return fmt.Errorf("%d reads failed", n)
		}
		if err := p.out.Encode(p.repo.gets.Load() - before); err != nil {
			return err
		}
	}
}

// TestFillerIsKilled: a process dies between its claim and its fill. Others are
// held up for less than their budget, and the key is filled again when the claim
// has ended, 3 s later.
func TestFillerIsKilled(t *testing.T) {
	t.Parallel()
	redis := ownServer(t)
	store, file := newStore(t)
	x, err := store.Create(t.Context(), fresh())
	if err != nil {
		t.Fatal(err)
	}
	k := spawn(t, "filler", redis.socket(), file)
	k.tell(t, string(x.ID))
	var said string
	k.hear(t, &said) // it has claimed the key and reads
	if err := k.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c := newCache(t, redis.dial, store, cache.Config{})
	died := time.Now()
	for range 5 {
		quick(t, "a read while a dead process has the claim", func() { get(t, c, x.ID) })
	}
	eventually(t, "the key to be filled again", func() bool {
		get(t, c, x.ID)
		return c.Stats().Fills == 1
	})
	if took := time.Since(died); took > 3*time.Second+time.Second+slack {
		t.Errorf("the dead process' claim lived for %v", took)
	}
}

func (p *process) fills() error {
	id, err := p.word()
	if err != nil {
		return err
	}
	p.repo.hold = func() {
		_ = p.out.Encode("reading")
		_, _ = p.word() // which never comes
	}
	_, err = p.cache.Get(context.Background(), task.ID(id))
	return err
}

// tally is what a soaker has seen.
type tally struct {
	Reads, Writes, Hits int64
	Wrong               []string
}

// TestSoak lets four processes read and change the same tasks, while Redis loses
// its data and its connections. In the eyes of no process does a task go back:
// not in its version, and not out of an end. What a process has written it sees.
func TestSoak(t *testing.T) {
	t.Parallel()
	redis := ownServer(t)
	store, file := newStore(t)
	for range 12 {
		if _, err := store.Create(t.Context(), fresh()); err != nil {
			t.Fatal(err)
		}
	}
	var kids []*kid
	for range 4 {
		kids = append(kids, spawn(t, "soaker", redis.socket(), file, childLength+"="+soakFor.String()))
	}
	rdb := redis.client(t, 0)
	tick := time.NewTicker(150 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(*soakFor); time.Now().Before(end); <-tick.C {
		var words []string
		switch rand.IntN(4) {
		case 0:
			words = []string{"FLUSHALL"}
		case 1:
			words = []string{"CLIENT", "KILL", "TYPE", "normal"}
		case 2:
			words = []string{"DEL", "tasks:generation"}
		default:
			words = []string{"CLIENT", "PAUSE", "120", "ALL"}
		}
		_ = rdb.Do(t.Context(), rdb.B().Arbitrary(words...).Build()) // its connection may be cut by the one before
	}
	var all tally
	for i, k := range kids {
		var seen tally
		k.hear(t, &seen)
		for _, wrong := range seen.Wrong {
			t.Errorf("process %d: %s", i, wrong)
		}
		all.Reads, all.Writes, all.Hits = all.Reads+seen.Reads, all.Writes+seen.Writes, all.Hits+seen.Hits
	}
	t.Logf("%d reads, %d of them hits, and %d changes in four processes", all.Reads, all.Hits, all.Writes)
	if all.Hits == 0 || all.Writes == 0 {
		t.Error("the test has proved nothing")
	}
}

// soaks reads and writes for a while and says what it saw.
func (p *process) soaks() error {
	length, err := time.ParseDuration(os.Getenv(childLength))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	w := &witness{latest: make(map[task.ID]task.Task)}
	var work sync.WaitGroup
	for i := range 6 {
		work.Go(func() { paced(ctx, func() { w.read(p.cache, i%2 == 0) }) })
	}
	work.Go(func() { paced(ctx, func() { w.write(p) }) })
	work.Wait()
	// On a slow machine Redis may have been disturbed all the time. Now it is left alone.
	for end := time.Now().Add(time.Minute); p.cache.Stats().Hits == 0 && time.Now().Before(end); {
		w.read(p.cache, false)
	}
	w.Hits = p.cache.Stats().Hits
	return p.out.Encode(w.tally)
}

// paced repeats do: a hit never yields, and a few processes of them are enough
// to starve Redis.
func paced(ctx context.Context, do func()) {
	tick := time.NewTicker(300 * time.Microsecond)
	defer tick.Stop()
	for {
		do()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// witness remembers the latest version of each task that a process has seen.
// What a read returned counts only against what was seen before it began.
type witness struct {
	mu     sync.Mutex
	latest map[task.ID]task.Task
	tally
}

func (w *witness) read(c *cache.Cache, list bool) {
	before := w.before()
	var found []task.Task
	var err error
	if list || len(before) == 0 {
		found, err = c.List(context.Background(), task.Query{Limit: 20})
	} else {
		for id := range before { // any of them
			var t task.Task
			t, err = c.Get(context.Background(), id)
			found = []task.Task{t}
			break
		}
	}
	w.judge("read", before, found, err)
}

// write moves a task on, and looks at it as its own process must see it.
func (w *witness) write(p *process) {
	ctx := context.Background()
	for id, last := range w.before() { // any that is not finished
		if last.Status.Finished() {
			continue
		}
		t, err := p.repo.Store.Get(ctx, id)
		if err == nil {
			switch now := time.Now(); t.Status {
			case task.Pending:
				t, err = t.Begin("token", 1, 0, now)
			case task.Processing:
				t, err = t.Complete(nil, now)
			default:
				return
			}
		}
		if err == nil {
			t, err = p.repo.Update(ctx, t)
		}
		if errors.Is(err, task.ErrConflict) || errors.Is(err, task.ErrUnavailable) {
			return // another process was first, or the disk is busy with others
		}
		p.cache.Invalidate(ctx, id)
		before := w.before()
		if err == nil && before[id].Version < t.Version {
			before[id] = t
		}
		found, err2 := p.cache.Get(ctx, id)
		w.judge("its own write", before, []task.Task{found}, errors.Join(err, err2))
		if t.Status == task.Completed { // one more, so that there is always work
			if made, err := p.repo.Create(ctx, fresh()); err == nil {
				p.cache.Invalidate(ctx, made.ID)
			}
		}
		w.mu.Lock()
		w.Writes++
		w.mu.Unlock()
		return
	}
}

func (w *witness) before() map[task.ID]task.Task {
	w.mu.Lock()
	defer w.mu.Unlock()
	copied := make(map[task.ID]task.Task, len(w.latest))
	for id, t := range w.latest {
		copied[id] = t
	}
	return copied
}

func (w *witness) judge(what string, before map[task.ID]task.Task, found []task.Task, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Reads++
	if err != nil {
		w.Wrong = append(w.Wrong, fmt.Sprintf("%s: %v", what, err))
	}
	for _, t := range found {
		if old := before[t.ID]; t.Version < old.Version || old.Status.Finished() && t.Status != old.Status {
			w.Wrong = append(w.Wrong, fmt.Sprintf("%s: task %s is %s in version %d, after %s in %d", what, t.ID, t.Status, t.Version, old.Status, old.Version))
		}
		if t.Version > w.latest[t.ID].Version {
			w.latest[t.ID] = t
		}
	}
}
