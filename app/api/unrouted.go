package api

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// unrouted gives the dashboard what nobody else answers.
func (s *Server) unrouted(c *gin.Context) error {
	r := c.Request
	switch {
	case strings.HasPrefix(r.URL.Path, "/api/"):
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		c.Status(http.StatusOK) // gin has prepared 404
		w := &holdback{ResponseWriter: c.Writer}
		s.cfg.Dashboard.ServeHTTP(w, r)
		if w.held == 0 {
			return nil
		}
	case s.onDashboard(r):
		c.Status(http.StatusOK)
		return otherMethod(c, "GET, HEAD")
	}
	return &problem{code: NotFound, detail: "Nothing lives at " + clip(r.URL.Path, 200) + "."}
}

// onDashboard reports whether the dashboard has something at r's address.
func (s *Server) onDashboard(r *http.Request) bool {
	r = r.Clone(r.Context())
	r.Method = http.MethodHead
	w := &probe{header: http.Header{}}
	s.cfg.Dashboard.ServeHTTP(w, r)
	return w.status == 0 || w.status < 400
}

// probe is an answer of which only the status counts.
type probe struct {
	header http.Header
	status int
}

func (w *probe) Header() http.Header         { return w.header }
func (w *probe) Write(p []byte) (int, error) { return len(p), nil }
func (w *probe) WriteHeader(status int)      { w.status = status }

// holdback holds back a refusal of the handler that it is given to.
type holdback struct {
	http.ResponseWriter
	held int // its status, 0 if there was none
}

func (w *holdback) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		w.held = status
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *holdback) Write(p []byte) (int, error) {
	if w.held != 0 {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

func (w *holdback) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// otherMethod answers a request at a place that allows only others: it tells
// which, as the answer to OPTIONS or as a problem.
func otherMethod(c *gin.Context, allow string) error {
	allow += ", OPTIONS"
	c.Header("Allow", allow)
	if c.Request.Method == http.MethodOptions {
		c.Header("Cache-Control", "no-store")
		c.Status(http.StatusNoContent)
		return nil
	}
	return &problem{code: MethodNotAllowed, detail: clip(c.Request.Method, 16) + " is not possible here; only " + allow + "."}
}
