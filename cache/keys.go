package cache

import (
	"crypto/md5"
	"encoding/hex"
	"strconv"

	"revela/task"
)

// generationKey holds a random text. A cached list or count is valid only while
// the text is the one that it was read under; deleting the key therefore makes
// all of them unreachable at once. It is random, not a counter, so a Redis that
// lost it does not come back to a value that was used before; one that is restored
// from a snapshot may, so it is dropped after each new connection.
const generationKey = "tasks:generation"

func taskKey(id task.ID) string { return "task:" + string(id) }

// The bounds of what is cached of listings: (pages in maxPages) x (limits) x
// (status or none) are at most 1,200 keys, whatever clients ask for.
const (
	maxPages  = 10  // from the newest task on
	limitStep = 5   // page sizes that are a multiple of it
	maxLimit  = 100 // largest page
)

// listKey returns the key of a page, or false if it is none of the few pages
// that many clients share: then caching would only cost memory. A query with a
// field that is not looked at here is not cached.
func listKey(q task.Query) (string, bool) {
	if q != (task.Query{Filter: q.Filter, Limit: q.Limit, Offset: q.Offset}) || !plain(q.Filter) {
		return "", false
	}
	if q.Limit < 1 || q.Limit > maxLimit || q.Limit%limitStep != 0 {
		return "", false
	}
	if q.Offset < 0 || q.Offset%q.Limit != 0 || q.Offset/q.Limit >= maxPages {
		return "", false
	}
	b := appendStatus(make([]byte, 0, 64), q.Filter)
	b = strconv.AppendInt(append(b, "&limit="...), int64(q.Limit), 10)
	b = strconv.AppendInt(append(b, "&offset="...), int64(q.Offset), 10)
	return hashed("tasks:list:", b), true
}

// countKey returns the key of a total, or false if it is not cached.
func countKey(f task.Filter) (string, bool) {
	if !plain(f) {
		return "", false
	}
	return hashed("tasks:count:", appendStatus(make([]byte, 0, 64), f)), true
}

// plain reports whether f is for all tasks or for those of one status.
func plain(f task.Filter) bool {
	return f == (task.Filter{Statuses: f.Statuses}) && f.Statuses.Len() <= 1
}

func appendStatus(b []byte, f task.Filter) []byte {
	return append(append(b, "status="...), f.Statuses.String()...)
}

// hashed returns a key for what a query says.
func hashed(prefix string, query []byte) string {
	sum := md5.Sum(query) // the name of a key, no secret
	return string(hex.AppendEncode(append(make([]byte, 0, 64), prefix...), sum[:]))
}
