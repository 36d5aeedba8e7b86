package task

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// What one request may cost, however many tasks there are.
const (
	// CountLimit is how far a store counts where it has no better way.
	CountLimit = 10_000
	// SearchSpan is how many tasks a search looks at.
	SearchSpan = 10_000
)

// Filter selects tasks. The zero value selects all. It is comparable.
type Filter struct {
	Statuses StatusSet // empty is any
	// From and Until are the half-open interval [From, Until) of CreatedAt, UTC
	// and whole milliseconds. Zero is no bound.
	From, Until time.Time
}

// Query is one page of a listing: either Offset or After moves past earlier
// tasks.
type Query struct {
	Filter
	Limit  int    // 1 to 100 when it comes from the API
	Offset int    // costs as much as it skips
	After  Cursor // costs nothing, however deep; zero is the start
}

// Bounds returns where the listing begins and ends: it holds tasks that come
// after start, if that is not zero, and were made in [from, until). One of the
// two bounds at its beginning always implies the other; only the tighter one is
// returned, so that a store cannot begin to look at the wrong one.
func (q Query) Bounds() (start Cursor, from, until time.Time) {
	switch {
	case q.After.IsZero():
		return Cursor{}, q.From, q.Until
	case q.Until.IsZero() || q.After.CreatedAt.Before(q.Until):
		return q.After, q.From, time.Time{}
	default:
		return Cursor{}, q.From, q.Until
	}
}

// Cursor is the place of a task in the order of a listing.
type Cursor struct {
	CreatedAt time.Time
	ID        ID
}

// IsZero reports whether c is the start of the listing.
func (c Cursor) IsZero() bool { return c.ID == "" }

// Total is how many tasks a filter selects.
type Total struct {
	N     int64
	Exact bool // if not, N is where counting ended, or the store's estimate
}

// Matches is what a search found.
type Matches struct {
	Tasks []Task
	Next  Cursor // where to go on; zero if nothing is left
	Total Total  // among the first SearchSpan tasks of the listing
}

// StatusSet is a set of statuses. The zero value is empty.
type StatusSet uint8

// Only returns the set of the given statuses, which must be valid.
func Only(statuses ...Status) (s StatusSet) {
	for _, st := range statuses {
		i := slices.Index(Statuses(), st)
		if i < 0 {
			panic(fmt.Sprintf("task: %q is no status", st))
		}
		s |= 1 << i
	}
	return s
}

// ParseStatuses reads a list with commas in between; false if one is missing,
// unknown or there twice.
func ParseStatuses(list string) (s StatusSet, ok bool) {
	for name := range strings.SplitSeq(list, ",") {
		st := Status(name)
		if !st.Valid() || s&Only(st) != 0 {
			return 0, false
		}
		s |= Only(st)
	}
	return s, true
}

// Len returns how many members there are.
func (s StatusSet) Len() int { return bits.OnesCount8(uint8(s)) }

// List returns the members in the order of life.
func (s StatusSet) List() (members []Status) {
	for i, st := range Statuses() {
		if s&(1<<i) != 0 {
			members = append(members, st)
		}
	}
	return members
}

// String is what ParseStatuses reads.
func (s StatusSet) String() string {
	var names []string
	for _, st := range s.List() {
		names = append(names, string(st))
	}
	return strings.Join(names, ",")
}
