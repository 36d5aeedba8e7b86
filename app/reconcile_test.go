package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"go.uber.org/zap"

	"revela/app/config"
	"revela/app/events"
	"revela/app/redis/redistest"
	"revela/imaging/imagetest"
	"revela/task"
)

// Reconcilers that look all the time, and spare nobody, race the uploads and
// the workers: no task is run twice, charged with a stall, or left behind.
func TestReconcilerRacesUploads(t *testing.T) {
	t.Parallel()
	const tasks, uploaders, reconcilers = 120, 4, 2
	server := redistest.Server(t) // of its own: events are heard in all databases
	cfg := config.Default()
	cfg.Data.Dir, cfg.Redis.URL, cfg.Server.Grace = t.TempDir(), server.URL, 0
	a, err := New(t.Context(), cfg, Role{Workers: 4}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	t.Cleanup(func() { stop(); all.Wait() })

	heard := listen(ctx, t, &all, server.Client(t))

	all.Go(func() {
		if err := a.pool.Run(ctx, 0); err != nil {
			t.Error(err)
		}
	})
	var rounds [reconcilers]int
	looking, enough := context.WithCancel(ctx)
	var looks sync.WaitGroup
	for i := range reconcilers {
		looks.Go(func() {
			for ; looking.Err() == nil; rounds[i]++ {
				if _, err := a.repair.Once(looking, task.Round{}); err != nil && looking.Err() == nil {
					t.Errorf("reconcile: %v", err)
				}
			}
		})
	}
	picture := imagetest.JPEG(imagetest.Photo(60, 40))
	var uploads sync.WaitGroup
	for u := range uploaders {
		uploads.Go(func() {
			for i := u; i < tasks; i += uploaders {
				submit := func() error {
					_, _, err := a.tasks.Submit(ctx, task.Submission{
						Source: task.Source{Kind: task.Upload, Name: fmt.Sprint(i, ".jpg")}, Body: bytes.NewReader(picture),
					})
					return err
				}
				err := submit()
				for errors.Is(err, task.ErrUnavailable) { // a slow disk: refused whole, with a 503
					err = submit()
				}
				if err != nil {
					t.Errorf("upload %d: %v", i, err)
				}
			}
		})
	}
	uploads.Wait()
	deadline, tick := time.After(time.Minute), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for heard.tasks("task.completed") < tasks {
		select {
		case <-deadline:
			t.Fatalf("%d of %d completed within a minute", heard.tasks("task.completed"), tasks)
		case <-tick.C:
		}
	}
	enough()
	looks.Wait()

	heard.mu.Lock()
	defer heard.mu.Unlock()
	for event, of := range heard.times {
		for id, n := range of {
			if n != 1 {
				t.Errorf("%d times %s of task %s", n, event, id)
			}
			if x, err := a.records.Get(ctx, task.ID(id)); err != nil || x.Attempts != 1 || x.Stalls != 0 {
				t.Errorf("task %s: %d attempts, %d stalls, %v", id, x.Attempts, x.Stalls, err)
			}
		}
	}
	for i, n := range rounds {
		if n < 10 {
			t.Errorf("reconciler %d looked %d times: it was no race", i, n)
		}
	}
}

// ear counts the events of each task.
type ear struct {
	mu    sync.Mutex
	times map[string]map[string]int // type of event -> task -> how often
}

// listen returns when it hears, and ends with ctx.
func listen(ctx context.Context, t *testing.T, all *sync.WaitGroup, c rueidis.Client) *ear {
	e := &ear{times: map[string]map[string]int{"task.processing": {}, "task.completed": {}}}
	conn, release := c.Dedicate()
	subscribed := make(chan struct{})
	once := sync.OnceFunc(func() { close(subscribed) })
	closed := conn.SetPubSubHooks(rueidis.PubSubHooks{
		OnSubscription: func(rueidis.PubSubSubscription) { once() },
		OnMessage:      e.hear,
	})
	if err := conn.Do(ctx, conn.B().Subscribe().Channel(events.Channel).Build()).Error(); err != nil {
		t.Fatal(err)
	}
	all.Go(func() {
		defer release()
		select {
		case <-ctx.Done():
		case err := <-closed:
			t.Errorf("events are not heard any more: %v", err)
		}
	})
	<-subscribed
	return e
}

func (e *ear) hear(m rueidis.PubSubMessage) {
	var said struct{ TaskID, EventType string }
	if json.Unmarshal([]byte(m.Message), &said) != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if of := e.times[said.EventType]; of != nil {
		of[said.TaskID]++
	}
}

// tasks is how many tasks sent such an event.
func (e *ear) tasks(event string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.times[event])
}
