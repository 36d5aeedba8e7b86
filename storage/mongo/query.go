package mongo

import (
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
		"tasks_by_status_and_id":  index("status", "_id", "updatedAt"),
	}
}

// selection is what find is asked. Its builders stand apart from the methods so
// that a test can look at their plans.
type selection struct {
	filter      bson.D
	sort        bson.D
	limit, skip int64
}

func page(q task.Query) selection {
	filter := bson.D{}
	if q.Status != "" {
		filter = append(filter, bson.E{Key: "status", Value: q.Status})
	}
	if !q.After.IsZero() {
		// The first condition says where to start in the index, the second
		// leaves out those of the same millisecond that were shown already.
		at := bson.NewDateTimeFromTime(q.After.CreatedAt)
		id, _ := bson.ObjectIDFromHex(string(q.After.ID)) // a broken one is before all
		filter = append(filter,
			bson.E{Key: "createdAt", Value: bson.D{{Key: "$lte", Value: at}}},
			bson.E{Key: "$or", Value: bson.A{
				bson.D{{Key: "createdAt", Value: bson.D{{Key: "$lt", Value: at}}}},
				bson.D{{Key: "_id", Value: bson.D{{Key: "$lt", Value: id}}}},
			}})
	}
	return selection{
		filter: filter,
		sort:   bson.D{{Key: "createdAt", Value: -1}, {Key: "_id", Value: -1}},
		limit:  int64(q.Limit), skip: int64(max(0, q.Offset)),
	}
}

func unfinished(before time.Time, after task.ID, limit int) selection {
	id, _ := bson.ObjectIDFromHex(string(after)) // none is the start
	return selection{
		filter: bson.D{
			{Key: "status", Value: bson.D{{Key: "$in", Value: bson.A{task.Pending, task.Processing}}}},
			{Key: "_id", Value: bson.D{{Key: "$gt", Value: id}}},
			{Key: "updatedAt", Value: bson.D{{Key: "$lt", Value: bson.NewDateTimeFromTime(before)}}},
		},
		sort:  bson.D{{Key: "_id", Value: 1}},
		limit: int64(limit),
	}
}

func byID(id bson.ObjectID) bson.D { return bson.D{{Key: "_id", Value: id}} }

// atVersion is the condition of every change.
func atVersion(id bson.ObjectID, version int64) bson.D {
	return bson.D{{Key: "_id", Value: id}, {Key: "version", Value: version}}
}

// byKey never asks for tasks without a key, which the sparse index does not hold.
func byKey(key string) bson.D { return bson.D{{Key: "idempotencyKey", Value: key}} }

func counted(f task.Filter) bson.D {
	if f.Status == "" {
		// Every id is greater than this one. An empty filter would read all
		// documents; so only the index on _id is read.
		return bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: bson.ObjectID{}}}}}
	}
	return bson.D{{Key: "status", Value: f.Status}}
}
