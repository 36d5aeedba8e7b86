package queue_test

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"revela/app/redis"
	"revela/app/redis/redistest"
	"revela/queue"
)

// documentedUser is the user that docs/queue.md tells operators to make.
func documentedUser(t *testing.T) (words []string) {
	t.Helper()
	doc, err := os.ReadFile("../docs/queue.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```\n(ACL SETUSER .*?)```").FindSubmatch(doc)
	if found == nil {
		t.Fatal("docs/queue.md has no ACL SETUSER")
	}
	return strings.Fields(string(found[1]))
}

func TestAsTheDocumentedUser(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	admin := s.Client(t)
	do(t, admin, documentedUser(t)...)
	cfg := redis.Config{URL: "redis://revela:PASSWORD@" + s.Addr}
	conn, q := open(t, cfg, settings())
	if err := q.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if !conn.Tracking() {
		t.Error("no client-side caching")
	}
	if w := conn.Warnings(t.Context()); len(w) == 0 {
		t.Error("it is not warned of the missing append-only file")
	}
	lifeCycle(t, cfg)
	denied(t, admin)

	c := conn.Client()
	for _, words := range [][]string{
		{"GET", "other"}, {"SET", "other", "x"}, {"EVAL", "return redis.call('GET', 'other')", "0"},
		{"FLUSHALL"}, {"KEYS", "*"}, {"SCAN", "0"}, {"CONFIG", "GET", "*"}, {"SCRIPT", "FLUSH"},
		{"PUBLISH", "other", "x"}, {"SHUTDOWN"}, {"ACL", "LIST"}, {"CLIENT", "LIST"}, {"MONITOR"},
	} {
		if err := c.Do(t.Context(), c.B().Arbitrary(words...).Build()).Error(); err == nil {
			t.Errorf("%v is allowed", words)
		}
	}
}

// denied fails the test for everything that the server refused somebody.
func denied(t *testing.T, admin rueidis.Client) {
	t.Helper()
	entries, err := do(t, admin, "ACL", "LOG").ToArray()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		m, err := e.AsStrMap()
		t.Errorf("refused: %s %s in %s, %v", m["reason"], m["object"], m["context"], err)
	}
}

func TestAMissingRightIsNamed(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	admin := s.Client(t)
	for name, tt := range map[string]struct{ change, want []string }{
		"a command":         {[]string{"-xadd", "-zadd"}, []string{"XADD bull:image-processing:events", "ZADD bull:image-processing:delayed"}},
		"a key":             {[]string{"resetkeys", "~bull:image-processing:w*"}, []string{"LMOVE", "INCRBY bull:image-processing:id"}},
		"the channel":       {[]string{"resetchannels", "&task-events"}, []string{"SUBSCRIBE bull:image-processing:control", "PUBLISH"}},
		"scripts":           {[]string{"-evalsha", "-eval"}, []string{"evalsha"}},
		"every key":         {[]string{"resetkeys"}, []string{"HGETALL bull:image-processing:0"}},
		"writing":           {[]string{"resetkeys", "%R~bull:*"}, []string{"HSET bull:image-processing:owners", "LPUSH bull:image-processing:waiting"}},
		"nothing is absent": {nil, nil},
	} {
		user := strings.ReplaceAll(name, " ", "-")
		words := documentedUser(t)
		words[2] = user
		do(t, admin, append(words, tt.change...)...)
		_, q := open(t, redis.Config{URL: "redis://" + user + ":PASSWORD@" + s.Addr}, settings())
		err := q.Check(t.Context())
		if (err != nil) != (tt.want != nil) || err != nil && !errors.Is(err, queue.ErrForbidden) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", name, err, want)
			}
		}
	}
}
