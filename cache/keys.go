package cache

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"

	"revela/task"
)

// generationKey holds a random text. A cached list or count is valid only while
// the text is the one that it was read under; deleting the key therefore makes
// all of them unreachable at once. It is random, not a counter, so a Redis that
// lost it can never come back to a value that was used before.
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
	return "tasks:list:" + hash(fmt.Sprintf("status=%s&limit=%d&offset=%d", q.Statuses, q.Limit, q.Offset)), true
}

// countKey returns the key of a total, or false if it is not cached.
func countKey(f task.Filter) (string, bool) {
	if !plain(f) {
		return "", false
	}
	return "tasks:count:" + hash(fmt.Sprintf("status=%s", f.Statuses)), true
}

// plain reports whether f is for all tasks or for those of one status.
func plain(f task.Filter) bool {
	return f == (task.Filter{Statuses: f.Statuses}) && len(f.Statuses.List()) <= 1
}

func hash(s string) string {
	sum := md5.Sum([]byte(s)) // the name of a key, no secret
	return hex.EncodeToString(sum[:])
}
