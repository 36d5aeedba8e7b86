package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Error is the server's refusal.
type Error struct {
	Status    int    // of HTTP
	Code      string // stable, "TASK_NOT_FOUND"; "" if the answer was not the API's
	Title     string
	Detail    string
	Advice    string // how to mend it, as the server puts it
	RequestID string
}

func (e *Error) Error() string {
	var b strings.Builder
	switch {
	case e.Detail != "":
		b.WriteString(e.Detail)
	case e.Title != "":
		b.WriteString(e.Title)
	default:
		fmt.Fprintf(&b, "the server answers %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Code != "" {
		fmt.Fprintf(&b, " (%s)", e.Code)
	}
	if e.Status >= 500 && e.RequestID != "" {
		fmt.Fprintf(&b, ", request %s", e.RequestID)
	}
	return b.String()
}

// Hint says how to mend it.
func (e *Error) Hint() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "give the server's key with API_KEY or --api-key"
	case e.Advice != "":
		return e.Advice
	case e.Code == "" && e.Status >= 300 && e.Status < 500:
		return "is this the address of a Revela server? --server names another"
	}
	return ""
}

// refusal reads an answer of application/problem+json, or whatever came instead
// of it.
func refusal(res *http.Response) *Error {
	var p struct {
		Title     string `json:"title"`
		Detail    string `json:"detail"`
		Code      string `json:"code"`
		Hint      string `json:"hint"`
		RequestID string `json:"requestId"`
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err == nil && strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") {
		_ = json.Unmarshal(data, &p) // the status speaks where the body does not
	}
	return &Error{res.StatusCode, p.Code, p.Title, p.Detail, p.Hint, p.RequestID}
}

// UnreachableError says that the server did not answer.
type UnreachableError struct {
	Server string
	Err    error
}

func (e *UnreachableError) Error() string { return fmt.Sprintf("cannot reach %s: %v", e.Server, e.Err) }

func (e *UnreachableError) Unwrap() error { return e.Err }

// Hint says how to mend it.
func (e *UnreachableError) Hint() string {
	return `start the server with "app serve", or name another with --server`
}
