package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Stats counts the queue's jobs by state.
type Stats struct {
	Waiting        int64 `json:"waiting"`
	Active         int64 `json:"active"`
	Completed      int64 `json:"completed"` // those that are kept
	Failed         int64 `json:"failed"`
	Delayed        int64 `json:"delayed"`
	Paused         int64 `json:"paused"`
	CompletedTotal int64 `json:"completedTotal"` // since the queue was made
	FailedTotal    int64 `json:"failedTotal"`
}

// Job is what the queue knows of a task.
type Job struct {
	ID           string `json:"id"` // the task's
	Name         string `json:"name"`
	State        string `json:"state"`
	Priority     string `json:"priority"`     // "urgent" or nothing
	Timestamp    int64  `json:"timestamp"`    // ms since the epoch, when it was added
	DueAt        int64  `json:"dueAt"`        // ms, of a delayed job
	ProcessedOn  int64  `json:"processedOn"`  // ms, when the last attempt began
	FinishedOn   int64  `json:"finishedOn"`   // ms, when it completed or failed
	AttemptsMade int    `json:"attemptsMade"` // attempts that ended
	Stalls       int    `json:"stalledCounter"`
	FailedReason string `json:"failedReason"` // of the last failed attempt
	Broken       string `json:"broken"`       // what is wrong with its record, or nothing

	// Stacktrace has one text a failed attempt: its time, its number, why it
	// failed, and in the lines below that the stack of a panic.
	Stacktrace []string `json:"stacktrace"`

	Raw json.RawMessage `json:"-"` // all that the server said
}

// UnmarshalJSON keeps the text besides.
func (j *Job) UnmarshalJSON(data []byte) error {
	type plain Job
	if err := json.Unmarshal(data, (*plain)(j)); err != nil {
		return err
	}
	j.Raw = bytes.Clone(data)
	return nil
}

// QueueStats counts the jobs.
func (c *Client) QueueStats(ctx context.Context) (Stats, error) {
	var s Stats
	err := c.call(ctx, http.MethodGet, "/queue/stats", nil, &s)
	return s, err
}

// Jobs returns the jobs of a state from place start to place end, both
// included; at most 50.
func (c *Client) Jobs(ctx context.Context, state string, start, end int) ([]Job, error) {
	var out struct {
		Jobs []Job `json:"data"`
	}
	err := c.call(ctx, http.MethodGet, fmt.Sprintf("/queue/jobs/%s?start=%d&end=%d", url.PathEscape(state), start, end), nil, &out)
	return out.Jobs, err
}

// Pause stops the handing out of jobs.
func (c *Client) Pause(ctx context.Context) error { return c.post(ctx, "/queue/pause", nil, nil) }

// Resume starts it again.
func (c *Client) Resume(ctx context.Context) error { return c.post(ctx, "/queue/resume", nil, nil) }

// Retried says what became of the failed jobs.
type Retried struct {
	Retried  int  `json:"retried"`
	Skipped  int  `json:"skipped"`  // their tasks do not allow it
	Complete bool `json:"complete"` // false: there are more, ask again
}

// RetryFailed gives every failed job new attempts.
func (c *Client) RetryFailed(ctx context.Context) (Retried, error) {
	var out Retried
	err := c.post(ctx, "/queue/retry", nil, &out)
	return out, err
}

// Cleaning selects jobs to remove: any but those in work.
type Cleaning struct {
	State     string
	OlderThan time.Duration // since they ended, or were added
	Limit     int           // how many at most, up to 1000; 0 is the server's choice
}

// Clean removes jobs and returns their ids.
func (c *Client) Clean(ctx context.Context, what Cleaning) ([]string, error) {
	in := struct {
		State     string `json:"state"`
		OlderThan string `json:"olderThan"`
		Limit     int    `json:"limit,omitempty"`
	}{what.State, what.OlderThan.String(), what.Limit}
	var out struct {
		IDs []string `json:"ids"`
	}
	err := c.post(ctx, "/queue/clean", in, &out)
	return out.IDs, err
}

// RetryJob moves a failed job to the waiting ones.
func (c *Client) RetryJob(ctx context.Context, id string) error {
	return c.post(ctx, "/queue/jobs/"+url.PathEscape(id)+"/retry", nil, nil)
}

// Promote moves a delayed job to the waiting ones.
func (c *Client) Promote(ctx context.Context, id string) error {
	return c.post(ctx, "/queue/jobs/"+url.PathEscape(id)+"/promote", nil, nil)
}

// RemoveJob removes a job that is not in work.
func (c *Client) RemoveJob(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "/queue/jobs/"+url.PathEscape(id), nil, nil)
}

func (c *Client) post(ctx context.Context, path string, in, out any) error {
	return c.call(ctx, http.MethodPost, path, in, out)
}
