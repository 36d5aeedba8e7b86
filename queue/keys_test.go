package queue_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"revela/app/redis"
	"revela/app/redis/redistest"
	"revela/queue"
)

// On a cluster, and for a user who may touch certain keys only, a script must
// name beforehand what it touches. MONITOR shows what each of them does.
func TestEveryScriptDeclaresItsKeys(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	seen := monitor(t, s)
	lifeCycle(t, redis.Config{URL: s.URL})
	recovery(t, s)
	_, q := open(t, redis.Config{URL: s.URL}, settings())
	if err := q.Check(t.Context()); err != nil {
		t.Error(err)
	}
	lines := seen()

	names := map[string]string{} // of scripts, by what EVALSHA calls them
	files, err := os.ReadDir("lua")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".lua")
		if name != "prelude" {
			sum := sha1.Sum([]byte(queue.ScriptText(name)))
			names[hex.EncodeToString(sum[:])] = name
		}
	}
	admin := s.Client(t)
	known := q.Commands()
	for _, connecting := range []string{"HELLO", "CLIENT", "CLUSTER"} {
		known[connecting] = true
	}
	known["DEL"], known["LMOVE"] = true, true // given by recovery
	running, declared := "", []string(nil)
	done := map[string]bool{}
	for _, line := range lines {
		if !known[line.words[0]] {
			t.Errorf("Check does not ask for %s", line.words[0])
			known[line.words[0]] = true
		}
		switch words := line.words; {
		case !line.lua && (words[0] == "EVALSHA" || words[0] == "EVAL"):
			running = names[words[1]]
			if words[0] == "EVAL" {
				sum := sha1.Sum([]byte(words[1]))
				running = names[hex.EncodeToString(sum[:])]
			}
			n, err := strconv.Atoi(words[2])
			if err != nil || running == "" {
				t.Fatalf("a script that is in no file: %.200v (%v)", words, err)
			}
			declared = words[3 : 3+n]
			done[running] = true
		case line.lua:
			for _, key := range touched(t, admin, words) {
				if !slices.Contains(declared, key) {
					t.Errorf("%s touches %s by %v, but declares only %v", running, key, words, declared)
				}
			}
		}
	}
	for _, name := range names {
		if !done[name] {
			t.Errorf("nothing here ran %s.lua; let lifeCycle or recovery do so", name)
		}
	}
}

// recovery has a job recovered whose pop was cut off, and one restored.
func recovery(t *testing.T, s *redistest.S) {
	t.Helper()
	qc := settings()
	qc.Name, qc.Lease = "recovery", 500*time.Millisecond
	_, q := open(t, redis.Config{URL: s.URL}, qc)
	if _, err := q.Add(t.Context(), queue.Spec{ID: "stranded"}, queue.Spec{ID: "listless"}); err != nil {
		t.Fatal(err)
	}
	admin := s.Client(t)
	do(t, admin, "LMOVE", "bull:recovery:waiting", "bull:recovery:active", "RIGHT", "LEFT")
	do(t, admin, "DEL", "bull:recovery:waiting")
	if was, err := q.Restore(t.Context(), "listless"); err != nil || was != 1 {
		t.Errorf("restore: %d, %v", was, err)
	}
	serve(t, q, &hand{process: func(context.Context, *queue.Job) error { return nil }})
	eventually(t, "both ended", func() bool {
		got, err := q.Stats(t.Context())
		return err == nil && got == queue.Stats{CompletedTotal: 2}
	})
}

// touched asks the server which of a command's words are keys.
func touched(t *testing.T, c rueidis.Client, words []string) []string {
	t.Helper()
	if len(words) == 1 {
		return nil // TIME, of which the server does not even want to be asked
	}
	keys, err := c.Do(t.Context(), c.B().Arbitrary(append([]string{"COMMAND", "GETKEYS"}, words...)...).Build()).AsStrSlice()
	if err != nil {
		if strings.Contains(err.Error(), "no key arguments") {
			return nil
		}
		t.Fatalf("%v: %v", words, err)
	}
	return keys
}

// monitored is a command that a server carried out.
type monitored struct {
	lua   bool
	words []string // the first in capitals
}

// monitor listens to all that a server does until the returned function is
// called, which tells it.
func monitor(t *testing.T, s *redistest.S) func() []monitored {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	if _, err := conn.Write([]byte("MONITOR\r\n")); err != nil {
		t.Fatal(err)
	}
	if line, err := in.ReadString('\n'); err != nil || line != "+OK\r\n" {
		t.Fatalf("MONITOR: %q, %v", line, err)
	}
	const last = "that is all"
	var all []monitored
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return // closed below
			}
			head, rest, _ := strings.Cut(strings.TrimSpace(line), "] ")
			m := monitored{lua: strings.HasSuffix(head, " lua")}
			for rest != "" {
				word, err := strconv.QuotedPrefix(rest)
				if err != nil {
					t.Errorf("MONITOR says %q: %v", line, err)
					return
				}
				rest = strings.TrimPrefix(rest[len(word):], " ")
				if word, err = strconv.Unquote(word); err != nil {
					t.Errorf("MONITOR says %q: %v", line, err)
					return
				}
				m.words = append(m.words, word)
			}
			if slices.Equal(m.words, []string{"ECHO", last}) {
				return
			}
			m.words[0] = strings.ToUpper(m.words[0])
			all = append(all, m)
		}
	})
	t.Cleanup(func() { _ = conn.Close(); reading.Wait() })
	return func() []monitored {
		do(t, s.Client(t), "ECHO", last)
		reading.Wait()
		return all
	}
}
