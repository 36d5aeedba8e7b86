package task

import (
	"context"
	"time"
)

// How far an attempt is, in percent, at the steps that every one takes.
const (
	fetched  = 20 // the picture of a URL is here
	rendered = 80 // the pixels are done and only storing is left
)

// What is told in between is at least so much further and so much later than
// what was told before, for telling takes an exchange with Redis.
const (
	progressStep  = 10 // percent
	progressPause = 20 * time.Millisecond
)

// meter tells the queue and the world how far an attempt is. One goroutine uses
// it.
type meter struct {
	p    *Processor
	a    Attempt
	told int       // percent
	at   time.Time // when it was told, or the attempt began
}

// reach tells of percent, which only grows, unless that is soon after what was
// told before. Being rendered is always told.
func (m *meter) reach(ctx context.Context, percent int) {
	now := m.p.Now()
	soon := percent-m.told < progressStep || now.Sub(m.at) < progressPause
	if soon && percent < rendered {
		return
	}
	m.told, m.at = percent, now
	m.a.Progress(ctx, percent)
	m.p.Events.Publish(ctx, Event{TaskID: m.a.ID, Type: EventProgress, At: Millis(now), Progress: percent, WorkerID: m.a.WorkerID})
}
