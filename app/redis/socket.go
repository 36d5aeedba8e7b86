package redis

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	socketName = "redis.sock"
	// maxSocketPath is what every system takes: Linux has room for 108 bytes with
	// the closing zero, macOS for 104.
	maxSocketPath = 103
	probeTimeout  = time.Second
	retireWithin  = 10 * time.Second
)

// socketPath is where the server on dir listens: in dir, or if that makes a path
// too long for a socket, in a folder for temporary files that only this user can
// enter.
func socketPath(dir string) (string, error) {
	if p := filepath.Join(dir, socketName); len(p) <= maxSocketPath {
		return p, nil
	}
	name := fmt.Sprintf("revela-%d-%x", os.Getuid(), sha256.Sum256([]byte(dir)))[:32]
	for _, tmp := range []string{os.TempDir(), "/tmp"} {
		private := filepath.Join(tmp, name)
		p := filepath.Join(private, socketName)
		if len(p) > maxSocketPath {
			continue
		}
		if err := privateDir(private); err != nil {
			return "", err
		}
		return p, nil
	}
	return "", fmt.Errorf("%s is too long a path for a socket; choose a shorter DATA_DIR", dir)
}

// privateDir makes sure that path is a folder which is ours alone. Its parent is
// open to everyone, so another user may have been there first.
func privateDir(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || !ownedByUs(info) {
		return fmt.Errorf("%s is not a folder that only this user can enter; remove it, or choose a shorter DATA_DIR", path)
	}
	return nil
}

type serverState int

const (
	absent  serverState = iota // nobody answers
	loading                    // it answers, but not yet with data
	serving
)

// probe asks the server on a unix socket for a sign of life.
func probe(socket string) serverState {
	line, err := ask(socket, "PING")
	switch {
	case err != nil:
		return absent
	case strings.HasPrefix(line, "-LOADING"):
		return loading
	default:
		return serving
	}
}

// retire ends a server that was left behind on the socket by a process that no
// longer exists, which happens where the kernel does not end it: two servers on
// one append-only file would ruin it. The lock must be held.
func retire(ctx context.Context, socket string) error {
	deadline := time.Now().Add(retireWithin)
	for {
		c, err := net.DialTimeout("unix", socket, probeTimeout)
		if err != nil {
			return nil // nobody listens
		}
		_ = c.Close()
		// NOSAVE only means no snapshot; the append-only file is synced. The
		// server closes the connection instead of answering.
		_, _ = ask(socket, "SHUTDOWN NOSAVE")
		if time.Now().After(deadline) {
			return fmt.Errorf("a server left behind on %s does not end", socket)
		}
		if err := wait(ctx, backoffStep); err != nil {
			return err
		}
	}
}

// ask sends one command without arguments that need quoting and returns the
// first line of the answer.
func ask(socket, command string) (string, error) {
	c, err := net.DialTimeout("unix", socket, probeTimeout)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(probeTimeout)); err != nil {
		return "", err
	}
	if _, err := c.Write([]byte(command + "\r\n")); err != nil {
		return "", err
	}
	return bufio.NewReader(c).ReadString('\n')
}
