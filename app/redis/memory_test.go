package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

func openMemory(t *testing.T) *Conn {
	t.Helper()
	c, _ := open(t, Config{DataDir: dataDir(t), Embedded: EmbeddedProcess})
	return c
}

func TestInProcessDescribesItself(t *testing.T) {
	t.Parallel()
	c := openMemory(t)
	if c.Tracking() || c.Cluster() || !strings.HasPrefix(c.Describe(), "in-process (forgets on exit") {
		t.Errorf("Tracking = %t, Cluster = %t, Describe = %q", c.Tracking(), c.Cluster(), c.Describe())
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if w := c.Warnings(t.Context()); len(w) != 0 {
		t.Errorf("warnings: %q", w)
	}
}

// The kinds of commands that the queue, the cache and the events use, all at the
// same time, which is where miniredis and rueidis need their settings.
func TestInProcessDoesWhatWeNeed(t *testing.T) {
	t.Parallel()
	c := openMemory(t).Client()
	ctx := t.Context()
	var wg sync.WaitGroup

	received := make(chan string, 1)
	sub, unsubscribe := context.WithCancel(ctx)
	wg.Go(func() {
		_ = c.Receive(sub, c.B().Subscribe().Channel("events").Build(), func(m rueidis.PubSubMessage) { received <- m.Message })
	})
	eventually(t, "the subscriber is there", func() bool {
		n, err := c.Do(ctx, c.B().Publish().Channel("events").Message("hello").Build()).AsInt64()
		return err == nil && n == 1
	})
	if m := <-received; m != "hello" {
		t.Errorf("received %q", m)
	}

	moved := make(chan string, 1)
	wg.Go(func() {
		v, err := c.Do(ctx, c.B().Blmove().Source("waiting").Destination("active").Right().Left().Timeout(10).Build()).ToString()
		if err != nil {
			v = err.Error()
		}
		moved <- v
	})
	script := rueidis.NewLuaScript(`redis.call('LPUSH', KEYS[1], ARGV[1]); return redis.call('TIME')[1]`)
	for i := range 2 { // the second by its hash
		sec, err := script.Exec(ctx, c, []string{"other"}, []string{strconv.Itoa(i)}).AsInt64()
		if now := time.Now().Unix(); err != nil || sec < now-60 || sec > now+60 {
			t.Errorf("script: TIME = %d, %v", sec, err)
		}
	}
	if err := c.Do(ctx, c.B().Lpush().Key("waiting").Element("job").Build()).Error(); err != nil {
		t.Error(err)
	}
	if v := <-moved; v != "job" {
		t.Errorf("BLMOVE = %q", v)
	}

	for w := range 4 {
		wg.Go(func() {
			cmds := make([]rueidis.Completed, 1000)
			for i := range cmds {
				cmds[i] = c.B().Set().Key(fmt.Sprintf("k%d-%d", w, i)).Value(strings.Repeat("x", 500)).Build()
			}
			for _, r := range c.DoMulti(ctx, cmds...) {
				if err := r.Error(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	unsubscribe()
	wg.Wait()
	v, err := c.DoCache(ctx, c.B().Get().Key("k3-999").Cache(), time.Minute).ToString()
	if err != nil || len(v) != 500 {
		t.Errorf("k3-999 has %d bytes, %v", len(v), err)
	}
}

// Alone on a fresh connection, more is sent than any buffer holds before the
// first reply is read.
func TestInProcessTakesALargePipeline(t *testing.T) {
	t.Parallel()
	c := openMemory(t).Client()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmds := make([]rueidis.Completed, 1000)
	for i := range cmds {
		cmds[i] = c.B().Echo().Message(strings.Repeat("x", 4000)).Build()
	}
	for i, r := range c.DoMulti(ctx, cmds...) {
		if v, err := r.ToString(); err != nil || len(v) != 4000 {
			t.Fatalf("reply %d has %d bytes, %v", i, len(v), err)
		}
	}
}

func TestInProcessKeysExpire(t *testing.T) {
	t.Parallel()
	c := openMemory(t)
	began := time.Now()
	if err := c.Client().Do(t.Context(), c.Client().B().Set().Key("k").Value("v").Px(300*time.Millisecond).Build()).Error(); err != nil {
		t.Fatal(err)
	}
	if got := get(t, c, "k"); got != "v" && time.Since(began) < 200*time.Millisecond {
		t.Fatalf("k = %q at once", got)
	}
	eventually(t, "the key expired", func() bool { return get(t, c, "k") == "" })
	if took := time.Since(began); took < 300*time.Millisecond-clockTick {
		t.Errorf("expired after %s", took)
	}
}

func TestInProcessCannotBeShared(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	first := startHelper(t, dir, EmbeddedProcess)
	for _, mode := range []string{EmbeddedAuto, EmbeddedServer, EmbeddedProcess} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			err := openFails(t, Config{DataDir: dir, Embedded: mode}, 3*time.Second)
			for _, want := range []string{"process " + strconv.Itoa(first.Process.Pid), "install redis-server"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestInProcessNeedsTheDirectoryForItself(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	startHelper(t, dir, EmbeddedServer)
	err := openFails(t, Config{DataDir: dir, Embedded: EmbeddedProcess}, 3*time.Second)
	if !strings.Contains(err.Error(), "another process") || !strings.Contains(err.Error(), "DATA_DIR") {
		t.Errorf("%v", err)
	}
}
