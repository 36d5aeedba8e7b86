package api

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"revela/task"
)

// params reads a query strictly: each parameter at most once, none that is not
// known. Only the first mistake is kept.
type params struct {
	values url.Values
	err    error
}

// query begins to read c's query, which may have the known parameters.
func query(c *gin.Context, known ...string) *params {
	values, err := url.ParseQuery(c.Request.URL.RawQuery)
	p := &params{values: values}
	if err != nil {
		p.err = &problem{code: InvalidQuery, detail: "The query is not well-formed.", cause: err}
		return p
	}
	allowed := make(map[string]bool, len(known))
	for _, name := range known {
		allowed[name] = true
	}
	for name, v := range values {
		switch {
		case !allowed[name]:
			p.refuse(name, "is not known here", "known are "+strings.Join(known, ", "))
		case len(v) > 1:
			p.refuse(name, "is there more than once", "one value is expected")
		}
	}
	return p
}

func (p *params) refuse(name, what, expected string) {
	if p.err == nil {
		p.err = &problem{code: InvalidQuery, detail: fmt.Sprintf("The parameter %q %s: %s.", clip(name, 64), what, expected)}
	}
}

func (p *params) has(name string) bool { return p.values.Has(name) }

// int reads a whole number from low to high.
func (p *params) int(name string, otherwise, low, high int) int {
	if !p.has(name) {
		return otherwise
	}
	given := p.values.Get(name)
	n, err := strconv.Atoi(given)
	if err != nil || n < low || n > high {
		p.refuse(name, fmt.Sprintf("is %q", clip(given, 32)), fmt.Sprintf("a whole number from %d to %d is expected", low, high))
	}
	return n
}

// status reads the state of a task, "" if there is none.
func (p *params) status(name string) task.Status {
	if !p.has(name) {
		return ""
	}
	st := task.Status(p.values.Get(name))
	if !st.Valid() {
		p.refuse(name, fmt.Sprintf("is %q", clip(string(st), 32)), "one of "+list(task.Statuses())+" is expected")
	}
	return st
}

// cursor reads a place in a listing.
func (p *params) cursor(name string) task.Cursor {
	if !p.has(name) {
		return task.Cursor{}
	}
	cur, ok := parseCursor(p.values.Get(name))
	if !ok {
		p.refuse(name, "is not valid", "the nextCursor of an earlier answer is expected")
	}
	return cur
}

func list[T ~string](all []T) string {
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = string(v)
	}
	return strings.Join(names, ", ")
}

// A cursor is opaque to callers: eight bytes of milliseconds, then the id.
const cursorSize = 8 + 24

func formatCursor(c task.Cursor) string {
	if c.IsZero() {
		return ""
	}
	raw := binary.BigEndian.AppendUint64(make([]byte, 0, cursorSize), uint64(c.CreatedAt.UnixMilli()))
	return base64.RawURLEncoding.EncodeToString(append(raw, c.ID...))
}

func parseCursor(s string) (task.Cursor, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != cursorSize {
		return task.Cursor{}, false
	}
	ms := int64(binary.BigEndian.Uint64(raw))
	id, err := task.ParseID(string(raw[8:]))
	if err != nil || ms < 0 || ms > maxMillis {
		return task.Cursor{}, false
	}
	return task.Cursor{CreatedAt: time.UnixMilli(ms).UTC(), ID: id}, true
}

// maxMillis is the end of the year 9999, past which RFC 3339 has no way to
// write a time.
const maxMillis = 253402300799999
