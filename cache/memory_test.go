//go:build !race

package cache_test

import (
	"context"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/redis/rueidis"

	"revela/cache"
	"revela/task"
)

// endless is a repository that has every task, each of about 2 kB.
type endless struct{ task.Reader }

func (endless) Get(_ context.Context, id task.ID) (task.Task, error) {
	t := sample()
	t.ID, t.Error = id, strings.Repeat("x", 1000)
	return t, nil
}

func init() { roles["hoarder"] = (*process).hoards }

// TestMemoryIsBounded lets a process read ever more tasks: what it keeps of them
// stops growing. The race detector would take five times as long.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	_, file := newStore(t)
	k := spawn(t, "hoarder", ownServer(t).socket(), file)
	var heaps []float64 // MB
	k.hear(t, &heaps)
	t.Logf("after 20,480 and 16,400 more tasks the heap is %.1f MB", heaps)
	// It remembers 8,192 to 16,384, each time as many at the same point.
	if most := heaps[0] + 8; heaps[1] > most {
		t.Errorf("the heap grows: %.1f MB", heaps)
	}
}

// hoards says how large the heap is after 20,480 tasks and after 16,400 more.
func (p *process) hoards() error {
	client, err := (&server{path: os.Getenv(childRedis)}).connect(0, rueidis.ClientOption{CacheSizeEachConn: 1 << 20})
	if err != nil {
		return err
	}
	defer client.Close()
	c, err := cache.New(client, endless{}, patient)
	if err != nil {
		return err
	}
	defer c.Close()
	var heaps []float64
	// It forgets every 8,192 tasks: both looks are half-way between, where a few tasks
	// more or less in one of its shards decide nothing.
	for _, each := range []int{512, 410} {
		var readers sync.WaitGroup
		for range 40 {
			readers.Go(func() {
				for range each {
					id := task.NewID()
					for range 2 { // filled, then copied and kept
						if _, err := c.Get(context.Background(), id); err != nil {
							panic(err) // ends the child
						}
					}
				}
			})
		}
		readers.Wait()
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		heaps = append(heaps, float64(m.HeapAlloc)/1e6)
	}
	return p.out.Encode(heaps)
}
