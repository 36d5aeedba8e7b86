package queue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"revela/app/redis"
	"revela/app/redis/redistest"
	"revela/queue"
)

// durable makes a server keep all that it acknowledged.
var durable = []string{"--appendonly", "yes", "--appendfsync", "always"}

func do(t *testing.T, c rueidis.Client, words ...string) rueidis.RedisResult {
	t.Helper()
	r := c.Do(t.Context(), c.B().Arbitrary(words...).Build())
	if err := r.Error(); err != nil && !rueidis.IsRedisNil(err) {
		t.Fatalf("%v: %v", words, err)
	}
	return r
}

// long is d, or a third of it for those in a hurry.
func long(d time.Duration) time.Duration {
	if testing.Short() {
		return d / 3
	}
	return d
}

// An outage that is longer than a blocked pop waits, with and without the data
// at its end (bullmq#4585, #2466; delayed jobs come due meanwhile, #1658).
func TestRedisIsKilledAndComesBack(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args   []string
		change []func(*rig, *queue.Config)
	}{
		"with its data":    {args: durable},
		"without its data": {change: []func(*rig, *queue.Config){lossy}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Server(t, tt.args...)
			r := newRig(t, redis.Config{URL: s.URL}, tt.change...)
			s.Kill()
			during(t, long(4*time.Second))
			s.Restart()
			r.finish(false)
			if lost := r.losses.Load() > 0; lost != r.lossy {
				t.Errorf("the pools noticed a loss: %t", lost)
			}
		})
	}
}

func TestFlushAllWhileWorking(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	r := newRig(t, redis.Config{URL: s.URL}, lossy)
	admin := s.Client(t)
	for range 3 {
		before := r.losses.Load()
		do(t, admin, "FLUSHALL")
		eventually(t, "the loss is noticed", func() bool { return r.losses.Load() > before })
		r.awaitProgress(20, "after FLUSHALL")
	}
	r.finish(true)
}

// The replica that takes over does not have the last of what the master
// acknowledged.
func TestFailoverLosesTheLastSecond(t *testing.T) {
	t.Parallel()
	master := redistest.Server(t)
	replica := replicaOf(t, master)
	way := redistest.NewProxy(t, master.Addr)
	r := newRig(t, redis.Config{URL: "redis://" + way.Addr}, lossy)
	do(t, replica.Client(t), "REPLICAOF", "NO", "ONE") // replication stops
	r.awaitProgress(100, "that the replica does not hear of")
	master.Kill()
	way.Target(replica.Addr)
	way.Cut()
	r.finish(true)
}

// The server that we talk to becomes a replica and then a master again.
func TestServerIsReadOnlyForAWhile(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	r := newRig(t, redis.Config{URL: s.URL})
	admin := s.Client(t)
	// Of a master that is not there, which takes none of its data.
	do(t, admin, "REPLICAOF", "127.0.0.1", strings.Split(nobody(t), ":")[1])
	// Connections to it are closed now and then, which may end one try.
	eventually(t, "Add says why it is refused", func() bool {
		_, err := r.q.Add(t.Context(), r.spec(99999))
		if err == nil {
			t.Fatal("a replica accepted a job")
		}
		return strings.Contains(err.Error(), "READONLY")
	})
	during(t, long(3*time.Second))
	do(t, admin, "REPLICAOF", "NO", "ONE")
	r.finish(false)
}

// A planned failover loses nothing, and the old master goes on as a replica.
func TestServerIsReadOnlyAndAnotherTakesOver(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]bool{"its connections end": true, "it lives on as a replica": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			master := redistest.Server(t)
			replica := replicaOf(t, master)
			way := redistest.NewProxy(t, master.Addr) // as an address that moves
			r := newRig(t, redis.Config{URL: "redis://" + way.Addr})
			do(t, master.Client(t), "FAILOVER")
			admin := replica.Client(t)
			eventually(t, "the replica is the master", func() bool {
				role, err := do(t, admin, "ROLE").ToArray()
				name, _ := role[0].ToString()
				return err == nil && name == "master"
			})
			during(t, time.Second) // of READONLY
			way.Target(replica.Addr)
			if cut {
				way.Cut()
			}
			r.finish(false)
		})
	}
}

// A server that reads much data answers LOADING meanwhile.
func TestRedisIsLoadingItsData(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t, append([]string{"--key-load-delay", "400"}, durable...)...) // µs for each entry
	filler := s.Client(t, func(o *rueidis.ClientOption) { o.SelectDB = 1 })
	var cmds rueidis.Commands
	for range 8000 {
		cmds = append(cmds, filler.B().Incr().Key("filler").Build())
	}
	for _, answer := range filler.DoMulti(t.Context(), cmds...) {
		if err := answer.Error(); err != nil {
			t.Fatal(err)
		}
	}
	r := newRig(t, redis.Config{URL: s.URL})
	began := time.Now()
	s.Restart() // returns when the data is there
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("loading took only %v", took)
	}
	r.finish(false)
}

func TestRedisIsSlow(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	way := redistest.NewProxy(t, s.Addr)
	r := newRig(t, redis.Config{URL: "redis://" + way.Addr})
	way.Delay(500 * time.Millisecond)
	during(t, long(3*time.Second))
	r.awaitProgress(10, "although each answer takes half a second")
	way.Delay(0)
	r.finish(false)
}

// The peer vanished without a word: nothing is closed, nothing arrives. The
// server meanwhile gives the dead client's blocked pop a job (redis#949).
func TestConnectionsAreHalfOpen(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	way := redistest.NewProxy(t, s.Addr)
	r := newRig(t, redis.Config{URL: "redis://" + way.Addr}, lease(2*time.Second))
	way.Forsake()
	// What a worker has acknowledged into the void comes again: its lease ends
	// before the silence is noticed.
	r.finish(true)
}

func TestClientsArePaused(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	r := newRig(t, redis.Config{URL: s.URL})
	do(t, s.Client(t), "CLIENT", "PAUSE", "3000", "ALL")
	during(t, 3*time.Second)
	r.finish(false)
}

// Longer than the lease, and than any client waits for an answer.
func TestRedisIsStopped(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	r := newRig(t, redis.Config{URL: s.URL})
	s.Freeze()
	during(t, long(12*time.Second))
	s.Thaw()
	r.finish(true)
}

// bullmq#4479: after its connections were reset a worker never took a job again.
func TestConnectionsAreResetAgainAndAgain(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	way := redistest.NewProxy(t, s.Addr)
	r := newRig(t, redis.Config{URL: "redis://" + way.Addr}, lease(2*time.Second))
	for range 10 {
		way.Cut()
		r.awaitProgress(5, "between two resets")
	}
	// An answer that was cut off may have been a claim's: its lease must end.
	r.finish(false)
}

func replicaOf(t *testing.T, master *redistest.S) *redistest.S {
	t.Helper()
	r := redistest.Server(t, "--replicaof", strings.Replace(master.Addr, ":", " ", 1))
	c := r.Client(t)
	eventually(t, "the replica is in step", func() bool {
		text, err := c.Do(t.Context(), c.B().Info().Section("replication").Build()).ToString()
		return err == nil && strings.Contains(text, "master_link_status:up")
	})
	return r
}

// nobody is an address where no one answers.
func nobody(t *testing.T) string {
	t.Helper()
	s := redistest.Server(t)
	s.Kill()
	return s.Addr
}
