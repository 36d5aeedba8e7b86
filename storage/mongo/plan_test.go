package mongo

import (
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"revela/task"
)

// TestPlans asks the tester's own server how it answers each query: by an index,
// which also gives the order. FerretDB reads no index, so there the queries are
// only explained, which shows that they are understood.
func TestPlans(t *testing.T) {
	t.Parallel()
	uri, faithful := ferretURI(t), false
	if ownServer != "" {
		uri, faithful = ownServer, true
	}
	s := openAt(t, uri)
	for range 50 {
		if _, err := s.Create(t.Context(), newTask()); err != nil {
			t.Fatal(err)
		}
	}
	cursor := task.Cursor{CreatedAt: time.Now(), ID: task.NewID()}
	pending := task.Filter{Status: task.Pending}
	find := func(sel selection) bson.D {
		return bson.D{
			{Key: "find", Value: "tasks"}, {Key: "filter", Value: sel.filter}, {Key: "sort", Value: sel.sort},
			{Key: "limit", Value: sel.limit}, {Key: "skip", Value: sel.skip},
		}
	}
	one := func(filter bson.D) bson.D { return find(selection{filter: filter, sort: bson.D{}, limit: 1}) }
	count := func(f task.Filter) bson.D {
		return bson.D{
			{Key: "aggregate", Value: "tasks"}, {Key: "cursor", Value: bson.D{}},
			{Key: "pipeline", Value: bson.A{
				bson.D{{Key: "$match", Value: counted(f)}},
				bson.D{{Key: "$group", Value: bson.D{{Key: "_id", Value: 1}, {Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}}}}},
			}},
		}
	}
	for name, command := range map[string]bson.D{
		"by id":             one(byID(bson.NewObjectID())),
		"by id and version": one(atVersion(bson.NewObjectID(), 3)),
		"by key":            one(byKey("k")),
		"list":              find(page(task.Query{Limit: 10, Offset: 20})),
		"list after":        find(page(task.Query{Limit: 10, After: cursor})),
		"list by status":    find(page(task.Query{Filter: pending, Limit: 10})),
		"by status, after":  find(page(task.Query{Filter: pending, Limit: 10, After: cursor})),
		"count":             count(task.Filter{}),
		"count by status":   count(pending),
		"unfinished":        find(unfinished(time.Now(), task.NewID(), 10)),
	} {
		var answer bson.M
		err := s.tasks.Database().RunCommand(t.Context(),
			bson.D{{Key: "explain", Value: command}, {Key: "verbosity", Value: "queryPlanner"}}).Decode(&answer)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !faithful {
			continue
		}
		steps := stages(answer, false)
		if len(steps) == 0 || slices.Contains(steps, "COLLSCAN") || slices.Contains(steps, "SORT") {
			t.Errorf("%s is answered by %v, want an index and no sorting", name, steps)
		}
		if name == "count" && slices.Contains(steps, "FETCH") {
			t.Errorf("%s is answered by %v, want the index alone", name, steps)
		}
	}
}

// stages collects the steps of the winning plan, wherever this server's version
// puts it.
func stages(node any, winning bool) (found []string) {
	visit := func(key string, value any) {
		if key == "rejectedPlans" {
			return
		}
		if stage, ok := value.(string); ok && winning && key == "stage" {
			found = append(found, stage)
		}
		found = append(found, stages(value, winning || key == "winningPlan")...)
	}
	switch node := node.(type) {
	case bson.M:
		for key, value := range node {
			visit(key, value)
		}
	case bson.D:
		for _, e := range node {
			visit(e.Key, e.Value)
		}
	case bson.A:
		for _, value := range node {
			visit("", value)
		}
	}
	return found
}

// TestStages makes sure that TestPlans can fail.
func TestStages(t *testing.T) {
	t.Parallel()
	explained := bson.M{
		"stages": bson.A{bson.D{{Key: "$cursor", Value: bson.M{"queryPlanner": bson.M{
			"winningPlan": bson.M{"queryPlan": bson.D{
				{Key: "stage", Value: "SORT"},
				{Key: "inputStage", Value: bson.M{"stage": "COLLSCAN"}},
			}},
			"rejectedPlans": bson.A{bson.M{"stage": "IXSCAN"}},
		}}}}},
		"stage": "not of the plan",
	}
	if got := stages(explained, false); !slices.Equal(got, []string{"SORT", "COLLSCAN"}) {
		t.Errorf("stages = %v, want SORT and COLLSCAN", got)
	}
}
