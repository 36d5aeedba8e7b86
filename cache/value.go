package cache

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"revela/task"
)

// A value in Redis is prefix, mark, rest. The prefix is the format and, for
// lists and counts, the generation; a value with another prefix does not count.
// After markValue comes JSON, or a number for a total, after markClaim the token of the process that is
// about to fill the key.
const (
	format    = "4" // change it with any change of what is encoded below
	markValue = "="
	markClaim = "?"
)

// body returns the content of a filled value under prefix.
func body(raw, prefix string) (string, bool) {
	rest, ok := strings.CutPrefix(raw, prefix)
	if !ok {
		return "", false
	}
	return strings.CutPrefix(rest, markValue)
}

// record is a task as it is stored. All fields are there: a task from the cache
// is as good as one from the repository.
type record struct {
	ID          task.ID     `json:"i"`
	Status      task.Status `json:"s"`
	Version     int64       `json:"v"`
	Kind        string      `json:"k"`
	Name        string      `json:"n,omitempty"`
	Original    *original   `json:"o,omitempty"`
	Variants    string      `json:"r,omitempty"`
	Urgent      bool        `json:"p,omitempty"`
	Images      []image     `json:"m,omitempty"`
	Error       string      `json:"e,omitempty"`
	Attempts    int         `json:"a,omitempty"`
	Stalls      int         `json:"l,omitempty"`
	Key         string      `json:"y,omitempty"`
	Fingerprint string      `json:"f,omitempty"`
	Token       string      `json:"t,omitempty"`
	NotBefore   time.Time   `json:"w,omitzero"`
	StartedAt   time.Time   `json:"b,omitzero"`
	FinishedAt  time.Time   `json:"d,omitzero"`
	CreatedAt   time.Time   `json:"c"`
	UpdatedAt   time.Time   `json:"u"`
}

type original struct {
	Path      string `json:"p"`
	Format    string `json:"f"`
	Width     int    `json:"w"`
	Height    int    `json:"h"`
	Size      int64  `json:"s"`
	SHA256    string `json:"x"`
	Frames    int    `json:"n,omitempty"`
	ThumbHash string `json:"t,omitempty"`
}

type image struct {
	Resolution string `json:"r"`
	Path       string `json:"p"`
	Format     string `json:"f"`
	Width      int    `json:"w"`
	Height     int    `json:"h"`
	Size       int64  `json:"s"`
	MD5        string `json:"x"`
}

func toRecord(t task.Task) record {
	r := record{
		ID: t.ID, Status: t.Status, Version: t.Version,
		Kind: string(t.Source.Kind), Name: t.Source.Name,
		Variants: t.Variants, Urgent: t.Urgent, Error: t.Error, Attempts: t.Attempts, Stalls: t.Stalls,
		Key: t.IdempotencyKey, Fingerprint: t.Fingerprint, Token: t.Token,
		NotBefore: t.NotBefore.UTC(), StartedAt: t.StartedAt.UTC(), FinishedAt: t.FinishedAt.UTC(),
		CreatedAt: t.CreatedAt.UTC(), UpdatedAt: t.UpdatedAt.UTC(),
	}
	if t.Original != (task.Original{}) {
		o := original(t.Original)
		r.Original = &o
	}
	for _, m := range t.Images {
		r.Images = append(r.Images, image(m))
	}
	return r
}

func (r record) task() task.Task {
	t := task.Task{
		ID: r.ID, Status: r.Status, Version: r.Version,
		Source:   task.Source{Kind: task.SourceKind(r.Kind), Name: r.Name},
		Variants: r.Variants, Urgent: r.Urgent, Error: r.Error, Attempts: r.Attempts, Stalls: r.Stalls,
		IdempotencyKey: r.Key, Fingerprint: r.Fingerprint, Token: r.Token,
		NotBefore: r.NotBefore, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	if r.Original != nil {
		t.Original = task.Original(*r.Original)
	}
	for _, m := range r.Images {
		t.Images = append(t.Images, task.Image(m))
	}
	return t
}

func encodeTask(t *task.Task) (string, error) { return encode(toRecord(*t)) }

func encodeTasks(ts []task.Task) (string, error) {
	rs := make([]record, len(ts))
	for i, t := range ts {
		rs[i] = toRecord(t)
	}
	return encode(rs)
}

// atLeast follows a total that is not exact.
const atLeast = "+"

func encodeCount(t task.Total) (string, error) {
	s := strconv.FormatInt(t.N, 10)
	if !t.Exact {
		s += atLeast
	}
	return s, nil
}

func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("cache: encode: %w", err)
	}
	return string(b), nil
}

func parseTask(body string) (task.Task, error) {
	var r record
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		return task.Task{}, fmt.Errorf("cache: decode: %w", err)
	}
	return r.task(), nil
}

func parseTasks(body string) ([]task.Task, error) {
	var rs []record
	if err := json.Unmarshal([]byte(body), &rs); err != nil {
		return nil, fmt.Errorf("cache: decode: %w", err)
	}
	ts := make([]task.Task, len(rs))
	for i, r := range rs {
		ts[i] = r.task()
	}
	return ts, nil
}

func parseCount(body string) (task.Total, error) {
	digits, more := strings.CutSuffix(body, atLeast)
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return task.Total{}, fmt.Errorf("cache: decode: %w", err)
	}
	return task.Total{N: n, Exact: !more}, nil
}
