package queue

import (
	"encoding/json"
	"time"
)

// Spec is a job to be added.
type Spec struct {
	ID       string        // unique; adding an id that is there is doing nothing
	Name     string        // what kind of work it is
	Data     []byte        // payload, JSON
	Delay    time.Duration // at least this long before its first attempt
	Attempts int           // attempts made before, by a job that was lost
	Stalls   int           // of these, those whose worker was lost
}

// Info is what the queue knows of one job.
type Info struct {
	ID           string          `json:"id"`
	Name         string          `json:"name"`
	State        State           `json:"state"`
	Data         json.RawMessage `json:"data"`
	Opts         json.RawMessage `json:"opts"`
	Timestamp    int64           `json:"timestamp"`              // ms since the epoch, when it was added
	ProcessedOn  int64           `json:"processedOn,omitempty"`  // ms, when the last attempt began
	FinishedOn   int64           `json:"finishedOn,omitempty"`   // ms, when it completed or failed
	AttemptsMade int             `json:"attemptsMade"`           // attempts that ended in failure or success
	Stalls       int             `json:"stalledCounter"`         // attempts whose worker was lost
	FailedReason string          `json:"failedReason,omitempty"` // of the last failed attempt
	Stacktrace   []string        `json:"stacktrace,omitempty"`   // one entry a failed attempt, with its time
	Progress     json.RawMessage `json:"progress,omitempty"`
	DueAt        int64           `json:"dueAt,omitempty"` // ms, for delayed jobs
}
