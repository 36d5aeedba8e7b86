package api

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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
	for name, v := range values {
		switch {
		case !slices.Contains(known, name):
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

// statuses reads one state of a task or several; none is any.
func (p *params) statuses(name string) task.StatusSet {
	if !p.has(name) {
		return 0
	}
	given := p.values.Get(name)
	set, ok := task.ParseStatuses(given)
	if !ok {
		p.refuse(name, fmt.Sprintf("is %q", clip(given, 64)),
			"one of "+list(task.Statuses())+" is expected, or several of them with commas in between, each once")
	}
	return set
}

// instant reads a time: RFC 3339, or milliseconds since 1970. Tasks have whole
// milliseconds, so a time in between stands for the next one in any comparison.
func (p *params) instant(name string) time.Time {
	if !p.has(name) {
		return time.Time{}
	}
	given := p.values.Get(name)
	at, err := time.Parse(time.RFC3339, given)
	if ms, e := strconv.ParseInt(given, 10, 64); e == nil {
		at, err = time.UnixMilli(ms), nil
	}
	at = task.Millis(at.Add(time.Millisecond - 1))
	if ms := at.UnixMilli(); err != nil || ms < 0 || ms > maxMillis {
		p.refuse(name, fmt.Sprintf("is %q", clip(given, 64)),
			`a time is expected, as 2026-11-24T09:30:00Z (write the + of an offset as %2B) or in milliseconds since 1970`)
	}
	return at
}

// span reads the half-open interval from the first time to the second.
func (p *params) span(after, before string) (from, until time.Time) {
	from, until = p.instant(after), p.instant(before)
	if p.has(after) && p.has(before) && !from.Before(until) {
		p.refuse(before, "is not later than "+after, "a later time is expected, since "+after+" is included and "+before+" is not")
	}
	return from, until
}

// text reads what to search for, "" if nothing is.
func (p *params) text(name string) string {
	if !p.has(name) {
		return ""
	}
	given := p.values.Get(name)
	control := strings.ContainsFunc(given, unicode.IsControl)
	if n := utf8.RuneCountInString(given); n < 1 || n > maxText || control || !utf8.ValidString(given) {
		p.refuse(name, fmt.Sprintf("is %q", clip(given, 32)),
			fmt.Sprintf("1 to %d characters of UTF-8 are expected, none of them a control character", maxText))
	}
	return given
}

// maxText is the longest text to search for, in characters.
const maxText = 200

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
