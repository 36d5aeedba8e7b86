package task

import "time"

// EventType names what happened to a task.
type EventType string

// The events, as they are published on the channel task-events.
const (
	EventCreated    EventType = "task.created"
	EventProcessing EventType = "task.processing"
	EventProgress   EventType = "task.progress"
	EventCompleted  EventType = "task.completed"
	EventRetry      EventType = "task.retry"
	EventFailed     EventType = "task.failed"
	EventCancelled  EventType = "task.cancelled"
	EventDeleted    EventType = "task.deleted"
)

// Event is one change of a task. Which fields are set depends on Type.
type Event struct {
	TaskID         ID
	Type           EventType
	At             time.Time
	Images         []Image       // completed
	ProcessingTime time.Duration // completed
	Progress       int           // progress: percent, 0 to 100
	Error          string        // retry, failed
	Attempts       int           // retry, failed: attempts made
	WillRetry      bool          // retry
	WorkerID       string        // where a worker acted
}
