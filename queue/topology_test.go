package queue_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"revela/app/redis"
	"revela/app/redis/redistest"
)

func TestOnASingleServer(t *testing.T) {
	t.Parallel()
	lifeCycle(t, redis.Config{URL: redistest.Shared(t).URL})
}

func TestOverTLS(t *testing.T) {
	t.Parallel()
	url, trust := redistest.TLS(t)
	lifeCycle(t, redis.Config{URL: url, TLS: trust})
}

// The Sentinels make a replica the master while pools work. What the old master
// did not pass on is added again by the owner of the records.
func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	f := redistest.Sentinel(t, 2)
	r := newRig(t, redis.Config{URL: f.URL}, lossy)
	old := f.Master()
	old.Kill()
	eventually(t, "there is another master", func() bool { return f.Master() != old })
	r.finish(true)
	if r.returns.Load() == 0 {
		t.Error("no pool said that Redis is back, so nobody looks for what it lost")
	}
}

func TestOnACluster(t *testing.T) {
	t.Parallel()
	c := redistest.Cluster(t, 3, 0)
	lifeCycle(t, redis.Config{URL: c.URL})

	// All keys of a queue share a slot, and so a node.
	home := c.Of(t, "bull:{image-processing}:waiting")
	slots := map[int64]bool{}
	for i, s := range c.Masters {
		node := s.Client(t)
		keys, err := do(t, node, "KEYS", "*").AsStrSlice()
		if err != nil {
			t.Fatal(err)
		}
		if (len(keys) > 0) != (i == home) {
			t.Errorf("master %d of 3 has %d keys: %v; the queue's home is %d", i, len(keys), keys, home)
		}
		for _, key := range keys {
			if !strings.HasPrefix(key, "bull:{image-processing}:") {
				t.Errorf("key %s", key)
			}
			slot, err := node.Do(t.Context(), node.B().ClusterKeyslot().Key(key).Build()).AsInt64()
			if err != nil {
				t.Fatal(err)
			}
			slots[slot] = true
		}
	}
	if len(slots) != 1 {
		t.Errorf("the queue's keys are in %d slots", len(slots))
	}
}

// The master that has the queue dies; its replica takes its slots.
func TestClusterFailover(t *testing.T) {
	t.Parallel()
	c := redistest.Cluster(t, 3, 3)
	r := newRig(t, redis.Config{URL: c.URL}, lossy)
	home := c.Of(t, "bull:{image-processing}:waiting")
	c.Masters[home].Kill()
	heir := c.Replicas[home].Client(t)
	eventually(t, "its replica has taken over", func() bool {
		role, err := do(t, heir, "ROLE").ToArray()
		name, _ := role[0].ToString()
		return err == nil && name == "master"
	})
	r.finish(true)
	if r.returns.Load() == 0 {
		t.Error("no pool said that Redis is back, so nobody looks for what it lost")
	}
}

// The slot of the queue moves to another master while pools work.
func TestClusterMovesTheQueue(t *testing.T) {
	t.Parallel()
	c := redistest.Cluster(t, 3, 0)
	r := newRig(t, redis.Config{URL: c.URL})
	const key = "bull:{image-processing}:waiting"
	home := c.Of(t, key)
	from, to := c.Masters[home], c.Masters[(home+1)%3]
	src, dst := from.Client(t), to.Client(t)
	ask := func(node rueidis.Client, words ...string) string {
		t.Helper()
		s, err := do(t, node, words...).ToString()
		if err != nil {
			t.Fatalf("%v: %v", words, err)
		}
		return s
	}
	n, err := do(t, src, "CLUSTER", "KEYSLOT", key).AsInt64()
	if err != nil {
		t.Fatal(err)
	}
	slot := strconv.FormatInt(n, 10)
	srcID, dstID := ask(src, "CLUSTER", "MYID"), ask(dst, "CLUSTER", "MYID")
	do(t, dst, "CLUSTER", "SETSLOT", slot, "IMPORTING", srcID)
	do(t, src, "CLUSTER", "SETSLOT", slot, "MIGRATING", dstID)
	host, port, _ := strings.Cut(to.Addr, ":")
	eventually(t, "all keys have moved", func() bool {
		keys, err := do(t, src, "CLUSTER", "GETKEYSINSLOT", slot, "1000").AsStrSlice()
		if err != nil {
			t.Fatal(err)
		}
		if len(keys) > 0 {
			do(t, src, append([]string{"MIGRATE", host, port, "", "0", "5000", "REPLACE", "KEYS"}, keys...)...)
		}
		return len(keys) == 0
	})
	do(t, dst, "CLUSTER", "SETSLOT", slot, "NODE", dstID)
	do(t, src, "CLUSTER", "SETSLOT", slot, "NODE", dstID)
	r.finish(true)
}
