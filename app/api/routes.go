package api

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// base is the prefix of everything that an API key protects.
const base = "/api/v1"

// handler answers a request or says why it cannot; in the latter case it has
// written nothing.
type handler func(c *gin.Context) error

// route is one row of the routing table. A GET answers HEAD as well.
type route struct {
	method, path string
	handle       handler
}

// api lists what lives under base, in the order of the documentation.
func (s *Server) api() []route {
	return []route{
		{"POST", "/tasks/upload", s.upload},
		{"POST", "/tasks", s.submit},
		{"POST", "/tasks/bulk", s.submitBulk},
		{"GET", "/tasks", s.list},
		{"GET", "/tasks/:taskId", s.get},
		{"GET", "/tasks/:taskId/images/:resolution", s.image},
		{"GET", "/tasks/:taskId/original", s.original},
		{"POST", "/tasks/:taskId/retry", s.retry},
		{"POST", "/tasks/:taskId/cancel", s.cancel},
		{"DELETE", "/tasks/:taskId", s.remove},
		{"GET", "/tasks/:taskId/events", s.streamTask},
		{"GET", "/events", s.streamAll},
		{"GET", "/queue/stats", s.queueStats},
		{"GET", "/queue/jobs/:key", s.queueJobs}, // gin wants one name for {state} here and {id} below
		{"POST", "/queue/pause", s.queuePause},
		{"POST", "/queue/resume", s.queueResume},
		{"POST", "/queue/retry", s.queueRetry},
		{"POST", "/queue/clean", s.queueClean},
		{"POST", "/queue/jobs/:key/retry", s.jobRetry},
		{"POST", "/queue/jobs/:key/promote", s.jobPromote},
		{"DELETE", "/queue/jobs/:key", s.jobRemove},
	}
}

// outside lists what needs no key. The dashboard has the rest, see unrouted.
func (s *Server) outside() []route {
	return append(s.health(),
		route{"GET", "/openapi.json", s.openapi},
		route{"GET", "/docs", s.showDocs},
	)
}

// health lists what every process answers, also one that only works.
func (s *Server) health() []route {
	return []route{
		{"GET", "/healthz", s.healthz},
		{"GET", "/readyz", s.readyz},
		{"GET", "/health", s.readyz},
		{"GET", "/metrics", s.metrics},
	}
}

// router returns the engine with all middleware and the routes given.
func (s *Server) router(api, outside []route) (*gin.Engine, error) {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false
	if err := e.SetTrustedProxies(nil); err != nil { // gin would trust everybody's X-Forwarded-For
		return nil, err
	}
	e.Use(s.identify, s.access, s.recoverPanic, s.secure, s.guardBody, s.guardOrigin)
	e.NoRoute(s.guardKeyUnder("/api/"), s.answer(s.unrouted))
	e.NoMethod(s.guardKeyUnder("/api/"), s.answer(func(c *gin.Context) error {
		return otherMethod(c, c.Writer.Header().Get("Allow")) // gin knows
	}))
	s.add(e.Group(base, s.guardKey), api)
	s.add(e.Group(""), outside)
	return e, nil
}

func (s *Server) add(g *gin.RouterGroup, routes []route) {
	for _, r := range routes {
		h := s.answer(r.handle)
		g.Handle(r.method, r.path, h)
		if r.method == http.MethodGet {
			g.HEAD(r.path, h)
		}
	}
}

// answer turns h into what gin calls.
func (s *Server) answer(h handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := h(c); err != nil {
			s.fail(c, err)
		}
	}
}
