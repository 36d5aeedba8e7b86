package mongo

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"revela/task"
)

func newTask() task.Task {
	now := task.Millis(time.Now())
	return task.Task{ID: task.NewID(), Status: task.Pending, CreatedAt: now, UpdatedAt: now}
}

// unavailable checks that call says so, in the time that the port promises.
func unavailable(t *testing.T, what string, call func() error) {
	t.Helper()
	start := time.Now()
	err := call()
	if took := time.Since(start); !errors.Is(err, task.ErrUnavailable) || took > 2*time.Second {
		t.Errorf("%s: %v after %v, want ErrUnavailable within 2 s", what, err, took)
	}
}

func TestOpenUnavailable(t *testing.T) {
	t.Parallel()
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		uri := "mongodb://" + listener.Addr().String()
		listener.Close()
		unavailable(t, "Open", func() error { _, err := Open(t.Context(), uri, "revela"); return err })
	})
	t.Run("nobody answers", func(t *testing.T) {
		t.Parallel()
		listener, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		uri := "mongodb://" + listener.Addr().String() + "/?serverSelectionTimeoutMS=60000&timeoutMS=60000"
		unavailable(t, "Open", func() error { _, err := Open(t.Context(), uri, "revela"); return err })
	})
	t.Run("the caller leaves", func(t *testing.T) {
		t.Parallel()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err = Open(ctx, "mongodb://"+listener.Addr().String(), "revela")
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, task.ErrUnavailable) || time.Since(start) > time.Second {
			t.Errorf("Open: %v after %v, want the caller's own error", err, time.Since(start))
		}
	})
}

// TestUnavailable: a server hangs, vanishes and comes back.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	p := newProxy(t, ferretURI(t))
	s := openAt(t, p.uri())
	kept, err := s.Create(t.Context(), newTask())
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]func() error{
		"Create":     func() error { _, err := s.Create(t.Context(), newTask()); return err },
		"Update":     func() error { _, err := s.Update(t.Context(), kept); return err },
		"Delete":     func() error { return s.Delete(t.Context(), task.NewID()) },
		"Get":        func() error { _, err := s.Get(t.Context(), kept.ID); return err },
		"FindByKey":  func() error { _, err := s.FindByKey(t.Context(), "key"); return err },
		"List":       func() error { _, err := s.List(t.Context(), task.Query{Limit: 1}); return err },
		"Count":      func() error { _, err := s.Count(t.Context(), task.Filter{}); return err },
		"Search":     func() error { _, err := s.Search(t.Context(), task.Query{Limit: 1}, "a"); return err },
		"Unfinished": func() error { _, err := s.Unfinished(t.Context(), time.Now(), time.Time{}, "", 1); return err },
		"Ping":       func() error { return s.Ping(t.Context()) },
	}
	all := func(t *testing.T, state string) {
		t.Helper()
		done := make(chan struct{})
		for what, call := range calls {
			go func() {
				defer func() { done <- struct{}{} }()
				unavailable(t, what+" of a server that "+state, call)
			}()
		}
		for range calls {
			<-done
		}
	}
	back := func(t *testing.T, state string) {
		t.Helper()
		deadline := time.Now().Add(10 * time.Second)
		for err := s.Ping(t.Context()); err != nil; err = s.Ping(t.Context()) {
			if time.Now().After(deadline) {
				t.Fatalf("a server that %s is back: %v", state, err)
			}
		}
		if _, err := s.Get(t.Context(), kept.ID); err != nil {
			t.Errorf("Get from a server that %s: %v", state, err)
		}
	}

	p.hang()
	all(t, "hangs")
	p.resume()
	back(t, "hung")

	p.vanish()
	all(t, "is gone")
	if err := p.appear(); err != nil {
		t.Fatal(err)
	}
	back(t, "was gone")
}

func TestClosed(t *testing.T) {
	t.Parallel()
	s, err := open(t.Context(), ferretURI(t), newDatabase())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.tasks.Database().Drop(t.Context()), s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	unavailable(t, "Get", func() error { _, err := s.Get(t.Context(), task.NewID()); return err })
	unavailable(t, "Create", func() error { _, err := s.Create(t.Context(), newTask()); return err })
	unavailable(t, "Ping", func() error { return s.Ping(t.Context()) })
}
