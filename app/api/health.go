package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// healthz says that the process lives, whatever else is wrong.
func (s *Server) healthz(c *gin.Context) error {
	return reply(c, http.StatusOK, struct {
		Status  string `json:"status"`
		Version string `json:"version,omitempty"`
	}{"ok", s.cfg.Version})
}

// Readiness is what /readyz answers.
type Readiness struct {
	Status  string        `json:"status"`            // "ready", "unavailable" or "stopping"
	Version string        `json:"version,omitempty"` // not told by a process without an API
	Checks  []CheckResult `json:"checks"`
	// Warnings are no reason to be not ready: to take a service that works out
	// of the balance would make an outage of a danger.
	Warnings []string `json:"warnings,omitempty"`
}

// CheckResult is what became of one check.
type CheckResult struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// readyz says whether the process can serve, and what is wrong if not.
func (s *Server) readyz(c *gin.Context) error {
	results := s.ready.results()
	out := Readiness{Status: "ready", Version: s.cfg.Version, Checks: results}
	for _, r := range results {
		if !r.OK {
			out.Status = "unavailable"
		}
	}
	for _, check := range s.ready.checks {
		if check.Warnings != nil {
			out.Warnings = append(out.Warnings, check.Warnings()...)
		}
	}
	if s.stopping.Load() {
		out.Status = "stopping"
	}
	if out.Status == "ready" {
		return reply(c, http.StatusOK, out)
	}
	c.Header("Retry-After", "2")
	return reply(c, http.StatusServiceUnavailable, out)
}

func (s *Server) metrics(c *gin.Context) error {
	c.Header("Cache-Control", "no-store")
	s.cfg.Metrics.ServeHTTP(c.Writer, c.Request)
	return nil
}

const (
	checkTimeout = 2 * time.Second
	checkFresh   = 500 * time.Millisecond // how long a result is good for
)

// readiness runs the checks, for all who ask at the same time together: the
// question is open to everybody and must not become a load.
type readiness struct {
	checks []Check

	mu   sync.Mutex
	last []CheckResult
	at   time.Time
}

// results returns the state of every check, in order. The slice is shared.
func (r *readiness) results() []CheckResult {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last != nil && time.Since(r.at) < checkFresh {
		return r.last
	}
	// Not the caller's context: the result is for others too.
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	results := make([]CheckResult, len(r.checks))
	var wg sync.WaitGroup
	for i, check := range r.checks {
		wg.Go(func() {
			results[i] = CheckResult{Name: check.Name, OK: true}
			if err := check.Run(ctx); err != nil {
				results[i].OK, results[i].Error = false, clip(err.Error(), 300)
			}
		})
	}
	wg.Wait()
	r.last, r.at = results, time.Now()
	return results
}
