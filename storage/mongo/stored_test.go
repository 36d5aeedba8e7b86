package mongo

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"revela/task"
)

// TestStoredDocument reads what others who look into the database rely on.
func TestStoredDocument(t *testing.T) {
	t.Parallel()
	s := openAt(t, ferretURI(t))
	at := time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC)
	tk := task.Task{
		ID: task.NewID(), Status: task.Completed, Source: task.Source{Kind: task.Upload, Name: "a.jpg"},
		Original:       task.Original{Path: "storage/images/a/original.jpg", Format: "jpeg", Width: 40, Height: 30, Size: 99, SHA256: "ab"},
		Images:         []task.Image{{Resolution: "20", Path: "output/a/20/x.jpg", Format: "jpeg", Width: 20, Height: 15, Size: 9, MD5: "cd"}},
		IdempotencyKey: "key", Attempts: 2, CreatedAt: at, UpdatedAt: at,
	}
	bare := task.Task{ID: task.NewID(), Status: task.Failed, Error: "broken", CreatedAt: at, UpdatedAt: at}
	for _, one := range []task.Task{tk, bare} {
		if _, err := s.Create(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	read := func(id task.ID) bson.M {
		oid, err := bson.ObjectIDFromHex(string(id))
		if err != nil {
			t.Fatal(err)
		}
		var raw bson.M
		if err := s.tasks.FindOne(t.Context(), bson.D{{Key: "_id", Value: oid}}).Decode(&raw); err != nil {
			t.Fatal(err)
		}
		return raw
	}
	full, sparse := read(tk.ID), read(bare.ID)
	for field, want := range map[string]any{
		"status": "completed", "originalPath": tk.Original.Path, "idempotencyKey": "key", "attempts": int32(2),
		"createdAt": bson.NewDateTimeFromTime(at), "updatedAt": bson.NewDateTimeFromTime(at), "version": int64(1),
	} {
		if full[field] != want {
			t.Errorf("%s = %#v, want %#v", field, full[field], want)
		}
	}
	if images := fmt.Sprint(full["images"]); !strings.Contains(images, tk.Images[0].Path) {
		t.Errorf("images = %s", images)
	}
	if sparse["error"] != "broken" {
		t.Errorf("error = %#v", sparse["error"])
	}
	// Not null, not "": the unique index holds what is there.
	for _, field := range []string{"idempotencyKey", "originalPath", "startedAt", "finishedAt", "urgent", "notBefore"} {
		if value, there := sparse[field]; there {
			t.Errorf("%s = %#v, want it to be absent", field, value)
		}
	}
}

// TestIndexes reads the indexes back, and opens the same database again, which
// finds them.
func TestIndexes(t *testing.T) {
	t.Parallel()
	s := openAt(t, ferretURI(t))
	again, err := open(t.Context(), ferretURI(t), s.tasks.Database().Name())
	if err != nil {
		t.Fatalf("open again: %v", err)
	}
	defer again.Close()
	specs, err := s.tasks.Indexes().ListSpecifications(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, spec := range specs {
		line := spec.Name + " " + spec.KeysDocument.String()
		if spec.Unique != nil && *spec.Unique {
			line += " unique"
		}
		got = append(got, strings.ReplaceAll(line, `{"$numberInt":"1"}`, "1"))
	}
	slices.Sort(got)
	want := []string{
		`_id_ {"_id": 1}`,
		`tasks_by_age {"createdAt": 1,"_id": 1}`,
		`tasks_by_key {"idempotencyKey": 1} unique`,
		`tasks_by_status_and_age {"status": 1,"createdAt": 1,"_id": 1}`,
		`tasks_unfinished {"status": 1,"_id": 1,"updatedAt": 1,"notBefore": 1}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("indexes:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
