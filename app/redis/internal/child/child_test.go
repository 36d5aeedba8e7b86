//go:build unix

package child

import (
	"bufio"
	"errors"
	"io/fs"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shell runs a script that says a line when it is ready.
func shell(t *testing.T, script string) *Process {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", script)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the script said nothing: %v", err)
	}
	return p
}

func TestStopLetsAChildEndItself(t *testing.T) {
	t.Parallel()
	p := shell(t, `trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done`)
	if err := p.Stop(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if exit, ok := errors.AsType[*exec.ExitError](p.Err()); !ok || exit.ExitCode() != 7 {
		t.Fatalf("Err = %v, want exit status 7", p.Err())
	}
	if err := p.Stop(time.Second); err != nil {
		t.Fatalf("Stop after the end: %v", err)
	}
}

func TestStopKillsAChildThatStays(t *testing.T) {
	t.Parallel()
	p := shell(t, `trap '' TERM; echo ready; while :; do sleep 0.01; done`)
	if err := p.Stop(50 * time.Millisecond); err == nil {
		t.Fatal("Stop says that the child ended by itself")
	}
	select {
	case <-p.Done():
	default:
		t.Fatal("Stop returned before the child had ended")
	}
}

func TestStartReportsAMissingProgram(t *testing.T) {
	t.Parallel()
	if _, err := Start(exec.Command("/nowhere/redis-server")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("err = %v", err)
	}
}
