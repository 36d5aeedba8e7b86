package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

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
	data, err := json.Marshal(show(t))
	if err != nil {
		return err
	}
	// The tag is over the bytes, so it also changes when a new version of the
	// program shows the same task in another way.
	sum := sha256.Sum256(data)
	etag := `"` + hex.EncodeToString(sum[:16]) + `"`
	c.Header("ETag", etag)
	c.Header("Cache-Control", "private, no-cache")
	if noneMatch(c.GetHeader("If-None-Match"), etag) {
		c.Status(http.StatusNotModified)
		return nil
	}
	c.Data(http.StatusOK, "application/json", data)
	return nil
}

// noneMatch reports whether an If-None-Match header names etag. The weak
// comparison is the one that RFC 9110 wants here.
func noneMatch(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == etag {
			return true
		}
	}
	return false
}

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
	TotalPages int64  `json:"totalPages"`
	NextCursor string `json:"nextCursor,omitempty"` // absent on the last page
}

// list shows one page of tasks.
func (s *Server) list(c *gin.Context) error {
	p := query(c, "page", "limit", "status", "cursor")
	page := p.int("page", 1, 1, maxPage)
	q := task.Query{
		Filter: task.Filter{Status: p.status("status")},
		Limit:  p.int("limit", defaultLimit, 1, maxLimit),
		After:  p.cursor("cursor"),
	}
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
	found, err := s.cfg.Service.List(c.Request.Context(), q)
	if err != nil {
		return err
	}
	out := TaskList{
		Data: make([]Task, len(found.Tasks)),
		Pagination: Pagination{
			Page: page, Limit: q.Limit, Total: found.Total,
			TotalPages: (found.Total + int64(q.Limit) - 1) / int64(q.Limit),
			NextCursor: formatCursor(found.Next),
		},
	}
	for i, t := range found.Tasks {
		out.Data[i] = show(t)
	}
	return reply(c, http.StatusOK, out)
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
