package events

import (
	"encoding/json"
	"time"

	"revela/task"
)

// Channel is the name of the Pub/Sub channel that other programs listen to.
const Channel = "task-events"

// message is an event as it stands on the channel. The pointers tell a zero
// that means something from a field that the type of event does not have.
type message struct {
	TaskID         string    `json:"taskId"`
	Timestamp      int64     `json:"timestamp"` // ms since the epoch
	EventType      string    `json:"eventType"`
	Images         []picture `json:"images,omitempty"`
	ProcessingTime *int64    `json:"processingTime,omitempty"` // ms
	Progress       *int      `json:"progress,omitempty"`       // percent
	Error          *string   `json:"error,omitempty"`
	Attempts       *int      `json:"attempts,omitempty"`
	WillRetry      *bool     `json:"willRetry,omitempty"`
	WorkerID       string    `json:"workerId,omitempty"`
}

type picture struct {
	Resolution string `json:"resolution"`
	Path       string `json:"path"`
	Format     string `json:"format"`
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	Size       int64  `json:"size"`
	MD5        string `json:"md5"`
}

// encode writes e as the channel's JSON.
func encode(e task.Event) ([]byte, error) {
	m := message{
		TaskID: string(e.TaskID), Timestamp: e.At.UnixMilli(),
		EventType: string(e.Type), WorkerID: e.WorkerID,
	}
	switch e.Type {
	case task.EventProgress:
		m.Progress = &e.Progress
	case task.EventCompleted:
		ms := e.ProcessingTime.Milliseconds()
		m.ProcessingTime = &ms
		m.Images = make([]picture, len(e.Images))
		for i, img := range e.Images {
			m.Images[i] = picture(img)
		}
	case task.EventRetry:
		m.Error, m.Attempts, m.WillRetry = &e.Error, &e.Attempts, &e.WillRetry
	case task.EventFailed:
		m.Error, m.Attempts = &e.Error, &e.Attempts
	}
	return json.Marshal(m)
}

// resync is what a listener gets in place of events that it may have missed.
func resync(now time.Time) Event {
	data, _ := json.Marshal(message{Timestamp: now.UnixMilli(), EventType: Resync}) // cannot fail: no odd types
	return Event{Type: Resync, Data: data}
}
