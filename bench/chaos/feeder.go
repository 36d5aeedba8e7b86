package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// feeder uploads pictures as clients do. One that gets no answer, because the
// process at the other end was killed, tries again; every other one does so
// with an Idempotency-Key, and then both tries are one task. Without a key the
// first try may have left a task of which nobody was told: it must come to an
// end like all others, but it is promised to nobody.
type feeder struct {
	fleet  *fleet
	album  album
	client http.Client

	cut     atomic.Int64 // uploads without an answer
	refused atomic.Int64 // uploads answered 429 or 503, and repeated

	mu       sync.Mutex
	accepted map[string]int // id of a task that was answered with 2xx -> number of its upload
	shared   int            // tasks that were the answer to two uploads
	strange  []string       // answers that a good client should not get
}

func newFeeder(f *fleet, a album) *feeder {
	return &feeder{
		fleet: f, album: a, accepted: map[string]int{},
		client: http.Client{Timeout: 10 * time.Second},
	}
}

// feed uploads n pictures, evenly spread over d, or as fast as they are taken
// if that is slower. A twentieth goes ahead, so that there is always a backlog.
func (f *feeder) feed(ctx context.Context, n int, d time.Duration) {
	const clients = 8
	begun := time.Now()
	var next atomic.Int64
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				due := begun.Add(time.Duration(float64(d) * max(0, float64(i)/float64(n)-0.05)))
				if !every(ctx, time.Until(due)) {
					return
				}
				f.upload(ctx, i)
			}
		})
	}
	all.Wait()
}

// keyed says which uploads carry an Idempotency-Key.
func keyed(n int) bool { return n%2 == 0 }

// count is how many uploads were accepted.
func (f *feeder) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.accepted)
}

// upload tries until the n-th picture is accepted or ctx ends.
func (f *feeder) upload(ctx context.Context, n int) {
	key := ""
	if keyed(n) {
		key = fmt.Sprint("storm-", n)
	}
	for try := 0; ctx.Err() == nil; try++ {
		url := f.fleet.url(n + try)
		if url == "" {
			every(ctx, 20*time.Millisecond)
			continue
		}
		status, body, err := f.post(ctx, url, n, key)
		switch {
		case err != nil:
			f.cut.Add(1)
		case status == http.StatusAccepted, status == http.StatusOK && key != "":
			f.accept(n, body)
			return
		case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
			f.refused.Add(1)
			every(ctx, 200*time.Millisecond)
		default:
			f.mu.Lock()
			f.strange = append(f.strange, fmt.Sprintf("upload %d: %d %.200s", n, status, body))
			f.mu.Unlock()
			return
		}
	}
}

func (f *feeder) post(ctx context.Context, url string, n int, key string) (int, []byte, error) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	name, data := f.album.picture(n)
	part, err := w.CreateFormFile("image", name)
	if err != nil {
		return 0, nil, err
	}
	if _, err := part.Write(data); err != nil {
		return 0, nil, err
	}
	if err := w.Close(); err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/tasks/upload", &form)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

func (f *feeder) accept(n int, body []byte) {
	var task struct{ TaskID string }
	err := json.Unmarshal(body, &task)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil || task.TaskID == "" {
		f.strange = append(f.strange, fmt.Sprintf("upload %d: no task in %.200s", n, body))
		return
	}
	if _, there := f.accepted[task.TaskID]; there {
		f.shared++
	}
	f.accepted[task.TaskID] = n
}
