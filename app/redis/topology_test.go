package redis

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"revela/app/redis/internal/child"
	"revela/app/redis/redistest"
)

func TestClusterIsRecognised(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t, "--cluster-enabled", "yes")
	admin := s.Client(t)
	if err := admin.Do(t.Context(), admin.B().Arbitrary("CLUSTER", "ADDSLOTSRANGE", "0", "16383").Build()).Error(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the cluster is ready", func() bool {
		return admin.Do(t.Context(), admin.B().Set().Key("ready").Value("1").Build()).Error() == nil
	})
	for _, url := range []string{"redis://" + s.Addr, "redis://" + s.Addr + "," + s.Addr} {
		c, _ := open(t, Config{URL: url})
		if !c.Cluster() {
			t.Errorf("%s is not taken for a cluster", url)
		}
		set(t, c, "k", url)
		if got := get(t, c, "k"); got != url {
			t.Errorf("k = %q", got)
		}
		if w := c.Warnings(t.Context()); len(w) != 1 || !strings.Contains(w[0], "append-only") {
			t.Errorf("warnings: %q", w)
		}
	}
}

func TestSentinelFindsTheMaster(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	host, port, _ := strings.Cut(s.Addr, ":")
	sentinel := redistest.FreePort(t)
	conf := filepath.Join(t.TempDir(), "sentinel.conf") // which it rewrites
	if err := os.WriteFile(conf, fmt.Appendf(nil, "port %d\nbind 127.0.0.1\nsentinel monitor main %s %s 1\n", sentinel, host, port), 0o600); err != nil {
		t.Fatal(err)
	}
	bin, err := findServer()
	if err != nil {
		t.Fatal(err)
	}
	proc, err := child.Start(exec.Command(bin, conf, "--sentinel"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proc.Kill)
	c, _ := open(t, Config{URL: fmt.Sprintf("redis-sentinel://127.0.0.1:%d/main/2", sentinel)})
	set(t, c, "k", "v")
	admin := s.Client(t, func(o *rueidis.ClientOption) { o.SelectDB = 2 })
	if v, err := admin.Do(t.Context(), admin.B().Get().Key("k").Build()).ToString(); err != nil || v != "v" {
		t.Fatalf("k on the master = %q, %v", v, err)
	}
	if want := "master main by sentinels"; !strings.Contains(c.Describe(), want) {
		t.Errorf("Describe = %q", c.Describe())
	}
}
