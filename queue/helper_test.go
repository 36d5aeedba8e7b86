package queue

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

// A helper is a process of its own with a pool in it, so that tests can kill
// and stop a worker as machines do: this test binary, started once more with
// its orders in the environment. It obeys lines on stdin and tells on stdout,
// in lines as well, what its pool does.
const helperEnv = "REVELA_QUEUE_HELPER"

// orders say how a helper works. The names of its jobs say what it does with
// them, see work.
type orders struct {
	Addr        string // of Redis, or of what stands before it
	DB          int
	Concurrency int
	Lease       time.Duration
	MaxStalls   int
	Procs       int // GOMAXPROCS; 0: what it is
}

func (o orders) config() Config {
	cfg := DefaultConfig()
	cfg.Concurrency, cfg.Lease, cfg.MaxStalls = o.Concurrency, o.Lease, o.MaxStalls
	cfg.Backoff, cfg.Jitter = 50*time.Millisecond, 0
	return cfg
}

// help is main of a helper.
func help() int {
	var o orders
	if err := json.Unmarshal([]byte(os.Getenv(helperEnv)), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{o.Addr}, SelectDB: o.DB, ForceSingleClient: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer client.Close()
	q, err := New(client, o.config(), false)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	h := &helping{ledger: ledger{client}}
	stop := func() {}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		switch lines.Text() {
		case "run": // a new pool
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			h.gate = make(chan struct{})
			p := NewPool(q, h, Hooks{})
			go func() { done <- p.Run(ctx, 20*time.Second) }()
			stop = func() { cancel(); h.say("stopped %v", <-done) }
		case "go": // jobs that are held may end
			close(h.gate)
		case "stop": // the pool, once its jobs have ended
			stop()
		}
	}
	return 0
}

// helping is the handler of a helper.
type helping struct {
	ledger   ledger
	gate     chan struct{}
	versions sync.Map   // of the ledger's records, as this process wrote them
	mu       sync.Mutex // of stdout
}

func (h *helping) say(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fmt.Printf(format+"\n", args...)
}

func (h *helping) Process(ctx context.Context, j *Job) error {
	switch j.Name {
	case "poison":
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		h.say("alive %v", err)
		select {}
	case "burn": // a busy loop that looks at no context
		var d time.Duration
		if err := json.Unmarshal(j.Data, &d); err != nil {
			return Permanent(err)
		}
		for begun := time.Now(); time.Since(begun) < d; {
		}
	case "hold", "hold-retry", "hold-fail", "hold-release":
		return h.hold(ctx, j)
	}
	h.say("done %s", j.ID)
	return nil
}

// Failed lets go of a held job only at the gate: what the pool does next is to
// tell the queue.
func (h *helping) Failed(_ context.Context, j *Job, _ Failure) error {
	if !strings.HasPrefix(j.Name, "hold") {
		return nil
	}
	<-h.gate
	return h.late(j, h.began(j.ID))
}

// hold begins the work and waits until it is let go, whatever becomes of its
// context. Then it does everything that an owner may do, and completes the job.
// The first runs of some jobs end otherwise, as their names say.
func (h *helping) hold(ctx context.Context, j *Job) error {
	seen, err := h.ledger.begin(ctx, j)
	if err != nil {
		return err
	}
	h.versions.Store(j.ID, seen)
	h.say("begun %s", j.ID)
	if j.Stalls == 0 {
		switch j.Name {
		case "hold-retry": // Failed waits
			return errors.New("late")
		case "hold-fail":
			return Permanent(errors.New("late"))
		case "hold-release":
			<-h.gate
			h.say("late %s at once", j.ID)
			return Postpone(errors.New("late"), 0)
		}
	}
	<-h.gate
	return h.late(j, seen)
}

func (h *helping) began(id string) int64 {
	seen, _ := h.versions.Load(id)
	return seen.(int64)
}

// late does what only the owner of a job may do, and tells what it could.
func (h *helping) late(j *Job, seen int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	committed, err := h.ledger.commit(ctx, j, seen)
	if err != nil {
		return err
	}
	extended, told := j.Extend(ctx), j.Progress(ctx, 99)
	h.say("late %s committed=%t extended=%t told=%t", j.ID, committed, !errors.Is(extended, ErrLeaseLost), !errors.Is(told, ErrLeaseLost))
	return nil
}

