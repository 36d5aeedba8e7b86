//go:build !linux

package redis

import "syscall"

// tcpUserTimeout does nothing: only Linux has such an option.
func tcpUserTimeout(string, string, syscall.RawConn) error { return nil }
