package sqlite_test

import (
	"testing"

	"revela/storage/sqlite"
	"revela/task"
)

func benchStore(b *testing.B) *sqlite.Store {
	s, err := sqlite.Open(b.Context(), b.TempDir()+"/tasks.db")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

func BenchmarkCreate(b *testing.B) {
	s := benchStore(b)
	for b.Loop() {
		if _, err := s.Create(b.Context(), newTask()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	s := benchStore(b)
	t, err := s.Create(b.Context(), newTask())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if t, err = s.Update(b.Context(), t); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s := benchStore(b)
	t, err := s.Create(b.Context(), newTask())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Get(b.Context(), t.ID); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkList(b *testing.B) {
	s := benchStore(b)
	for range 100 {
		if _, err := s.Create(b.Context(), newTask()); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := s.List(b.Context(), task.Query{Limit: 10}); err != nil {
			b.Fatal(err)
		}
	}
}
