package redis

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// tcpUserTimeout bounds how long sent bytes may stay unacknowledged. Keep-alive
// does not run while there are any, and the kernel alone would try for a quarter
// of an hour; a blocking command has no deadline of its own that would help.
func tcpUserTimeout(network, _ string, c syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var err error
	if cerr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(replyTimeout.Milliseconds()))
	}); cerr != nil {
		return cerr
	}
	return err
}
