package api

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"revela/task"
)

// Bounds of a bulk submission.
const (
	maxBulk      = 500              // items
	bulkFor      = 20 * time.Second // for all of them
	bulkParallel = 8                // items at a time; their jobs go to Redis together
)

var bulkJSON = jsonLimit{1 << 20, "Send fewer items at a time."}

// bulkItem is one picture of many.
type bulkItem struct {
	named
	IdempotencyKey string `json:"idempotencyKey"`
}

// BulkList says what became of each item, in the order of the items.
type BulkList struct {
	Data []BulkResult `json:"data"`
}

// BulkResult is a task, or why there is none.
type BulkResult struct {
	Task  *Task      `json:"task,omitempty"`
	Error *BulkError `json:"error,omitempty"`
}

// BulkError is what a single submission's Problem would say.
type BulkError struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"` // how to mend it
}

// submitBulk takes the names of many pictures: 202 when all became tasks, 207
// when some did not.
func (s *Server) submitBulk(c *gin.Context) error {
	if mediaType(c) != "application/json" {
		return &problem{code: InvalidBody, detail: "The Content-Type is not application/json."}
	}
	if key, err := idempotencyKey(c); key != "" || err != nil {
		return &problem{code: InvalidBody, detail: "One Idempotency-Key cannot stand for many pictures.",
			hint: "Give each item an idempotencyKey."}
	}
	var in struct {
		Tasks []bulkItem `json:"tasks"`
	}
	if err := readJSON(c, &in, bulkJSON); err != nil {
		return err
	}
	if n := len(in.Tasks); n < 1 || n > maxBulk {
		return &problem{code: InvalidBody, detail: "tasks must have 1 to 500 items."}
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), bulkFor)
	defer cancel()
	b := bulk{server: s, items: in.Tasks, out: make([]BulkResult, len(in.Tasks))}
	b.run(ctx)
	if err := c.Request.Context().Err(); err != nil {
		return err // nobody is there to be told
	}
	if stop := b.stop.Load(); stop != nil {
		s.note(c, stop.problem, stop.err)
		if wait := kinds[stop.problem.code].retryAfter; wait > 0 {
			c.Header("Retry-After", strconv.Itoa(wait))
		}
	}
	status := http.StatusAccepted
	if b.failed.Load() {
		status = http.StatusMultiStatus
	}
	return reply(c, status, BulkList{b.out})
}

// bulk is one bulk submission. Its workers share it.
type bulk struct {
	server *Server
	items  []bulkItem
	out    []BulkResult // each element is written by the worker that took the item
	next   atomic.Int64 // item to take
	failed atomic.Bool
	stop   atomic.Pointer[stopped] // once set, what is left is not tried
}

// stopped is a failure that the items to come would meet too.
type stopped struct {
	problem *problem
	err     error // its cause, for the log
}

// run submits the items in order, some at a time.
func (b *bulk) run(ctx context.Context) {
	var workers sync.WaitGroup
	for range min(bulkParallel, len(b.items)) {
		workers.Go(func() {
			for i := b.next.Add(1) - 1; i < int64(len(b.items)); i = b.next.Add(1) - 1 {
				b.out[i] = b.result(ctx, b.items[i])
			}
		})
	}
	workers.Wait()
}

// result submits one item, unless the run has stopped.
func (b *bulk) result(ctx context.Context, item bulkItem) BulkResult {
	if stop := b.stop.Load(); stop != nil {
		return b.refusal(stop.problem)
	}
	t, err := b.submit(ctx, item)
	if err == nil {
		shown := show(t)
		return BulkResult{Task: &shown}
	}
	p := explain(err)
	if p.code == QueueFull || kinds[p.code].status >= 500 {
		b.stop.CompareAndSwap(nil, &stopped{p, err})
	}
	return b.refusal(p)
}

func (b *bulk) submit(ctx context.Context, item bulkItem) (task.Task, error) {
	if item.IdempotencyKey != "" && !usableKey(item.IdempotencyKey) {
		return task.Task{}, badKey("idempotencyKey")
	}
	sub, err := b.server.submission(item.named, item.IdempotencyKey)
	if err != nil {
		return task.Task{}, err
	}
	t, _, err := b.server.cfg.Service.Submit(ctx, sub)
	return t, b.server.tooLarge(err)
}

func (b *bulk) refusal(p *problem) BulkResult {
	b.failed.Store(true)
	says := p.show()
	message := says.Detail
	if message == "" {
		message = says.Title + "."
	}
	return BulkResult{Error: &BulkError{p.code, message, says.Hint}}
}
