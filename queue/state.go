package queue

import "fmt"

// State is where a job stands.
type State string

// The states of a job, as BullMQ counts them. Paused is what waiting jobs are
// called while the queue is paused.
const (
	Waiting   State = "waiting"
	Active    State = "active"
	Completed State = "completed"
	Failed    State = "failed"
	Delayed   State = "delayed"
	Paused    State = "paused"
)

// States lists every state, in the order in which statistics show them.
func States() []State { return []State{Waiting, Active, Completed, Failed, Delayed, Paused} }

// ParseState checks that s names a state.
func ParseState(s string) (State, error) {
	for _, st := range States() {
		if string(st) == s {
			return st, nil
		}
	}
	return "", fmt.Errorf("%q is not a state of a job: one of %v is expected", s, States())
}

// Stats counts the jobs of a queue by state. Completed counts only those that
// are kept; the totals count all since the queue was made.
type Stats struct {
	Waiting        int64 `json:"waiting"`
	Active         int64 `json:"active"`
	Completed      int64 `json:"completed"`
	Failed         int64 `json:"failed"`
	Delayed        int64 `json:"delayed"`
	Paused         int64 `json:"paused"`
	CompletedTotal int64 `json:"completedTotal"`
	FailedTotal    int64 `json:"failedTotal"`
}
