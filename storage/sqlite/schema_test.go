package sqlite

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"revela/task"
)

// A file of the first schema, with a task of its time, is brought up to date.
func TestOldTasksStayReadable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "old.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		migrations[0],
		"PRAGMA user_version = 1",
		`INSERT INTO tasks VALUES ('6b04df4d10e66d233140e294', 3, 'completed', 'upload', 'a.jpg',
			'storage/images/x/original.jpg', 'jpeg', 40, 30, 500, 'abc',
			'[{"resolution":"10","path":"output/x/10/m.jpg","format":"jpeg","width":10,"height":8,"size":99,"md5":"m"}]',
			'', 1, 0, NULL, 'abc', 'token', NULL, NULL, 1000, 2000)`,
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := s.Get(t.Context(), "6b04df4d10e66d233140e294")
	if err != nil {
		t.Fatal(err)
	}
	want := task.Original{Path: "storage/images/x/original.jpg", Format: "jpeg", Width: 40, Height: 30, Size: 500, SHA256: "abc"}
	if diff := cmp.Diff(want, got.Original); diff != "" || got.Variants != "" || len(got.Images) != 1 {
		t.Errorf("an old task is read as %+v\n%s", got, diff)
	}
	if got.Urgent || !got.NotBefore.IsZero() {
		t.Errorf("an old task is urgent (%v) or to begin later (%v)", got.Urgent, got.NotBefore)
	}
	got.Variants, got.Original.ThumbHash, got.Original.Frames = "thumbs", "abcd", 2
	if _, err := s.Update(t.Context(), got); err != nil {
		t.Errorf("an old task cannot be changed: %v", err)
	}
}
