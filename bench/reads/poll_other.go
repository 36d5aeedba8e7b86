//go:build !unix

package main

import (
	"context"
	"errors"
)

// poller is not known here.
type poller struct{}

func connect(context.Context, string, int) (*poller, error) { return nil, errors.ErrUnsupported }

func (*poller) close() error                     { return nil }
func (*poller) wait() ([]int, error)             { return nil, errors.ErrUnsupported }
func (*poller) read(int, []byte) ([]byte, error) { return nil, errors.ErrUnsupported }
func (*poller) write(int, []byte) error          { return errors.ErrUnsupported }
