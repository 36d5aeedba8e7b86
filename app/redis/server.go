package redis

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"

	"revela/app/redis/internal/child"
)

const (
	// answerWithin is how long a server may take before it answers at all; it
	// answers while it loads its data, which may take longer.
	answerWithin = 10 * time.Second
	probeEvery   = 3 * time.Millisecond
	// stopGrace is for writing the last of the append-only file to a busy disk.
	stopGrace = 10 * time.Second
)

var (
	errNoServer = errors.New("neither redis-server nor valkey-server is on the PATH; install one " +
		"(Debian: apt-get install redis-server), or point REDIS_URL at a server")
	errBrokenLog = errors.New("its append-only file is broken")
)

// findServer returns the path of a server program.
func findServer() (string, error) {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoServer
}

// server is a server program run as a child.
type server struct {
	proc  *child.Process
	began time.Time
}

// serverArgs: no TCP port; only this user's processes may open the socket. Every
// change goes to the append-only file, which the kernel has at once and the disk
// within a second: a kill of the server loses next to nothing, a power cut up to
// a second of queue changes, which the task records make good. Syncing each
// change would cost four fifths of the throughput. A log cut short by a crash is
// read up to the cut. Memory is not limited and nothing is evicted, for the
// waiting list is one key.
func serverArgs(dir, socket string) []string {
	return []string{
		"--port", "0", "--unixsocket", socket, "--unixsocketperm", "700",
		"--dir", dir, "--daemonize", "no", "--logfile", "",
		"--databases", fmt.Sprint(embeddedDatabases),
		"--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--aof-load-truncated", "yes",
		"--maxmemory", "0", "--maxmemory-policy", "noeviction",
	}
}

// startServer returns when the server has loaded its data and answers. ctx is
// for starting only. errBrokenLog means that it cannot read its data.
func startServer(ctx context.Context, bin, dir, socket string, log *zap.Logger) (*server, error) {
	out := &lineLog{log: log.Named("redis-server")}
	cmd := exec.Command(bin, serverArgs(dir, socket)...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = out, out
	proc, err := child.Start(cmd)
	if err != nil {
		return nil, err
	}
	if err := awaitServing(ctx, proc, socket); err != nil {
		proc.Kill()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		last := out.last()
		if strings.Contains(last, "Bad file format reading the append only file") || strings.Contains(last, "RDB preamble") {
			err = errBrokenLog
		}
		return nil, fmt.Errorf("%s: %w; its last words: %s", filepath.Base(bin), err, last)
	}
	return &server{proc: proc, began: time.Now()}, nil
}

func awaitServing(ctx context.Context, proc *child.Process, socket string) error {
	silentSince := time.Now()
	for {
		switch probe(socket) {
		case serving:
			return nil
		case loading:
			silentSince = time.Now()
		case absent:
			if time.Since(silentSince) > answerWithin {
				return fmt.Errorf("no answer for %s", answerWithin)
			}
		}
		select {
		case <-proc.Done():
			return fmt.Errorf("ended at once (%w)", proc.Err())
		default:
		}
		if err := wait(ctx, probeEvery); err != nil {
			return err
		}
	}
}

func (s *server) pid() int               { return s.proc.Pid() }
func (s *server) age() time.Duration     { return time.Since(s.began) }
func (s *server) ended() <-chan struct{} { return s.proc.Done() }

// cause says how the server ended. Only after ended.
func (s *server) cause() error { return s.proc.Err() }

// stop lets the server write its data and end; SIGTERM is its SHUTDOWN.
func (s *server) stop() error {
	if err := s.proc.Stop(stopGrace); err != nil {
		return fmt.Errorf("the embedded redis %w", err)
	}
	return nil
}

// moveLogAside renames what the server could not read, so that nothing is
// deleted, and returns the new paths.
func moveLogAside(dir string) ([]string, error) {
	var moved []string
	stamp := time.Now().UTC().Format("20060102T150405.000")
	for _, name := range []string{"appendonlydir", "appendonly.aof"} { // since 7.0, before
		from := filepath.Join(dir, name)
		to := from + ".broken-" + stamp
		switch err := os.Rename(from, to); {
		case err == nil:
			moved = append(moved, to)
		case !errors.Is(err, os.ErrNotExist):
			return moved, err
		}
	}
	if moved == nil {
		return nil, errors.New("found no append-only file to move aside")
	}
	return moved, nil
}
