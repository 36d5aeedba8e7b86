package api

import (
	"cmp"
	"encoding/json"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"revela/app/web/content"
	"revela/imaging"
	"revela/task"
)

// Task is how the API shows a task.
type Task struct {
	TaskID     task.ID     `json:"taskId"`
	Status     task.Status `json:"status"`
	Source     string      `json:"source"`             // file name, URL or import path
	Variants   string      `json:"variants"`           // the set of variants that it asks for
	Priority   string      `json:"priority,omitempty"` // "urgent" or nothing
	Attempts   int         `json:"attempts"`           // begun so far
	Original   *Original   `json:"original,omitempty"` // once it is here
	Images     []Image     `json:"images,omitempty"`   // once completed
	Error      string      `json:"error,omitempty"`    // when failed
	CreatedAt  Time        `json:"createdAt"`
	UpdatedAt  Time        `json:"updatedAt"`
	NotBefore  *Time       `json:"notBefore,omitempty"`  // while the first attempt is to begin later
	StartedAt  *Time       `json:"startedAt,omitempty"`  // the latest attempt
	FinishedAt *Time       `json:"finishedAt,omitempty"` // completed, failed or cancelled
}

// Original is the picture as it came.
type Original struct {
	URL    string `json:"url"`
	Format string `json:"format"`
	Width  int    `json:"width"`  // pixels as shown, after EXIF orientation
	Height int    `json:"height"` // pixels as shown, after EXIF orientation
	Size   int64  `json:"size"`   // bytes
	// Of an animation, or of a TIFF with several pages:
	Frames int    `json:"frames,omitempty"` // how many frames or pages it has
	Note   string `json:"note,omitempty"`   // what becomes of them
	// ThumbHash is a placeholder to show while a picture loads, standard base64;
	// once completed.
	ThumbHash string `json:"thumbhash,omitempty"`
}

// The Notes of an animation and of a TIFF with several pages.
const (
	firstFrame = "animated: the variants show its first frame"
	firstPage  = "of several pages: the variants show the first one"
)

// Image is one finished variant.
type Image struct {
	Resolution string `json:"resolution"`
	Path       string `json:"path"` // relative to DATA_DIR
	URL        string `json:"url"`
	Format     string `json:"format"`
	Width      int    `json:"width"`  // pixels
	Height     int    `json:"height"` // pixels
	Size       int64  `json:"size"`   // bytes
	MD5        string `json:"md5"`    // of the bytes, hex
}

// Time is a moment as RFC 3339 in UTC, always with milliseconds.
type Time time.Time

const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// MarshalJSON writes t.
func (t Time) MarshalJSON() ([]byte, error) {
	return []byte(`"` + time.Time(t).UTC().Format(timeLayout) + `"`), nil
}

// UnmarshalJSON reads what MarshalJSON writes, and any other RFC 3339.
func (t *Time) UnmarshalJSON(data []byte) error { return (*time.Time)(t).UnmarshalJSON(data) }

// show returns what the API says about t.
func show(t task.Task) Task {
	out := Task{
		TaskID: t.ID, Status: t.Status, Source: t.Source.Name, Attempts: t.Attempts,
		Variants:  cmp.Or(t.Variants, task.DefaultSet),
		CreatedAt: Time(t.CreatedAt), UpdatedAt: Time(t.UpdatedAt),
	}
	if t.Urgent {
		out.Priority = string(task.Urgent)
	}
	if !t.NotBefore.IsZero() {
		notBefore := Time(t.NotBefore)
		out.NotBefore = &notBefore
	}
	if !t.StartedAt.IsZero() {
		started := Time(t.StartedAt)
		out.StartedAt = &started
	}
	if !t.FinishedAt.IsZero() {
		finished := Time(t.FinishedAt)
		out.FinishedAt = &finished
	}
	if o := t.Original; o.Path != "" {
		out.Original = &Original{
			URL: taskURL(t.ID) + "/original", Format: o.Format,
			Width: o.Width, Height: o.Height, Size: o.Size, ThumbHash: o.ThumbHash,
		}
		if o.Frames > 1 {
			out.Original.Frames, out.Original.Note = o.Frames, firstFrame
			if o.Format == string(imaging.TIFF) {
				out.Original.Note = firstPage
			}
		}
	}
	switch t.Status {
	case task.Completed:
		for _, img := range t.Images {
			out.Images = append(out.Images, Image{
				Resolution: img.Resolution, Path: img.Path,
				URL:    taskURL(t.ID) + "/images/" + url.PathEscape(img.Resolution),
				Format: img.Format, Width: img.Width, Height: img.Height,
				Size: img.Size, MD5: img.MD5,
			})
		}
	case task.Failed:
		out.Error = t.Error
	}
	return out
}

func taskURL(id task.ID) string { return base + "/tasks/" + string(id) }

// reply answers with v as JSON, which nobody may keep unless the handler has
// said otherwise.
func reply(c *gin.Context, status int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if h := c.Writer.Header(); h["Cache-Control"] == nil {
		h["Cache-Control"] = noStore
	}
	content.Send(c.Writer, c.Request, status, jsonType, data)
	return nil
}

var noStore = []string{"no-store"}
