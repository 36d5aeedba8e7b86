package mongo

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// ferretdb is the one server that the tests of this package share.
var ferretdb struct {
	once  sync.Once
	uri   string
	err   error
	close func()
}

// ferretURI starts the server with the first test that wants it. The go command
// builds it once and keeps it in its cache.
func ferretURI(t *testing.T) string {
	t.Helper()
	ferretdb.once.Do(func() { ferretdb.uri, ferretdb.close, ferretdb.err = startFerretDB() })
	if ferretdb.err != nil {
		t.Fatal(ferretdb.err)
	}
	return ferretdb.uri
}

// startFerretDB runs a server whose end is that of its standard input, so it
// ends with this process however that ends.
func startFerretDB() (uri string, stop func(), err error) {
	build := exec.Command("go", "-C", "ferretdb", "tool", "-n", "ferretdb")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // one build, whatever the tests are built with
	var problems strings.Builder
	build.Stderr = &problems
	binary, err := build.Output()
	if err != nil {
		return "", nil, fmt.Errorf("build ferretdb: %w\n%s", err, problems.String())
	}
	dir, err := os.MkdirTemp("", "revela-ferretdb-")
	if err != nil {
		return "", nil, err
	}
	server := exec.Command(strings.TrimSpace(string(binary)), "-dir", filepath.ToSlash(dir))
	server.Stderr = os.Stderr
	life, err := server.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, err := server.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := server.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		life.Close()
		late := time.AfterFunc(5*time.Second, func() { server.Process.Kill() })
		server.Wait()
		late.Stop()
		os.RemoveAll(dir)
	}
	uri, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("ferretdb has ended before it listened: %w", err)
	}
	return strings.TrimSpace(uri), stop, nil
}
