package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"revela/task"
)

// Names of the frames that are not events of tasks.
const (
	frameTask   = "task"   // data is the task as GET shows it
	frameEnd    = "end"    // nothing will follow
	frameResync = "resync" // events may be missing; see Subscription
)

// endID is the id of the last frame of a task's stream. A browser that connects
// again sends it back and is told to stop.
const endID = "end"

// streamTimeout is how long a listener may take to accept one frame.
const streamTimeout = 10 * time.Second

// streamAll sends the events of all tasks until the caller leaves.
func (s *Server) streamAll(c *gin.Context) error {
	p := query(c)
	if p.err != nil {
		return p.err
	}
	return s.stream(c, "")
}

// streamTask sends a task's present state, then its events until it is
// finished.
func (s *Server) streamTask(c *gin.Context) error {
	p := query(c)
	if p.err != nil {
		return p.err
	}
	id, err := taskID(c)
	if err != nil {
		return err
	}
	if c.GetHeader("Last-Event-ID") == endID {
		c.Status(http.StatusNoContent) // what makes an EventSource stop
		return nil
	}
	return s.stream(c, id)
}

func (s *Server) stream(c *gin.Context, id task.ID) error {
	if c.Request.Method == http.MethodHead {
		return s.streamHead(c, id)
	}
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		return &problem{code: RateLimited, detail: "Too many event streams are open."}
	}
	if s.live.Err() != nil {
		return &problem{code: Unavailable, detail: "This process is stopping."}
	}
	ctx, cancel := context.WithCancel(c.Request.Context())
	defer cancel()
	defer context.AfterFunc(s.live, cancel)()

	// Listening begins before the state is read, so that nothing falls between.
	sub := s.cfg.Subscribe(id, c.GetHeader("Last-Event-ID"))
	defer sub.Close()
	w := &eventWriter{w: c.Writer, conn: http.NewResponseController(c.Writer)}
	if id == "" {
		w.open()
	} else if done, err := s.sendState(ctx, w, id); done || err != nil {
		return err
	}
	// Once the stream is open its end is the only message left.
	_ = s.forward(ctx, w, sub, id)
	return nil
}

// streamHead answers HEAD: how a stream would begin.
func (s *Server) streamHead(c *gin.Context, id task.ID) error {
	if id != "" {
		if _, err := s.cfg.Service.Get(c.Request.Context(), id); err != nil {
			return err
		}
	}
	streamHeaders(c.Writer.Header())
	c.Status(http.StatusOK)
	return nil
}

// forward sends events until the stream ends.
func (s *Server) forward(ctx context.Context, w *eventWriter, sub Subscription, id task.ID) error {
	for {
		wait, stop := context.WithTimeout(ctx, s.cfg.Heartbeat)
		eventID, event, data, err := sub.Next(wait)
		stop()
		switch {
		case err == nil:
			w.frame(eventID, event, data)
			if id != "" && lastOf(event) {
				w.end()
				return nil
			}
		case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
			w.comment("still here")
		default:
			return err
		}
		// Events may get lost. A listener to one task is told its state where
		// that is known to have happened, and when it ended unheard.
		if id != "" && (err != nil || event == frameResync) {
			if done, err := s.resend(ctx, w, id, event == frameResync); done || err != nil {
				return err
			}
		}
		if w.err != nil {
			return w.err
		}
	}
}

// sendState opens a task's stream with its state. It is done when the task is
// finished. It reads the record itself: a cached copy may be a moment older
// than the event after which nothing follows.
func (s *Server) sendState(ctx context.Context, w *eventWriter, id task.ID) (done bool, err error) {
	t, err := s.cfg.Service.Repo.Get(ctx, id)
	if err != nil {
		return false, err
	}
	w.open()
	return w.task(t), w.err
}

// resend looks at a task again, and sends it if the listener has to know:
// always when asked to, and when it is finished or gone.
func (s *Server) resend(ctx context.Context, w *eventWriter, id task.ID, always bool) (done bool, err error) {
	t, err := s.cfg.Service.Repo.Get(ctx, id)
	switch {
	case errors.Is(err, task.ErrNotFound):
		w.end()
		return true, nil
	case err != nil:
		return false, ctx.Err() // the store's trouble passes; the stream stays
	case always || t.Status.Finished():
		return w.task(t), w.err
	}
	return false, nil
}

// lastOf reports whether nothing follows an event of a task.
func lastOf(event string) bool {
	switch task.EventType(event) {
	case task.EventCompleted, task.EventFailed, task.EventCancelled, task.EventDeleted:
		return true
	}
	return false
}

// eventWriter writes text/event-stream. After an error it does nothing.
type eventWriter struct {
	w    http.ResponseWriter
	conn *http.ResponseController
	err  error
}

// open sends the head of the answer.
func (w *eventWriter) open() {
	streamHeaders(w.w.Header())
	w.w.WriteHeader(http.StatusOK)
	w.write([]byte("retry: 2000\n\n"))
}

func streamHeaders(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would collect events otherwise
}

// frame sends one event. data must be one line.
func (w *eventWriter) frame(id, event string, data []byte) {
	var b bytes.Buffer
	if id != "" {
		fmt.Fprintf(&b, "id: %s\n", id)
	}
	fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", event, data)
	w.write(b.Bytes())
}

// task sends a task's state, and the end of the stream if it is finished.
func (w *eventWriter) task(t task.Task) (done bool) {
	data, err := json.Marshal(show(t))
	if err != nil {
		w.err = err
		return false
	}
	w.frame("", frameTask, data)
	if t.Status.Finished() {
		w.end()
	}
	return t.Status.Finished()
}

func (w *eventWriter) end() { w.frame(endID, frameEnd, []byte("{}")) }

func (w *eventWriter) comment(text string) { w.write([]byte(": " + text + "\n\n")) }

func (w *eventWriter) write(p []byte) {
	if w.err != nil {
		return
	}
	// The server's own deadline is for answers that come to an end.
	_ = w.conn.SetWriteDeadline(time.Now().Add(streamTimeout))
	if _, w.err = w.w.Write(p); w.err == nil {
		w.err = w.conn.Flush()
	}
}
