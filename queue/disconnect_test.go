package queue_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"revela/app/redis"
	"revela/app/redis/redistest"
	"revela/queue"
)

// bullmq#1658, #2466: after a disconnect delayed jobs were late, or never came.
func TestDelayedJobsAreOnTimeAfterDisconnects(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	way := redistest.NewProxy(t, s.Addr)
	_, q := open(t, redis.Config{URL: s.URL}, settings())
	_, worker := open(t, redis.Config{URL: "redis://" + way.Addr}, settings())
	began := make(chan time.Time, 1)
	serve(t, worker, &hand{process: func(context.Context, *queue.Job) error {
		began <- time.Now()
		return nil
	}})
	for _, tt := range []struct {
		id      string
		trouble func()
	}{
		{"reset-while-it-waits", way.Cut},
		{"reset-again-and-again", func() {
			for range 5 {
				way.Cut()
				during(t, 150*time.Millisecond)
			}
		}},
	} {
		due := time.Now().Add(time.Second)
		if _, err := q.Add(t.Context(), queue.Spec{ID: tt.id, Delay: time.Second}); err != nil {
			t.Fatal(err)
		}
		tt.trouble()
		select {
		case at := <-began:
			if late := at.Sub(due); late < -100*time.Millisecond || late > 3*time.Second {
				t.Errorf("%s: %v late", tt.id, late)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: it never came", tt.id)
		}
	}
}

// asynq PR 926: an attempt's context had ended when Redis was away, and so had
// the retry's, which left the job active until its lease was over.
func TestRetryOutlivesItsContextAndAnOutage(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t, durable...)
	qc := settings()
	qc.JobTimeout, qc.Lease = 300*time.Millisecond, 30*time.Second
	_, q := open(t, redis.Config{URL: s.URL}, qc)
	var timedOut atomic.Int32
	stalls := make(chan int, 1)
	serve(t, q, &hand{process: func(ctx context.Context, job *queue.Job) error {
		if job.Attempt == 1 {
			s.Kill()
			<-ctx.Done()
			timedOut.Add(1)
			return ctx.Err()
		}
		stalls <- job.Stalls
		return nil
	}})
	if _, err := q.Add(t.Context(), queue.Spec{ID: "a"}); err != nil && s.Pid() != 0 {
		t.Fatal(err)
	}
	eventually(t, "the attempt timed out without Redis", func() bool { return timedOut.Load() == 1 })
	during(t, 500*time.Millisecond)
	s.Restart()
	began := time.Now()
	if n := receive(t, "the second attempt", stalls); n != 0 || time.Since(began) > 10*time.Second {
		t.Errorf("it came again by the end of its lease: %d stalls, after %v", n, time.Since(began))
	}
	eventually(t, "completed", func() bool {
		got, err := q.Stats(t.Context())
		return err == nil && got == queue.Stats{CompletedTotal: 1}
	})
}

// redis#949: the server gives a job to the blocked pop of a client that is dead
// and does not know it.
func TestDeadClientsBlockedPopTakesAJob(t *testing.T) {
	t.Parallel()
	s := redistest.Server(t)
	admin := s.Client(t)
	way := redistest.NewProxy(t, s.Addr)
	qc := settings()
	qc.Lease = time.Second
	_, q := open(t, redis.Config{URL: s.URL}, qc)
	_, worker := open(t, redis.Config{URL: "redis://" + way.Addr}, qc)
	stalls := make(chan int, 1)
	serve(t, worker, &hand{process: func(_ context.Context, job *queue.Job) error {
		stalls <- job.Stalls
		return nil
	}})
	eventually(t, "the pool's pop is blocked, and its client dead", func() bool {
		text, err := do(t, admin, "INFO", "clients").ToString()
		if err != nil || !strings.Contains(text, "blocked_clients:1\r\n") {
			return false
		}
		way.Forsake()
		return true
	})
	if _, err := q.Add(t.Context(), queue.Spec{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	if ids, err := do(t, admin, "LRANGE", "bull:image-processing:active", "0", "-1").AsStrSlice(); err != nil || !slices.Equal(ids, []string{"a"}) {
		t.Errorf("active = %v, %v; nobody took it", ids, err)
	}
	if n := receive(t, "the job is recovered", stalls); n != 0 {
		t.Errorf("a job that nobody began was charged %d stalls", n)
	}
	eventually(t, "completed", func() bool {
		got, err := q.Stats(t.Context())
		return err == nil && got == queue.Stats{CompletedTotal: 1}
	})
}
