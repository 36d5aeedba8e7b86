package mongo

import (
	"context"
	"errors"
	"fmt"

	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"revela/task"
)

// ErrNotAtomic says that a server let several conditional changes of one
// document succeed where only one may.
var ErrNotAtomic = errors.New("the server's conditional updates are not atomic")

// explain turns what the driver says into what the port promises. ctx is the
// caller's: its end is reported as itself, while our own deadline means that the
// server did not answer in time. An answer of the server's stays an answer, even
// to a caller that has left meanwhile.
func explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, driver.ErrNoDocuments):
		return task.ErrNotFound
	case errors.Is(err, task.ErrNotFound), errors.Is(err, task.ErrConflict), errors.Is(err, task.ErrKeyTaken):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("mongo: %w", ctx.Err())
	case unreachable(err):
		return fmt.Errorf("%w: mongo: %w", task.ErrUnavailable, err)
	}
	return fmt.Errorf("mongo: %w", err)
}

// unreachable reports whether err says that no server can do what was asked now,
// though one may later.
func unreachable(err error) bool {
	if driver.IsTimeout(err) || driver.IsNetworkError(err) || errors.Is(err, driver.ErrClientDisconnected) {
		return true
	}
	// The driver's name for "another connection to this server has just failed".
	var pool interface{ Retryable() bool }
	if errors.As(err, &pool) && pool.Retryable() {
		return true
	}
	var said driver.ServerError
	if !errors.As(err, &said) {
		return false
	}
	if said.HasErrorLabel("RetryableWriteError") {
		return true
	}
	for _, code := range passing {
		if said.HasErrorCode(code) {
			return true
		}
	}
	return false
}

// passing are the server's codes for troubles that end: it has no primary, steps
// down, shuts down, cannot reach a majority in time or is out of disk.
var passing = []int{
	6,     // HostUnreachable
	7,     // HostNotFound
	50,    // MaxTimeMSExpired
	64,    // WriteConcernTimeout
	89,    // NetworkTimeout
	91,    // ShutdownInProgress
	100,   // UnsatisfiableWriteConcern
	133,   // FailedToSatisfyReadPreference
	134,   // ReadConcernMajorityNotAvailableYet
	189,   // PrimarySteppedDown
	262,   // ExceededTimeLimit
	9001,  // SocketException
	10107, // NotWritablePrimary
	11600, // InterruptedAtShutdown
	11602, // InterruptedDueToReplStateChange
	13435, // NotPrimaryNoSecondaryOk
	13436, // NotPrimaryOrSecondary
	14031, // OutOfDiskSpace
}
