// Package sqlite keeps task records in one SQLite file: the store of a Revela
// that nobody configured, and of one machine.
//
// Several Stores, in one process or in many on one machine, may share the file;
// it must lie on a local disk, because the write-ahead log needs shared memory.
// Readers never wait for writers. Writers take turns: one at a time within a
// Store, and between Stores whoever finds the file free.
//
// A change that was reported as stored survives a loss of power: every commit
// waits for the disk (synchronous=FULL). A change whose caller gave up while it
// waited for its turn did not happen; once it has its turn it is finished,
// whatever becomes of the caller, so its outcome is always known.
//
// A file that stays locked, cannot be read or is on a full disk is reported as
// task.ErrUnavailable within two seconds. Only of a change it may take ten, while
// another program holds the locks of SQLite's shared memory, which it never does for
// long. A file that a newer version wrote is refused.
//
// To test against it, Open a file in t.TempDir; it takes milliseconds.
package sqlite