// ledger keeps the results of held jobs as tasks keep theirs: a record has a
// version, and each write is a compare-and-swap on it.
type ledger struct{ client rueidis.Client }

var swap = rueidis.NewLuaScript(`
if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[1] then return 0 end
redis.call('HINCRBY', KEYS[1], 'version', 1)
if ARGV[3] ~= '' then redis.call('HINCRBY', KEYS[1], 'commits', 1) end
redis.call('HSET', KEYS[1], 'token', ARGV[2], 'result', ARGV[3])
return 1`)

func (l ledger) key(id string) string { return "ledger:" + id }

// begin reads the record, then proves the lease, then writes, in the order of
// task.Processor, and returns the version that it wrote.
func (l ledger) begin(ctx context.Context, j *Job) (int64, error) {
	seen, err := l.client.Do(ctx, l.client.B().Hget().Key(l.key(j.ID)).Field("version").Build()).AsInt64()
	if err != nil && !rueidis.IsRedisNil(err) {
		return 0, err
	}
	if err := j.Extend(ctx); err != nil {
		return 0, err
	}
	ok, err := l.swap(ctx, j, seen, "")
	if err == nil && !ok {
		err = ErrLeaseLost
	}
	return seen + 1, err
}

func (l ledger) commit(ctx context.Context, j *Job, seen int64) (bool, error) {
	return l.swap(ctx, j, seen, "by "+j.Token())
}

func (l ledger) swap(ctx context.Context, j *Job, seen int64, result string) (bool, error) {
	return swap.Exec(ctx, l.client, []string{l.key(j.ID)}, []string{fmt.Sprint(seen), j.Token(), result}).AsBool()
}

// worker is a helper as its test sees it.
type worker struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin *os.File
	lines chan string   // closed when it has ended
	done  chan struct{} // closed when it has ended
}

// startWorker starts a helper; its pool runs at the order "run". It is killed
// with the test.
func startWorker(t *testing.T, o orders) *worker {
	t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &worker{t: t, cmd: exec.Command(os.Args[0]), lines: make(chan string, 10_000), done: make(chan struct{})}
	w.cmd.Env = append(os.Environ(), helperEnv+"="+string(b))
	if o.Procs > 0 {
		w.cmd.Env = append(w.cmd.Env, fmt.Sprint("GOMAXPROCS=", o.Procs))
	}
	w.cmd.Stderr = os.Stderr
	stdin, err := w.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	w.stdin = stdin.(*os.File)
	stdout, err := w.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(w.done)
		defer close(w.lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			w.lines <- s.Text()
		}
		_ = w.cmd.Wait() // how it ended is in ProcessState
	}()
	t.Cleanup(func() { w.kill() })
	return w
}

// order sends a line, also to a helper that is stopped in its tracks.
func (w *worker) order(line string) {
	w.t.Helper()
	if _, err := w.stdin.WriteString(line + "\n"); err != nil {
		w.t.Fatalf("order a helper to %s: %v", line, err)
	}
}

// kill is kill -9; it returns when the helper has ended.
func (w *worker) kill() {
	_ = w.cmd.Process.Kill() // it may have ended already
	<-w.done
}

func (w *worker) signal(s os.Signal) {
	w.t.Helper()
	if err := w.cmd.Process.Signal(s); err != nil {
		w.t.Fatal(err)
	}
}

// hear waits for n lines that begin with a word, each with another second word
// or none, and returns them.
func (w *worker) hear(n int, word string) map[string]string {
	w.t.Helper()
	heard := map[string]string{}
	deadline := time.After(30 * time.Second)
	for len(heard) < n {
		select {
		case line, ok := <-w.lines:
			if !ok {
				w.t.Fatalf("the helper ended after %d of %d %q", len(heard), n, word)
			}
			if fields := strings.Fields(line); fields[0] == word {
				heard[append(fields, "")[1]] = line
			}
		case <-deadline:
			w.t.Fatalf("heard %d of %d %q within 30 s", len(heard), n, word)
		}
	}
	return heard
}
