package cli_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"go.uber.org/goleak"

	"revela/app/cli"
)

// TestMain makes this test binary the program "app" of the scripts, and fails
// when a goroutine outlives the tests.
func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){
		"app": func() {
			os.Exit(cli.Main(context.Background(), newRoot(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

type leakChecked struct{ m *testing.M }

func (l leakChecked) Run() int {
	status := l.m.Run()
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

// newRoot is the program with commands that only load their configuration in
// the place of those that run it.
func newRoot() *cobra.Command {
	run := func(use, short string) *cobra.Command {
		c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
		load := cli.Configured(c, "server.host", "server.port", "queue.concurrency", "data.dir")
		c.RunE = func(c *cobra.Command, _ []string) error {
			cfg, err := load()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s:%d with %d workers\n", cfg.Server.Host, cfg.Server.Port, cfg.Queue.Workers())
			return err
		}
		return c
	}
	return cli.Root(run("serve", "Serve HTTP and work on jobs"), run("worker", "Work on jobs only"))
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			server := startAPI(t)
			e.Setenv("API", server.URL)
			e.Setenv("GORACE", "atexit_sleep_ms=0") // each command would end a second late
			e.Setenv("DEAD", deadURL(t))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status},
	})
}

// status runs a command and holds it to its exit status: status 2 app what.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command [args]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			ts.Fatalf("%v", err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, expected %d", got, want)
	}
}
