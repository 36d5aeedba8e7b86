package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// Info is what the queue knows of one job.
type Info struct {
	ID           string          `json:"id"`
	Name         string          `json:"name"`
	State        State           `json:"state"`
	Data         json.RawMessage `json:"data"`
	Opts         json.RawMessage `json:"opts"`
	Priority     string          `json:"priority,omitempty"`     // "urgent" or nothing
	Timestamp    int64           `json:"timestamp"`              // ms since the epoch, when it was added
	ProcessedOn  int64           `json:"processedOn,omitempty"`  // ms, when the last attempt began
	FinishedOn   int64           `json:"finishedOn,omitempty"`   // ms, when it completed or failed
	AttemptsMade int             `json:"attemptsMade"`           // attempts that ended in failure or success
	Stalls       int             `json:"stalledCounter"`         // attempts whose worker was lost
	FailedReason string          `json:"failedReason,omitempty"` // of the last failed attempt, up to 1 KiB
	Stacktrace   []string        `json:"stacktrace,omitempty"`   // of each of the last ten failed attempts a text with its time, up to 4 KiB
	Progress     json.RawMessage `json:"progress,omitempty"`
	DueAt        int64           `json:"dueAt,omitempty"`  // ms, for delayed jobs
	Broken       string          `json:"broken,omitempty"` // what is wrong with the record in Redis; such fields are zero here
}

// info makes an Info of the HGETALL of a job's key. ErrNoJob: there is none.
func (q *Queue) info(ctx context.Context, id string, state State, hash rueidis.RedisResult) (Info, error) {
	fields, err := hash.AsStrMap()
	if wrongType(err) {
		var kind string
		kind, err = q.client.Do(ctx, q.client.B().Type().Key(q.keys.job(id)).Build()).ToString()
		if err == nil {
			return Info{ID: id, State: state, Broken: "the job's key holds a " + kind + " and no hash"}, nil
		}
	}
	if err != nil {
		return Info{}, fmt.Errorf("queue: read job %s: %w", id, err)
	}
	if len(fields) == 0 {
		return Info{}, fmt.Errorf("%w: %s", ErrNoJob, id)
	}
	return parseInfo(id, state, fields), nil
}

// parseInfo reads what a job's hash says. Fields that are missing or were
// broken from outside are left zero.
func parseInfo(id string, state State, f map[string]string) Info {
	r := record{fields: f}
	info := Info{
		ID: id, State: state, Name: f["name"], Data: r.json("data"), Opts: r.json("opts"),
		Timestamp: r.number("timestamp", math.MaxInt64), ProcessedOn: r.number("processedOn", math.MaxInt64),
		FinishedOn:   r.number("finishedOn", math.MaxInt64),
		AttemptsMade: int(r.number("attemptsMade", math.MaxInt32)), Stalls: int(r.number("stalledCounter", math.MaxInt32)),
		FailedReason: f["failedReason"], Progress: r.json("progress"), Priority: f["priority"],
	}
	if st := r.json("stacktrace"); st != nil && json.Unmarshal(st, &info.Stacktrace) != nil {
		r.wrong = append(r.wrong, "stacktrace is no list of texts")
	}
	for _, name := range []string{"data", "timestamp"} {
		if _, there := f[name]; !there {
			r.wrong = append(r.wrong, name+" is missing")
		}
	}
	info.Broken = strings.Join(r.wrong, "; ")
	return info
}

// record is a job's hash, and what turned out to be wrong with it.
type record struct {
	fields map[string]string
	wrong  []string
}

// number reads a number from 0 to most; what is none is wrong and 0.
func (r *record) number(name string, most int64) int64 {
	s, there := r.fields[name]
	n, err := strconv.ParseInt(s, 10, 64)
	if there && (err != nil || n < 0 || n > most) {
		r.wrong = append(r.wrong, name+" is no number that can be")
		return 0
	}
	return n
}

// json reads a JSON value; what is none is wrong, unless it is empty, and nil.
func (r *record) json(name string) json.RawMessage {
	v := json.RawMessage(r.fields[name])
	if json.Valid(v) {
		return v
	}
	if len(v) > 0 {
		r.wrong = append(r.wrong, name+" is no JSON")
	}
	return nil
}

// addedAt reads the timestamp of a job, in ms; known is false where it has none.
func addedAt(field rueidis.RedisResult) (ms int64, known bool, err error) {
	s, err := field.ToString()
	if rueidis.IsRedisNil(err) || wrongType(err) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	ms, err = strconv.ParseInt(s, 10, 64)
	return ms, err == nil, nil
}

// wrongType reports whether a key held something of another type.
func wrongType(err error) bool {
	e, ok := rueidis.IsRedisErr(err)
	return ok && strings.HasPrefix(e.Error(), "WRONGTYPE")
}

// age is how long ago a time in ms since the epoch was, seen from at.
func age(at time.Time, ms int64) time.Duration { return at.Sub(time.UnixMilli(ms)) }
