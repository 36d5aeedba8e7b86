package cache_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"revela/cache"
	"revela/storage/sqlite"
	"revela/task"
)

// The environment of a child: this test binary as a process of its own, with a
// cache of its own in the Redis and over the SQLite file of the test.
const (
	childRole   = "REVELA_CACHE_ROLE"
	childRedis  = "REVELA_CACHE_REDIS" // a unix socket
	childFile   = "REVELA_CACHE_FILE"
	childLength = "REVELA_CACHE_FOR" // of a soak
)

// roles are what children do; they read words from in and say lines to out.
var roles = map[string]func(p *process) error{"reader": (*process).reads, "filler": (*process).fills, "soaker": (*process).soaks}

// process is what a child works with.
type process struct {
	cache *cache.Cache
	repo  *counted
	in    *bufio.Reader
	out   *json.Encoder
}

// counted counts reads of a repository by id, and holds them up if hold is set.
type counted struct {
	*sqlite.Store
	gets atomic.Int64
	hold func()
}

func (r *counted) Get(ctx context.Context, id task.ID) (task.Task, error) {
	r.gets.Add(1)
	if r.hold != nil {
		r.hold()
	}
	return r.Store.Get(ctx, id)
}

// child is the main function of a child.
func child() int {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context) error {
	store, err := sqlite.Open(ctx, os.Getenv(childFile))
	if err != nil {
		return err
	}
	defer store.Close()
	client, err := (&server{path: os.Getenv(childRedis)}).connect(0, rueidis.ClientOption{})
	if err != nil {
		return err
	}
	defer client.Close()
	p := &process{repo: &counted{Store: store}, in: bufio.NewReader(os.Stdin), out: json.NewEncoder(os.Stdout)}
	cfg := patient
	if os.Getenv(childRole) == "soaker" {
		cfg = cache.Config{}
	}
	if p.cache, err = cache.New(client, p.repo, cfg); err != nil {
		return err
	}
	defer p.cache.Close()
	return roles[os.Getenv(childRole)](p)
}

// word waits for the parent's next line.
func (p *process) word() (string, error) {
	line, err := p.in.ReadString('\n')
	return line[:max(0, len(line)-1)], err
}

// kid is a child as its parent sees it.
type kid struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

// spawn starts a child, which ends with the test at the latest.
func spawn(t *testing.T, role, socket, file string, env ...string) *kid {
	t.Helper()
	k := &kid{cmd: exec.Command(os.Args[0])}
	k.cmd.Env = append(append(os.Environ(), childRole+"="+role, childRedis+"="+socket, childFile+"="+file), env...)
	k.cmd.Stderr = os.Stderr
	var err error
	if k.in, err = k.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := k.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	k.out = json.NewDecoder(out)
	if err := k.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = k.cmd.Process.Kill() // it has mostly ended already
		_ = k.cmd.Wait()
	})
	return k
}

func (k *kid) tell(t *testing.T, word string) {
	t.Helper()
	if _, err := fmt.Fprintln(k.in, word); err != nil {
		t.Fatal(err)
	}
}

// hear reads what the child says next. The limit only ends a child that hangs: under
// the race detector and beside other packages some work for more than a minute.
func (k *kid) hear(t *testing.T, into any) {
	t.Helper()
	late := time.AfterFunc(5*time.Minute, func() { _ = k.cmd.Process.Kill() }) // ends the reading
	defer late.Stop()
	if err := k.out.Decode(into); err != nil {
		t.Fatalf("a child says nothing: %v", err)
	}
}
