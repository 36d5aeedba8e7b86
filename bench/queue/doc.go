// Command queue measures the queue beside BullMQ and asynq, the same jobs on the
// same redis-server, in turns, several rounds. It prints a JSON line a
// measurement on stdout and a table of medians on stderr.
//
// Each contender is a process of its own, started afresh for each turn:
//
//	CONTENDER host:port PHASE,… N CONCURRENCY
//
// works through its phases on an empty server and prints a JSON line for each.
// Ours is this program itself, with the word "revela" before. The phases:
//
//	add       N jobs one by one, 500 under way at a time
//	add-bulk  N jobs in the largest steps that the library offers
//	process   the N jobs that are there, with a handler that does nothing
//	latency   N jobs one at a time on an idle queue: from add to the handler
//	fill      N jobs, as fast as can be; the caller measures Redis's memory
//	growth    only ours: what single steps cost with 100 and with N waiting jobs
//
// A job is as the service makes it: three attempts with exponential backoff,
// removed when completed, kept when failed, and the service's payload. BullMQ and
// asynq make their own ids, which is cheaper for them; when memory is measured
// all use the task's id.
package main
