package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Task is a task as the API shows it.
type Task struct {
	ID        string    `json:"taskId"`
	Status    string    `json:"status"`
	Source    string    `json:"source"`
	Attempts  int       `json:"attempts"`
	Variants  string    `json:"variants"` // the name of their set
	Priority  string    `json:"priority"` // "urgent" or nothing
	Original  *Original `json:"original"` // nil until it is fetched
	Images    []Image   `json:"images"`   // when completed
	Error     string    `json:"error"`    // when failed
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
	NotBefore time.Time `json:"notBefore"` // while the first attempt is to begin later

	Raw json.RawMessage `json:"-"` // all that the server said
}

// Original is the picture as it came.
type Original struct {
	URL       string `json:"url"` // of the bytes
	Format    string `json:"format"`
	Width     int    `json:"width"`     // pixels
	Height    int    `json:"height"`    // pixels
	Size      int64  `json:"size"`      // bytes
	Frames    int    `json:"frames"`    // of an animation, or pages of a TIFF
	Note      string `json:"note"`      // for people
	ThumbHash string `json:"thumbhash"` // standard base64, when completed
}

// Image is one variant.
type Image struct {
	Resolution string `json:"resolution"`
	Path       string `json:"path"` // in the server's data directory
	URL        string `json:"url"`  // of the bytes
	Format     string `json:"format"`
	Width      int    `json:"width"`  // pixels
	Height     int    `json:"height"` // pixels
	Size       int64  `json:"size"`   // bytes
	MD5        string `json:"md5"`
}

// UnmarshalJSON keeps the text besides.
func (t *Task) UnmarshalJSON(data []byte) error {
	type plain Task
	if err := json.Unmarshal(data, (*plain)(t)); err != nil {
		return err
	}
	t.Raw = bytes.Clone(data)
	return nil
}

// Finished reports whether nothing more will happen to it by itself.
func (t Task) Finished() bool {
	return t.Status == "completed" || t.Status == "failed" || t.Status == "cancelled"
}

// Wishes are what a task may be asked for besides its picture. Zero fields are
// the server's defaults.
type Wishes struct {
	Variants string        // the name of their set
	Priority string        // "normal" or "urgent"
	Delay    time.Duration // before the first attempt
}

// fields are w as a submission has them.
func (w Wishes) fields() map[string]string {
	f := map[string]string{}
	if w.Variants != "" {
		f["variants"] = w.Variants
	}
	if w.Priority != "" {
		f["priority"] = w.Priority
	}
	if w.Delay != 0 {
		f["delay"] = w.Delay.String()
	}
	return f
}

// Upload sends a picture of size bytes, under a name that is for people only.
func (c *Client) Upload(ctx context.Context, name string, w Wishes, r io.Reader, size int64) (Task, error) {
	// The frame around the bytes is made beforehand, so that the length of the
	// request is known and nothing is held in memory.
	var frame bytes.Buffer
	form := multipart.NewWriter(&frame)
	for field, value := range w.fields() {
		if err := form.WriteField(field, value); err != nil {
			return Task{}, fmt.Errorf("make the request: %w", err)
		}
	}
	if _, err := form.CreateFormFile("image", name); err != nil {
		return Task{}, fmt.Errorf("make the request: %w", err)
	}
	head := frame.Len()
	if err := form.Close(); err != nil {
		return Task{}, fmt.Errorf("make the request: %w", err)
	}
	before, after := frame.Bytes()[:head], frame.Bytes()[head:]
	body := io.MultiReader(bytes.NewReader(before), io.LimitReader(r, size), bytes.NewReader(after))
	req, err := c.request(ctx, http.MethodPost, "/tasks/upload", body)
	if err != nil {
		return Task{}, err
	}
	req.ContentLength = size + int64(frame.Len())
	req.Header.Set("Content-Type", form.FormDataContentType())
	var t Task
	err = c.do(req, &t)
	return t, err
}

// SubmitURL has the server fetch a picture.
func (c *Client) SubmitURL(ctx context.Context, address string, w Wishes) (Task, error) {
	var t Task
	in := w.fields()
	in["imageUrl"] = address
	err := c.call(ctx, http.MethodPost, "/tasks", in, &t)
	return t, err
}

// Task returns one task.
func (c *Client) Task(ctx context.Context, id string) (Task, error) {
	var t Task
	err := c.call(ctx, http.MethodGet, "/tasks/"+url.PathEscape(id), nil, &t)
	return t, err
}

// Listing selects tasks. Zero fields are the server's defaults.
type Listing struct {
	Status        string // or several with commas in between
	CreatedAfter  string // included; RFC 3339 or milliseconds since 1970
	CreatedBefore string // not included
	Search        string // a part of the source
	Page          int
	Limit         int
	Cursor        string // the NextCursor of the page before
}

// Page is one page of tasks, newest first.
type Page struct {
	Tasks      []Task `json:"data"`
	Pagination struct {
		Page         int    `json:"page"`
		Limit        int    `json:"limit"`
		Total        int64  `json:"total"`
		TotalIsExact bool   `json:"totalIsExact"`
		TotalPages   int64  `json:"totalPages"`
		NextCursor   string `json:"nextCursor"` // "" where nothing follows
	} `json:"pagination"`
}

// Tasks lists tasks.
func (c *Client) Tasks(ctx context.Context, l Listing) (Page, error) {
	q := url.Values{}
	set := func(name, value string, given bool) {
		if given {
			q.Set(name, value)
		}
	}
	set("status", l.Status, l.Status != "")
	set("createdAfter", l.CreatedAfter, l.CreatedAfter != "")
	set("createdBefore", l.CreatedBefore, l.CreatedBefore != "")
	set("q", l.Search, l.Search != "")
	set("page", strconv.Itoa(l.Page), l.Page != 0)
	set("limit", strconv.Itoa(l.Limit), l.Limit != 0)
	set("cursor", l.Cursor, l.Cursor != "")
	path := "/tasks"
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	var p Page
	err := c.call(ctx, http.MethodGet, path, nil, &p)
	return p, err
}

// Retry gives a failed task new attempts.
func (c *Client) Retry(ctx context.Context, id string) (Task, error) {
	var t Task
	err := c.call(ctx, http.MethodPost, "/tasks/"+url.PathEscape(id)+"/retry", nil, &t)
	return t, err
}

// Cancel stops a task.
func (c *Client) Cancel(ctx context.Context, id string) (Task, error) {
	var t Task
	err := c.call(ctx, http.MethodPost, "/tasks/"+url.PathEscape(id)+"/cancel", nil, &t)
	return t, err
}

// Delete removes a task, its files and its job.
func (c *Client) Delete(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "/tasks/"+url.PathEscape(id), nil, nil)
}
