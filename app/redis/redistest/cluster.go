package redistest

import (
	"strconv"
	"strings"
	"testing"

	"github.com/redis/rueidis"
)

const slots = 16384

// Nodes is a Redis Cluster.
type Nodes struct {
	URL      string // redis://first,second,…
	Masters  []*S   // in the order of their slots
	Replicas []*S   // the i-th copies the i-th master, round and round
}

// Cluster starts a cluster whose masters share the slots evenly, and returns
// when every node says that it is sound. args are for the servers, as with Server.
func Cluster(t testing.TB, masters, replicas int, args ...string) *Nodes {
	t.Helper()
	c := &Nodes{}
	var all []*S
	var addrs []string
	for i := range masters + replicas {
		s := Server(t, append([]string{
			"--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", strconv.Itoa(FreePort(t)),
		}, args...)...)
		all, addrs = append(all, s), append(addrs, s.Addr)
		if i < masters {
			c.Masters = append(c.Masters, s)
		} else {
			c.Replicas = append(c.Replicas, s)
		}
	}
	c.URL = "redis://" + strings.Join(addrs, ",")

	do := func(s *S, words ...string) string {
		t.Helper()
		node := s.Client(t)
		answer, err := node.Do(t.Context(), node.B().Arbitrary(words...).Build()).ToString()
		if err != nil && !rueidis.IsRedisNil(err) {
			t.Fatalf("redistest: %s: %v: %v", s.Addr, words, err)
		}
		return answer
	}
	_, firstPort, _ := strings.Cut(all[0].Addr, ":")
	firstBus := do(all[0], "CLUSTER", "NODES") // id host:port@bus …
	_, firstBus, _ = strings.Cut(firstBus, "@")
	firstBus, _, _ = strings.Cut(firstBus, " ")
	firstBus, _, _ = strings.Cut(firstBus, ",") // and a host name
	for i, s := range all {
		do(s, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		if i < masters {
			do(s, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slots/masters), strconv.Itoa((i+1)*slots/masters-1))
		}
		if i > 0 {
			do(s, "CLUSTER", "MEET", "127.0.0.1", firstPort, firstBus)
		}
	}
	for _, s := range all {
		await(t, s.Addr+" knows every node", func() bool {
			return strings.Contains(do(s, "CLUSTER", "INFO"), "cluster_known_nodes:"+strconv.Itoa(len(all))+"\r\n")
		})
	}
	for i, r := range c.Replicas {
		do(r, "CLUSTER", "REPLICATE", do(c.Masters[i%masters], "CLUSTER", "MYID"))
	}
	for _, r := range c.Replicas {
		awaitInfo(t, r, "replication", "master_link_status:up")
	}
	for _, s := range all {
		await(t, s.Addr+" finds the cluster sound", func() bool {
			return strings.Contains(do(s, "CLUSTER", "INFO"), "cluster_state:ok")
		})
	}
	return c
}

// Of returns the index of the master that has the slot of key, as the cluster
// was made.
func (c *Nodes) Of(t testing.TB, key string) (index int) {
	t.Helper()
	node := c.Masters[0].Client(t)
	slot, err := node.Do(t.Context(), node.B().ClusterKeyslot().Key(key).Build()).AsInt64()
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	for i := len(c.Masters) - 1; ; i-- {
		if int(slot) >= i*slots/len(c.Masters) {
			return i
		}
	}
}
