package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/gin-gonic/gin"
	"go.uber.org/zap"

	"revela/imaging"
	"revela/queue"
	"revela/task"
)

// fail answers a request whose handler returned err. It is the one place that
// turns errors into answers.
func (s *Server) fail(c *gin.Context, err error) {
	p := explain(err)
	var own *problem
	if c.Request.Context().Err() != nil && !errors.As(err, &own) {
		// net/http ends the context for a caller that left, but also for one
		// whose body broke off or came too slowly, and who may still read why.
		if p = brokenBody(c); p == nil {
			c.Status(statusClientGone)
			c.Abort()
			return
		}
	}
	s.note(c, p, err)
	p.write(c)
}

// note logs what is not the caller's doing.
func (s *Server) note(c *gin.Context, p *problem, err error) {
	switch k := kinds[p.code]; {
	case k.status == 503:
		s.log(c).Warn("unavailable", zap.Error(err))
	case k.status >= 500:
		s.log(c).Error("request failed", zap.Error(err))
	}
}

// statusClientGone is for the access log only, as nginx writes it.
const statusClientGone = 499

// explain finds what the caller may know of an error.
func explain(err error) *problem {
	var (
		own       *problem
		picture   *imaging.Error
		taskState *task.StateError
		jobState  *queue.StateError
		set       *task.UnknownSetError
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &picture):
		return &problem{code: pictureCode(picture), detail: sentence(picture.Detail), cause: err}
	case errors.As(err, &set):
		return &problem{code: InvalidBody, detail: unknownSet(set), hint: "Leave variants out for the default set."}
	case errors.As(err, &taskState):
		return &problem{code: InvalidState, detail: sentence(taskState.Error())}
	case errors.As(err, &jobState):
		return &problem{code: InvalidState, detail: sentence(jobState.Error())}
	}
	for _, known := range sentinels {
		if errors.Is(err, known.err) {
			return &problem{code: known.code, detail: known.detail, cause: err}
		}
	}
	return &problem{code: Internal, cause: err}
}

// sentinels maps the errors that need no detail of their own; the first match
// counts. Their texts say nothing about what stands behind an address or a
// path, so that they do not help to look around.
var sentinels = []struct {
	err    error
	code   Code
	detail string
}{
	{task.ErrInvalidID, InvalidTaskID, "24 hexadecimal digits in lower case are expected."},
	{task.ErrNotFound, TaskNotFound, ""},
	{queue.ErrNoJob, JobNotFound, ""},
	{task.ErrConflict, InvalidState, "The task kept changing meanwhile."},
	{task.ErrFileTooLarge, FileTooLarge, ""},
	{task.ErrEmpty, FileRequired, "The file is empty: no byte of it arrived."},
	{task.ErrSourceRefused, SourceRefused, ""},
	{task.ErrIdempotencyMismatch, IdempotencyMismatch, ""},
	{task.ErrInvalidDelay, InvalidBody, badDelay.detail},
	{task.ErrQueueFull, QueueFull, ""},
	{task.ErrUnavailable, Unavailable, ""},
	{context.DeadlineExceeded, Unavailable, "A service that this one depends on took too long."},
	{context.Canceled, Unavailable, ""},
	{syscall.ENOSPC, Unavailable, "There is no room to store the picture."},
	{syscall.EDQUOT, Unavailable, "There is no room to store the picture."},
}

func unknownSet(e *task.UnknownSetError) string {
	return fmt.Sprintf("There is no set of variants %q; there is %s.", clip(e.Name, 64), strings.Join(e.Known, ", "))
}

func pictureCode(e *imaging.Error) Code {
	switch {
	case errors.Is(e, imaging.ErrTooLarge):
		return ImageTooLarge
	case errors.Is(e, imaging.ErrUnsupported):
		return UnsupportedImage
	default:
		return InvalidImage
	}
}
