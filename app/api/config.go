package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"revela/queue"
	"revela/task"
)

// Config is what a Server is made of. All fields are required except where
// they say otherwise.
type Config struct {
	Service   *task.Service
	Queue     *queue.Queue
	Subscribe SubscribeFunc
	Checks    []Check      // what /readyz asks; may be empty
	Metrics   http.Handler // GET /metrics
	Dashboard http.Handler // GET of everything outside the API that has no other route
	Log       *zap.Logger
	Observe   ObserveFunc // may be nil
	Version   string

	APIKey       string        // "" lets everybody use /api/*
	MaxWrongKeys int           // wrong API keys a minute from one address, 429 above; 0 is any number
	MaxUpload    int64         // bytes of one picture, at least 1; Service.MaxBytes should be the same
	MaxStreams   int           // event streams at the same time; 0 is 1000
	Heartbeat    time.Duration // between signs of life on an idle stream; 0 is 15 s
}

// Check is one thing that the process needs in order to serve.
type Check struct {
	Name string
	Run  func(context.Context) error // must honour its context
	// Warnings tells what endangers it although it works; may be nil. It must
	// answer from what it knows.
	Warnings func() []string
}

// SubscribeFunc listens to the events of one task or, with an empty id, to all.
// after is the id of the last event that the listener saw, or "".
type SubscribeFunc func(id task.ID, after string) Subscription

// Subscription is one listener's stream of events. An event of type "resync"
// stands where events may be missing.
type Subscription interface {
	// Next waits for the next event: its id for resuming, its type, and its
	// data as JSON on one line. After the context's error it may be called
	// again; any other error is the end.
	Next(ctx context.Context) (id, event string, data []byte, err error)
	Close()
}

func (c Config) withDefaults() (Config, error) {
	if c.MaxStreams == 0 {
		c.MaxStreams = 1000
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = 15 * time.Second
	}
	var errs []error
	need := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New("api: "+what))
		}
	}
	need(c.Service != nil, "Service is missing")
	need(c.Queue != nil, "Queue is missing")
	need(c.Subscribe != nil, "Subscribe is missing")
	need(c.Metrics != nil, "Metrics is missing")
	need(c.Dashboard != nil, "Dashboard is missing")
	need(c.Log != nil, "Log is missing")
	need(c.MaxUpload > 0, fmt.Sprintf("MaxUpload is %d bytes: at least 1 is expected", c.MaxUpload))
	need(c.MaxWrongKeys >= 0, fmt.Sprintf("MaxWrongKeys is %d: at least 0 is expected", c.MaxWrongKeys))
	need(c.MaxStreams > 0, fmt.Sprintf("MaxStreams is %d: at least 1 is expected", c.MaxStreams))
	need(c.Heartbeat > 0, fmt.Sprintf("Heartbeat is %s: more than 0 is expected", c.Heartbeat))
	for i, check := range c.Checks {
		need(check.Name != "" && check.Run != nil, fmt.Sprintf("check %d has no name or does nothing", i))
	}
	return c, errors.Join(errs...)
}
