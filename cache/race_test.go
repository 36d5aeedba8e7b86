package cache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"revela/cache"
	"revela/task"
)

// TestNoStaleFill forces the classic order: a reader has read the old value, a
// writer commits and invalidates, then the reader stores. Nothing old may be
// left in Redis, whoever looks.
func TestNoStaleFill(t *testing.T) {
	t.Parallel()
	for name, writerReads := range map[string]bool{"reader and writer in one process": true, "in two": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dial := onRedis()
			x := sample()
			r := newRepo(x)
			reader, writer, third := newCache(t, dial, r, patient), newCache(t, dial, r, patient), newCache(t, dial.strict(), r, patient)
			if writerReads {
				reader = writer
			}
			const rounds = 5000 // of either sort
			for i := range rounds {
				what := i % 2
				r.bump(x.ID)
				writer.Invalidate(t.Context(), x.ID)

				g := r.hold()
				done := make(chan struct{})
				go func() {
					defer close(done)
					lookUntil(t, reader, x.ID, what, g.entered)
				}()
				<-g.entered
				want := r.bump(x.ID)
				writer.Invalidate(t.Context(), x.ID)
				close(g.release)
				<-done
				for who, c := range map[string]*cache.Cache{"writer": writer, "a process that keeps no copy": third} {
					if got := look(t, c, x.ID, what); got < want {
						t.Fatalf("round %d: %s sees version %d, want %d", i, who, got, want)
					}
				}
			}
			eventually(t, "the old fills to be refused", func() bool { return reader.Stats().Refused > 0 })
		})
	}
}

// TestRefusedFillsAreCounted: a task's fill that a change forestalls counts as
// refused, not as stored, and the next one is stored.
func TestRefusedFillsAreCounted(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		x := sample()
		r := newRepo(x)
		c := newCache(t, dial, r, patient)
		for i := range int64(3) {
			g := r.hold()
			done := make(chan struct{})
			go func() {
				defer close(done)
				lookUntil(t, c, x.ID, 0, g.entered)
			}()
			<-g.entered
			r.bump(x.ID)
			c.Invalidate(t.Context(), x.ID)
			close(g.release)
			<-done
			eventually(t, "the fill to be refused", func() bool { return c.Stats().Refused == i+1 })
			if n := c.Stats().Fills; n != i {
				t.Errorf("%d fills, want %d", n, i)
			}
			get(t, c, x.ID)
			filled(t, c, i+1)
			r.bump(x.ID)
			c.Invalidate(t.Context(), x.ID)
		}
	})
}

// look reads the task by one of three ways and returns its version; a count has
// none.
func look(t *testing.T, c *cache.Cache, id task.ID, what int) int64 {
	switch what {
	case 0:
		x, err := c.Get(context.WithoutCancel(t.Context()), id)
		if err != nil {
			t.Error(err)
		}
		return x.Version
	case 1:
		xs, err := c.List(context.WithoutCancel(t.Context()), task.Query{Limit: 10})
		if err != nil {
			t.Error(err)
		}
		for _, x := range xs {
			if x.ID == id {
				return x.Version
			}
		}
		t.Errorf("%s is not in the list of %d", id, len(xs))
		return 0
	}
	if _, err := c.Count(context.WithoutCancel(t.Context()), task.Filter{}); err != nil {
		t.Error(err)
	}
	return 0
}

// lookUntil reads again while the process still has a copy and reads nothing.
func lookUntil(t *testing.T, c *cache.Cache, id task.ID, what int, entered <-chan struct{}) {
	for {
		look(t, c, id, what)
		select {
		case <-entered:
			return
		default:
		}
	}
}

// TestStaleFillOfCounts is the same for totals.
func TestStaleFillOfCounts(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		r := newRepo()
		reader, writer, third := newCache(t, dial, r, patient), newCache(t, dial, r, patient), newCache(t, dial.strict(), r, patient)
		for i := range 300 {
			g := r.hold()
			done := make(chan struct{})
			go func() {
				defer close(done)
				lookUntil(t, reader, "", 2, g.entered)
			}()
			<-g.entered
			x := sample()
			r.put(x)
			writer.Invalidate(t.Context(), x.ID)
			close(g.release)
			<-done
			want := int64(i + 1)
			if a, b := count(t, writer), count(t, third); a != want || b != want {
				t.Fatalf("round %d: writer counts %d, a third process %d", i, a, b)
			}
			x = sample()
			r.put(x)
			writer.Invalidate(t.Context(), x.ID)
			r.remove(x.ID)
			writer.Invalidate(t.Context(), x.ID)
			// The reader has a copy again, and is told of the next change.
			eventually(t, "the reader to see the change", func() bool { return count(t, reader) == want })
			writer.Invalidate(t.Context(), x.ID)
		}
	})
}

