package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"revela/task"
)

// get shows one task.
func (s *Server) get(c *gin.Context) error {
	id, err := taskID(c)
	if err != nil {
		return err
	}
	t, err := s.cfg.Service.Get(c.Request.Context(), id)
	if err != nil {
		return err
	}
	body, err := s.rendered.task(&t)
	if err != nil {
		return err
	}
	revalidate(c, body)
	return nil
}

// revalidate sends what may change at any time and is read again and again: who
// has it may keep it, but has to ask each time whether it still holds. That is
// so for finished tasks too, since they may be deleted. "private" keeps shared
// caches out, which cannot tell who may see it, and makes a Vary over the API
// key needless.
func revalidate(c *gin.Context, body http.Handler) {
	c.Writer.Header()["Cache-Control"] = privateNoCache
	body.ServeHTTP(c.Writer, c.Request)
}

var privateNoCache = []string{"private, no-cache"}

// Bounds of a listing.
const (
	defaultLimit = 10
	maxLimit     = 100
	maxPage      = 1_000_000 // farther down a cursor is the way
)

// TaskList is one page of tasks, newest first.
type TaskList struct {
	Data       []Task     `json:"data"`
	Pagination Pagination `json:"pagination"`
}

// Pagination says where a page stands.
type Pagination struct {
	Page       int    `json:"page,omitempty"` // from 1; absent after a cursor
	Limit      int    `json:"limit"`
	Total      int64  `json:"total"`
	Exact      bool   `json:"totalIsExact"` // if not, there are at least about that many
	TotalPages int64  `json:"totalPages"`
	NextCursor string `json:"nextCursor,omitempty"` // absent where nothing follows
}

// list shows one page of tasks.
func (s *Server) list(c *gin.Context) error {
	p := query(c, "page", "limit", "status", "createdAfter", "createdBefore", "q", "cursor")
	page := p.int("page", 1, 1, maxPage)
	q := task.Query{
		Filter: task.Filter{Statuses: p.statuses("status")},
		Limit:  p.int("limit", defaultLimit, 1, maxLimit),
		After:  p.cursor("cursor"),
	}
	q.From, q.Until = p.span("createdAfter", "createdBefore")
	text := p.text("q")
	if p.has("cursor") && p.has("page") {
		p.refuse("page", "cannot go with a cursor", "either page or cursor is expected")
	}
	if p.err != nil {
		return p.err
	}
	if q.After.IsZero() {
		q.Offset = (page - 1) * q.Limit
	} else {
		page = 0
	}
	var found task.Page
	var err error
	if text == "" {
		found, err = s.cfg.Service.List(c.Request.Context(), q)
	} else {
		found, err = s.cfg.Service.Search(c.Request.Context(), q, text)
	}
	if err != nil {
		return err
	}
	body, err := s.rendered.list(pageKey{q, text, page}, found.Tasks, Pagination{
		Page: page, Limit: q.Limit, Total: found.Total.N, Exact: found.Total.Exact,
		TotalPages: (found.Total.N + int64(q.Limit) - 1) / int64(q.Limit),
		NextCursor: formatCursor(found.Next),
	})
	if err != nil {
		return err
	}
	revalidate(c, body)
	return nil
}

// retry gives a failed task new attempts.
func (s *Server) retry(c *gin.Context) error {
	id, err := taskID(c)
	if err != nil {
		return err
	}
	t, err := s.cfg.Service.Retry(c.Request.Context(), id)
	if err != nil {
		return err
	}
	c.Header("Location", taskURL(id))
	return reply(c, http.StatusAccepted, show(t))
}

// cancel stops an unfinished task.
func (s *Server) cancel(c *gin.Context) error {
	id, err := taskID(c)
	if err != nil {
		return err
	}
	t, err := s.cfg.Service.Cancel(c.Request.Context(), id)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, show(t))
}

// remove deletes a task with all that belongs to it.
func (s *Server) remove(c *gin.Context) error {
	id, err := taskID(c)
	if err != nil {
		return err
	}
	if err := s.cfg.Service.Delete(c.Request.Context(), id); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

func taskID(c *gin.Context) (task.ID, error) { return task.ParseID(c.Param("taskId")) }
