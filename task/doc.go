// Package task is the domain: what a task is, which states it may pass
// through, and the actors that move it — the Service for callers, the Processor
// for workers, the Reconciler and the Sweeper for repair.
//
// It knows no HTTP, no Redis and no database; it names the few things it needs
// from them in ports.go, and the packages that provide them are held to the
// conformance suites in task/tasktest.
//
// The invariant it keeps: records and files are the truth, the queue is only a
// schedule. A picture is on disk before its record exists, the record exists
// before the queue hears of it, results are on disk before the record names
// them. Every step may therefore be repeated after a crash, and a task that was
// accepted survives the loss of the whole queue.
//
// Every write to a record is a compare-and-swap on its Version, and a finished
// file never changes, so a worker that lost its lease cannot overwrite its
// successor's result.
package task
