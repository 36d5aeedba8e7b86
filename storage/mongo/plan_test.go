package mongo

import (
	"slices"
	"strings"
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
	find := func(sel selection) bson.D {
		return bson.D{
			{Key: "find", Value: "tasks"}, {Key: "filter", Value: sel.filter}, {Key: "sort", Value: sel.sort},
			{Key: "limit", Value: sel.limit}, {Key: "skip", Value: sel.skip},
		}
	}
	one := func(filter bson.D) bson.D { return find(selection{filter: filter, sort: bson.D{}, limit: 1}) }
	count := func(filter bson.D) bson.D {
		return bson.D{
			{Key: "aggregate", Value: "tasks"}, {Key: "cursor", Value: bson.D{}},
			{Key: "pipeline", Value: bson.A{
				bson.D{{Key: "$match", Value: filter}},
				bson.D{{Key: "$limit", Value: 10}},
				bson.D{{Key: "$group", Value: bson.D{{Key: "_id", Value: 1}, {Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}}}}},
			}},
		}
	}
	commands := map[string]bson.D{
		"by id":             one(byID(bson.NewObjectID())),
		"by id and version": one(atVersion(bson.NewObjectID(), 3)),
		"by key":            one(byKey("k")),
		"count":             count(counted(task.Filter{})),
		"unfinished":        find(unfinished(time.Now(), time.Now(), task.NewID(), 10)),
	}
	for name, q := range listings() {
		end := task.Cursor{CreatedAt: time.Now().Add(-time.Hour), ID: task.NewID()}
		commands["list of "+name] = find(page(q))
		commands["edge of "+name] = append(find(edge(q, 10)), bson.E{Key: "projection", Value: bson.D{{Key: "createdAt", Value: 1}}})
		commands["matches of "+name] = find(matches(q, end, "a.jpg"))
		commands["count of "+name] = count(counted(q.Filter))
		commands["count matches of "+name] = count(countedMatches(q.Filter, end, "a.jpg"))
	}
	for name, command := range commands {
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
		alone := strings.HasPrefix(name, "count") && !strings.HasPrefix(name, "count matches") || strings.HasPrefix(name, "edge")
		if alone && slices.Contains(steps, "FETCH") {
			t.Errorf("%s is answered by %v, want the index alone", name, steps)
		}
	}
}

// listings are the combinations of what a listing can be asked for.
func listings() map[string]task.Query {
	now := time.Now()
	all := map[string]task.Query{}
	for _, statuses := range []task.StatusSet{0, task.Only(task.Failed), task.Only(task.Failed, task.Pending)} {
		for bits := range 1 << 3 {
			q := task.Query{Filter: task.Filter{Statuses: statuses}, Limit: 10}
			name := "status " + statuses.String()
			if bits&1 != 0 {
				q.From, name = now.Add(-2*time.Hour), name+" from"
			}
			if bits&2 != 0 {
				q.Until, name = now.Add(time.Hour), name+" until"
			}
			if bits&4 != 0 {
				q.After, name = task.Cursor{CreatedAt: now, ID: task.NewID()}, name+" after"
			}
			all[name] = q
		}
	}
	return all
}

// TestShapes holds every listing to what mongod needs to answer it from an index
// in order, at a cost that does not grow with its depth. FerretDB cannot show
// it: the fields compared for equality come first in an index, and the order
// next; createdAt has at most one bound on either side, which says where to
// enter that index and where to leave it; and nothing else is asked for that
// the index does not hold.
func TestShapes(t *testing.T) {
	t.Parallel()
	for name, q := range listings() {
		sel := page(q)
		var prefix []string
		held := map[string]bool{"createdAt": true, "_id": true}
		for _, e := range sel.filter {
			switch e.Key {
			case "status":
				prefix, held["status"] = append(prefix, "status"), true
			case "createdAt":
				sides := map[string]int{}
				for _, bound := range e.Value.(bson.D) {
					sides[bound.Key[:3]]++ // $lt and $lte are one side
				}
				from, until := q.From.IsZero(), q.Until.IsZero() && q.After.IsZero()
				if (sides["$gt"] == 0) != from || (sides["$lt"] == 0) != until || sides["$gt"] > 1 || sides["$lt"] > 1 {
					t.Errorf("%s: createdAt is bounded by %v", name, e.Value)
				}
			case "$and": // what ties leave out, by fields of the index
				for _, tie := range e.Value.(bson.A) {
					for _, either := range tie.(bson.D)[0].Value.(bson.A) {
						if field := either.(bson.D)[0].Key; !held[field] {
							t.Errorf("%s asks for %s", name, field)
						}
					}
				}
			default:
				t.Errorf("%s asks for %s", name, e.Key)
			}
		}
		for _, e := range sel.sort {
			prefix = append(prefix, e.Key)
			if e.Value != -1 {
				t.Errorf("%s is sorted by %v", name, e)
			}
		}
		served := false
		for _, index := range indexes() {
			var keys []string
			for _, e := range index.Keys.(bson.D) {
				keys = append(keys, e.Key)
			}
			served = served || slices.Equal(keys, prefix)
		}
		if !served {
			t.Errorf("%s: no index on %v", name, prefix)
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
