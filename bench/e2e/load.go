package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// upload is a request that sends one picture.
type upload struct {
	contentType string
	body        []byte
}

func newUpload(picture []byte) (upload, error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("image", "photo.jpg")
	if err != nil {
		return upload{}, err
	}
	if _, err := part.Write(picture); err != nil {
		return upload{}, err
	}
	if err := w.Close(); err != nil {
		return upload{}, err
	}
	return upload{w.FormDataContentType(), b.Bytes()}, nil
}

// result is what a load took.
type result struct {
	wall    time.Duration   // from the first upload to the last completed task
	uploads []time.Duration // until each was accepted, sorted
}

// load uploads n copies from so many clients, waits until the queue is empty,
// and makes sure that every task is completed with all its variants.
func load(ctx context.Context, url string, u upload, n, clients int) (result, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()

	var next atomic.Int64
	var mu sync.Mutex
	var ids []string
	var r result
	senders, sending := errgroup.WithContext(ctx)
	begin := time.Now()
	for range clients {
		senders.Go(func() error {
			for next.Add(1) <= int64(n) {
				sent := time.Now()
				id, err := u.send(sending, client, url)
				if err != nil {
					return err
				}
				mu.Lock()
				ids, r.uploads = append(ids, id), append(r.uploads, time.Since(sent))
				mu.Unlock()
			}
			return nil
		})
	}
	if err := senders.Wait(); err != nil {
		return r, err
	}
	if err := drained(ctx, client, url); err != nil {
		return r, err
	}
	r.wall = time.Since(begin)
	slices.Sort(r.uploads)
	for _, id := range ids {
		if err := completed(ctx, client, url, id); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (u upload) send(ctx context.Context, client *http.Client, url string) (id string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/v1/tasks/upload", bytes.NewReader(u.body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", u.contentType)
	var task struct {
		ID string `json:"taskId"`
	}
	err = do(client, req, &task)
	return task.ID, err
}

// drainLook is between two looks whether a load is done. Each costs the server
// and Redis something, and the clock runs on for half of it in the mean.
const drainLook = 25 * time.Millisecond

// drained waits until the queue has nothing to do.
func drained(ctx context.Context, client *http.Client, url string) error {
	for {
		left, err := stats(ctx, client, url)
		if err != nil || left == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(drainLook):
		}
	}
}

// stats is how many jobs are not done.
func stats(ctx context.Context, client *http.Client, url string) (left int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/queue/stats", nil)
	if err != nil {
		return 0, err
	}
	var s struct{ Waiting, Active, Delayed int }
	err = do(client, req, &s)
	return s.Waiting + s.Active + s.Delayed, err
}

// variants is how many pictures both stacks make of one.
const variants = 2

func completed(ctx context.Context, client *http.Client, url, id string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/tasks/"+id, nil)
	if err != nil {
		return err
	}
	var task struct {
		Status string
		Images []struct{ Width int }
		Error  any
	}
	if err := do(client, req, &task); err != nil {
		return err
	}
	if task.Status != "completed" || len(task.Images) != variants {
		return fmt.Errorf("task %s is %s with %d variants: %v", id, task.Status, len(task.Images), task.Error)
	}
	return nil
}

// do reads the JSON answer to a request that is expected to succeed.
func do(client *http.Client, req *http.Request, answer any) error {
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", req.Method, req.URL.Path, res.Status, body)
	}
	return json.Unmarshal(body, answer)
}
