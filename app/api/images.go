package api

import (
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/zap"

	"revela/imaging"
	"revela/task"
)

// image sends one variant.
func (s *Server) image(c *gin.Context) error {
	id, err := taskID(c)
	if err != nil {
		return err
	}
	resolution := c.Param("resolution")
	img, f, err := s.cfg.Service.OpenImage(c.Request.Context(), id, resolution)
	if err != nil {
		return s.noFile(c, id, err, "The task has no image "+clip(resolution, 64)+".")
	}
	defer f.Close()
	// The address holds no hash, but a completed task never changes its images.
	c.Header("Cache-Control", "private, max-age=31536000, immutable")
	c.Header("Content-Disposition", disposition("inline", img.Resolution+path.Ext(img.Path)))
	return send(c, f, imaging.Format(img.Format), img.MD5)
}

// original sends the picture as it came. It is the one thing served here that
// somebody else has made, so a browser saves it and does not show it.
func (s *Server) original(c *gin.Context) error {
	id, err := taskID(c)
	if err != nil {
		return err
	}
	t, f, err := s.cfg.Service.OpenOriginal(c.Request.Context(), id)
	if err != nil {
		return s.noFile(c, id, err, "The original is not here yet.")
	}
	defer f.Close()
	name := displayName(t.Source.Name)
	if t.Source.Kind == task.URL || name == "" {
		name = string(id) + path.Ext(t.Original.Path)
	}
	c.Header("Cache-Control", "private, no-cache")
	c.Header("Content-Disposition", disposition("attachment", name))
	return send(c, f, imaging.Format(t.Original.Format), t.Original.SHA256)
}

// noFile tells a task that is not there from a file that is not.
func (s *Server) noFile(c *gin.Context, id task.ID, err error, detail string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// Either the task is just being deleted or its file was taken away.
		s.log(c).Warn("a file is gone", zap.Error(err))
		return &problem{code: ImageNotFound, detail: "Its file is gone."}
	case errors.Is(err, task.ErrNotFound):
		if _, there := s.cfg.Service.Get(c.Request.Context(), id); there == nil {
			return &problem{code: ImageNotFound, detail: detail}
		}
	}
	return err
}

// minSend is how slowly an answer may be taken, in bytes a second.
const minSend = 32 << 10

// send writes f, or the ranges of it that were asked for. sum is the content's
// hash in hex. Its error is a *problem.
func send(c *gin.Context, f task.File, format imaging.Format, sum string) error {
	h := c.Writer.Header()
	h.Set("Content-Type", format.MIME())
	if sum != "" {
		h.Set("ETag", `"`+sum+`"`)
	}
	slowest := writeTimeout + time.Duration(f.Size()/minSend)*time.Second
	_ = http.NewResponseController(c.Writer).SetWriteDeadline(time.Now().Add(slowest)) // else the server's own holds
	if !strings.HasPrefix(c.GetHeader("Range"), "bytes=") {
		c.Request.Header.Del("Range") // RFC 9110: other units than bytes are ignored
	}
	w := &holdback{ResponseWriter: c.Writer}
	http.ServeContent(w, c.Request, "", f.ModTime(), f)
	switch w.held {
	case 0:
		return nil
	case http.StatusRequestedRangeNotSatisfiable:
		return &problem{code: RangeNotSatisfiable, detail: fmt.Sprintf("The picture has %d bytes.", f.Size())}
	case http.StatusPreconditionFailed:
		return &problem{code: PreconditionFailed, detail: "The picture's ETag is " + h.Get("ETag") + "."}
	}
	return fmt.Errorf("send a picture: status %d", w.held)
}

// disposition writes a Content-Disposition; the name is encoded, so that it
// cannot end the header or add parameters.
func disposition(kind, name string) string {
	if v := mime.FormatMediaType(kind, map[string]string{"filename": name}); v != "" {
		return v
	}
	return kind
}