// TestReadYourWrites writes and reads at once, while others keep every copy hot.
func TestReadYourWrites(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		x := sample()
		r := newRepo(x)
		mine, other := newCache(t, dial, r, patient), newCache(t, dial, r, patient)
		stop := make(chan struct{})
		var readers sync.WaitGroup
		for i := range 6 {
			c := []*cache.Cache{mine, other}[i%2]
			readers.Go(func() {
				tick := time.NewTicker(200 * time.Microsecond) // a local hit never yields
				defer tick.Stop()
				for {
					look(t, c, x.ID, i/2)
					select {
					case <-stop:
						return
					case <-tick.C:
					}
				}
			})
		}
		defer readers.Wait()
		defer close(stop)
		for i := range 200 {
			want := r.bump(x.ID)
			if i%10 == 0 {
				r.put(task.Task{ID: task.ID(fmt.Sprintf("%024x", i)), Version: 1, Status: task.Failed})
			}
			mine.Invalidate(t.Context(), x.ID)
			for j := range 3 { // each is the first to look now and then
				switch (i + j) % 3 {
				case 0:
					if got := get(t, mine, x.ID).Version; got < want {
						t.Fatalf("write %d: Get sees version %d, want %d", i, got, want)
					}
				case 1:
					for _, got := range list(t, mine) {
						if got.ID == x.ID && got.Version < want {
							t.Fatalf("write %d: List sees version %d, want %d", i, got.Version, want)
						}
					}
				case 2:
					if n := count(t, mine); n != int64(i/10)+2 {
						t.Fatalf("write %d: Count sees %d", i, n)
					}
				}
			}
		}
	})
}

// TestNeverBack watches a task that another process changes: by whichever way it
// is read, its version never falls, and it gets through soon.
func TestNeverBack(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		x := sample()
		r := newRepo(x)
		writer, watcher := newCache(t, dial, r, patient), newCache(t, dial, r, patient)
		var written, done atomic.Int64
		var watchers sync.WaitGroup
		for i := range 4 {
			watchers.Go(func() {
				var seen int64
				for j := i; seen < 400; j++ {
					if done.Load() != 0 && seen < written.Load() && time.Now().UnixNano() > done.Load() {
						t.Errorf("still version %d of %d", seen, written.Load())
						return
					}
					v := look(t, watcher, x.ID, j%2)
					if v < seen {
						t.Errorf("version %d after %d", v, seen)
						return
					}
					seen = v
				}
			})
		}
		for written.Load() < 400 {
			written.Store(r.bump(x.ID))
			writer.Invalidate(t.Context(), x.ID)
		}
		done.Store(time.Now().Add(10 * time.Second).UnixNano())
		watchers.Wait()
	})
}

// TestStampede lets 1,000 readers miss at once, in one process and in four.
func TestStampede(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		x := sample()
		var repos [4]*repo
		var caches [4]*cache.Cache
		for i := range caches {
			repos[i] = newRepo(x)
			caches[i] = newCache(t, dial, repos[i], patient)
		}
		var readers sync.WaitGroup
		start := make(chan struct{})
		for i := range 1000 {
			readers.Go(func() {
				<-start
				look(t, caches[i%4], x.ID, 0)
			})
		}
		close(start)
		readers.Wait()
		var all int64
		for i, r := range repos {
			if n := r.reads.Load(); n > 1 {
				t.Errorf("process %d read the repository %d times", i, n)
			}
			all += r.reads.Load()
		}
		if all < 1 || all > 4 {
			t.Errorf("%d reads in four processes", all)
		}
	})
}

// TestNobodyJoinsAFlightFromBefore: who reads after a change does not wait for what
// was read before it.
func TestNobodyJoinsAFlightFromBefore(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		x := sample()
		r := newRepo(x)
		c := newCache(t, dial, r, patient)
		for what := range 2 {
			g := r.hold()
			done := make(chan struct{})
			go func() {
				defer close(done)
				lookUntil(t, c, x.ID, what, g.entered)
			}()
			<-g.entered
			want := r.bump(x.ID)
			c.Invalidate(t.Context(), x.ID)
			if got := look(t, c, x.ID, what); got != want { // while the first is held
				t.Errorf("way %d: version %d, want %d", what, got, want)
			}
			close(g.release)
			<-done
		}
	})
}

// crowd is 1,000 readers of a task whose first read of the repository is held.
type crowd struct {
	repo    *repo
	cache   *cache.Cache
	held    *gate
	readers sync.WaitGroup
	oldest  atomic.Int64 // version that one of them got
}

func gather(t *testing.T, dial dialer, x task.Task, cfg cache.Config) *crowd {
	t.Helper()
	w := &crowd{repo: newRepo(x)}
	w.repo.lag = 20 * time.Millisecond // so that those who do not share a read are many
	w.cache = newCache(t, dial, w.repo, cfg)
	w.held = w.repo.hold()
	w.oldest.Store(1 << 62)
	var coming atomic.Int64
	for range 1000 {
		w.readers.Go(func() {
			coming.Add(1)
			v := look(t, w.cache, x.ID, 0)
			for old := w.oldest.Load(); v < old && !w.oldest.CompareAndSwap(old, v); old = w.oldest.Load() {
			}
		})
	}
	<-w.held.entered
	eventually(t, "all to come", func() bool { return coming.Load() == 1000 })
	return w
}

