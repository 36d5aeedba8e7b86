package redis

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// owner is what the holder of the lock writes down for the other processes. It
// means something only while the lock is held; after a crash it is left behind.
type owner struct {
	pid       int
	socket    string // of its server, or
	inProcess bool   // it has none that others could use
}

const inProcessWord = "in-process"

func ownerFile(dir string) string { return filepath.Join(dir, "owner") }

func readOwner(dir string) (owner, error) {
	b, err := os.ReadFile(ownerFile(dir))
	if err != nil {
		return owner{}, err
	}
	pid, place, ok := strings.Cut(strings.TrimSuffix(string(b), "\n"), " ")
	if !ok {
		return owner{}, errors.New(ownerFile(dir) + " is not of the form: pid place")
	}
	o := owner{}
	if o.pid, err = strconv.Atoi(pid); err != nil {
		return owner{}, fmt.Errorf("%s: %w", ownerFile(dir), err)
	}
	if o.inProcess = place == inProcessWord; !o.inProcess {
		o.socket = place
	}
	return o, nil
}

// writeOwner replaces the file in one step, with this process's id.
func writeOwner(dir string, o owner) error {
	place := o.socket
	if o.inProcess {
		place = inProcessWord
	}
	next := ownerFile(dir) + ".next"
	if err := os.WriteFile(next, fmt.Appendf(nil, "%d %s\n", os.Getpid(), place), 0o600); err != nil {
		return err
	}
	return os.Rename(next, ownerFile(dir))
}

// removeOwner tidies up; a file that stays is taken for a crashed holder's.
func removeOwner(dir string) { _ = os.Remove(ownerFile(dir)) }
