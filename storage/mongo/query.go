package mongo

import (
	"regexp"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"revela/task"
)

// indexes serve each query below, its order included. Making one that is there
// already costs nothing.
func indexes() map[string]driver.IndexModel {
	index := func(keys ...string) driver.IndexModel {
		var d bson.D
		for _, key := range keys {
			d = append(d, bson.E{Key: key, Value: 1})
		}
		return driver.IndexModel{Keys: d, Options: options.Index()}
	}
	key := index("idempotencyKey")
	key.Options.SetUnique(true).SetSparse(true)
	return map[string]driver.IndexModel{
		"tasks_by_key":            key,
		"tasks_by_age":            index("createdAt", "_id"),
		"tasks_by_status_and_age": index("status", "createdAt", "_id"),
		"tasks_unfinished":        index("status", "_id", "updatedAt", "notBefore"),
	}
}

// selection is what find is asked. Its builders stand apart from the methods so
// that a test can look at their plans.
type selection struct {
	filter      bson.D
	sort        bson.D
	limit, skip int64
}

var newestFirst = bson.D{{Key: "createdAt", Value: -1}, {Key: "_id", Value: -1}}

func page(q task.Query) selection { return pageOf(q, within(q, task.Cursor{})) }

// matches selects the page q of the tasks not after end whose source's name
// contains text.
func matches(q task.Query, end task.Cursor, text string) selection {
	return pageOf(q, append(within(q, end), named(text)))
}

func pageOf(q task.Query, filter bson.D) selection {
	return selection{filter: filter, sort: newestFirst, limit: int64(q.Limit), skip: int64(max(0, q.Offset))}
}

// edge selects the n-th task of q.
func edge(q task.Query, n int) selection {
	return selection{filter: within(q, task.Cursor{}), sort: newestFirst, limit: 1, skip: int64(n - 1)}
}

// named compares letters by Unicode's simple folding, as PCRE does.
func named(text string) bson.E {
	return bson.E{Key: "source.name", Value: bson.Regex{Pattern: regexp.QuoteMeta(text), Options: "i"}}
}

// within selects the statuses that q wants, in the bounds of q and of end, not
// before which the listing ends. Several statuses are as many ranges of one
// index, which the server merges, each being in order.
//
// A place in the listing is two conditions: one on createdAt, which says where
// to enter the index or leave it, and one that leaves out those of the same
// millisecond that lie beyond.
func within(q task.Query, end task.Cursor) bson.D {
	filter := bson.D{}
	switch members := q.Statuses.List(); len(members) {
	case 0:
	case 1:
		filter = append(filter, bson.E{Key: "status", Value: members[0]})
	default:
		filter = append(filter, bson.E{Key: "status", Value: bson.D{{Key: "$in", Value: members}}})
	}
	start, from, until := q.Bounds()
	var made bson.D // conditions on createdAt
	var ties bson.A
	tie := func(at task.Cursor, beyond, same string) {
		id, _ := bson.ObjectIDFromHex(string(at.ID)) // a broken one is before all
		ties = append(ties, bson.D{{Key: "$or", Value: bson.A{
			bson.D{{Key: "createdAt", Value: bson.D{{Key: beyond, Value: millis(at.CreatedAt)}}}},
			bson.D{{Key: "_id", Value: bson.D{{Key: same, Value: id}}}},
		}}})
	}
	switch {
	case !start.IsZero():
		made = append(made, bson.E{Key: "$lte", Value: millis(start.CreatedAt)})
		tie(start, "$lt", "$lt")
	case !until.IsZero():
		made = append(made, bson.E{Key: "$lt", Value: millis(until)})
	}
	switch {
	case !end.IsZero(): // a task within from, so it says more
		made = append(made, bson.E{Key: "$gte", Value: millis(end.CreatedAt)})
		tie(end, "$gt", "$gte")
	case !from.IsZero():
		made = append(made, bson.E{Key: "$gte", Value: millis(from)})
	}
	if len(made) > 0 {
		filter = append(filter, bson.E{Key: "createdAt", Value: made})
	}
	if len(ties) > 0 {
		filter = append(filter, bson.E{Key: "$and", Value: ties})
	}
	return filter
}

func millis(at time.Time) bson.DateTime { return bson.NewDateTimeFromTime(at) }

func unfinished(before, due time.Time, after task.ID, limit int) selection {
	id, _ := bson.ObjectIDFromHex(string(after)) // none is the start
	filter := bson.D{
		{Key: "status", Value: bson.D{{Key: "$in", Value: bson.A{task.Pending, task.Processing}}}},
		{Key: "_id", Value: bson.D{{Key: "$gt", Value: id}}},
		{Key: "updatedAt", Value: bson.D{{Key: "$lt", Value: millis(before)}}},
	}
	if !due.IsZero() { // $lt would leave out the tasks that have none
		filter = append(filter, bson.E{Key: "notBefore", Value: bson.D{{Key: "$not", Value: bson.D{{Key: "$gte", Value: millis(due)}}}}})
	}
	return selection{filter: filter, sort: bson.D{{Key: "_id", Value: 1}}, limit: int64(limit)}
}

func byID(id bson.ObjectID) bson.D { return bson.D{{Key: "_id", Value: id}} }

// atVersion is the condition of every change.
func atVersion(id bson.ObjectID, version int64) bson.D {
	return bson.D{{Key: "_id", Value: id}, {Key: "version", Value: version}}
}

// byKey never asks for tasks without a key, which the sparse index does not hold.
func byKey(key string) bson.D { return bson.D{{Key: "idempotencyKey", Value: key}} }

func counted(f task.Filter) bson.D {
	filter := within(task.Query{Filter: f}, task.Cursor{})
	if len(filter) == 0 {
		// Every id is greater than this one. An empty filter would read all
		// documents; so only the index on _id is read.
		return bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: bson.ObjectID{}}}}}
	}
	return filter
}

func countedMatches(f task.Filter, end task.Cursor, text string) bson.D {
	return append(within(task.Query{Filter: f}, end), named(text))
}