// proceed lets them all end. Those who come late may read one after the other.
func (w *crowd) proceed(t *testing.T) {
	t.Helper()
	before := w.repo.reads.Load()
	close(w.held.release)
	w.readers.Wait()
	if n := w.repo.reads.Load() - before; n > 20 {
		t.Errorf("%d reads of the repository", n)
	}
}

// TestStampedeAfterALateFlight: a flight turns out to have begun before something
// newer was seen. Its readers share the next one, and what is too old is not stored.
func TestStampedeAfterALateFlight(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		x := sample()
		w := gather(t, dial, x, patient)
		w.repo.bump(x.ID) // by another process, whose word does not get here
		if _, err := w.cache.List(t.Context(), task.Query{Limit: 7}); err != nil {
			t.Fatal(err)
		}
		w.proceed(t)
		if v := w.oldest.Load(); v != x.Version+1 {
			t.Errorf("a reader got version %d, want %d", v, x.Version+1)
		}
		if v := look(t, newCache(t, dial, w.repo, patient), x.ID, 0); v != x.Version+1 {
			t.Errorf("version %d was stored", v)
		}
	})
}

// TestStampedeWhileRedisHangs: readers who have waited for Redis as long as they may
// share the reads of the repository all the same.
func TestStampedeWhileRedisHangs(t *testing.T) {
	t.Parallel()
	s := ownServer(t)
	w := gather(t, s.dial, sample(), cache.Config{})
	s.signal(t, syscall.SIGSTOP)
	defer s.signal(t, syscall.SIGCONT)
	w.proceed(t)
}

// TestOthersWaitForTheFill checks that a second process does not read the
// repository while the first is at it.
func TestOthersWaitForTheFill(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		x := sample()
		r1, r2 := newRepo(x), newRepo(x)
		first, second := newCache(t, dial, r1, patient), newCache(t, dial, r2, patient)
		for what := range 2 {
			g := r1.hold()
			var both sync.WaitGroup
			both.Go(func() { look(t, first, x.ID, what) })
			<-g.entered
			both.Go(func() { look(t, second, x.ID, what) })
			eventually(t, "a wait", func() bool { return second.Stats().Waits == int64(what+1) })
			close(g.release)
			both.Wait()
		}
		if n := r2.reads.Load(); n != 0 {
			t.Errorf("the second process read the repository %d times", n)
		}
	})
}

// TestCancelledReader checks that a reader who goes away fails nobody else and
// leaves no claim behind.
func TestCancelledReader(t *testing.T) {
	everywhere(t, func(t *testing.T, dial dialer) {
		x := sample()
		r := newRepo(x)
		c := newCache(t, dial, r, patient)
		g := r.hold()
		ctx, cancel := context.WithCancel(t.Context())
		gone, stays := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := c.Get(ctx, x.ID)
			gone <- err
		}()
		<-g.entered
		go func() {
			_, err := c.Get(context.WithoutCancel(t.Context()), x.ID)
			stays <- err
		}()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("the one who went away got %v", err)
		}
		close(g.release)
		if err := <-stays; err != nil {
			t.Errorf("the one who stayed got %v", err)
		}
		filled(t, c, 1)
		if n := r.reads.Load(); n != 1 {
			t.Errorf("%d reads of the repository", n)
		}
	})
}

// TestFillerDies checks that a claim nobody settles holds readers up for less
// than the budget, and ends by itself.
func TestFillerDies(t *testing.T) {
	t.Parallel()
	dial := onRedis()
	x := sample()
	r := newRepo(x)
	rdb := dial(t)
	key := "task:" + string(x.ID)
	if err := rdb.Do(t.Context(), rdb.B().Set().Key(key).Value("4?somebody").PxMilliseconds(700).Build()).Error(); err != nil {
		t.Fatal(err)
	}
	c := newCache(t, dial, r, cache.Config{})
	for range 3 {
		start := time.Now()
		get(t, c, x.ID)
		if took := time.Since(start); took > 150*time.Millisecond {
			t.Errorf("a read took %v", took)
		}
	}
	eventually(t, "the claim to end and the key to be filled", func() bool {
		get(t, c, x.ID)
		return c.Stats().Fills == 1
	})
}

// TestPanicInRepository checks that it becomes an error for its readers, and
// leaves no claim behind.
func TestPanicInRepository(t *testing.T) {
	t.Parallel()
	dial := onRedis()
	x := sample()
	c := newCache(t, dial, panics{newRepo(x)}, patient)
	if _, err := c.Get(t.Context(), x.ID); err == nil {
		t.Error("no error")
	}
	rdb := dial(t)
	eventually(t, "the claim to be given up", func() bool {
		n, err := rdb.Do(t.Context(), rdb.B().Exists().Key("task:"+string(x.ID)).Build()).AsInt64()
		return err == nil && n == 0
	})
}

type panics struct{ task.Reader }

func (panics) Get(context.Context, task.ID) (task.Task, error) { panic("broken") }
