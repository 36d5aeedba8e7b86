package api

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/zap"

	"revela/app/web/content"
)

// Server is the http.Handler of the whole service.
type Server struct {
	cfg      Config
	reads    *zap.Logger // for reads that succeed
	engine   *gin.Engine
	key      keyCheck
	origins  *http.CrossOriginProtection
	ready    readiness
	document *content.Content // openapi.json with this build's version
	docs     page
	rendered renderer

	stopping   atomic.Bool
	streams    chan struct{}   // one element for each open event stream
	live       context.Context // ends when event streams have to
	endStreams context.CancelFunc
}

// New makes a server. It starts nothing; whoever serves it should take its
// limits from HTTPServer.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:      cfg,
		reads:    sampleReads(cfg.Log),
		key:      newKeyCheck(cfg.APIKey, cfg.MaxWrongKeys),
		origins:  http.NewCrossOriginProtection(),
		ready:    readiness{checks: cfg.Checks},
		rendered: newRenderer(),
		streams:  make(chan struct{}, cfg.MaxStreams),
	}
	s.live, s.endStreams = context.WithCancel(context.Background())
	document, err := describe(cfg.Version)
	if err != nil {
		return nil, err
	}
	s.document = content.New(jsonType, document)
	if s.docs, err = renderDocs(document); err != nil {
		return nil, err
	}
	if s.engine, err = s.router(s.api(), s.outside()); err != nil {
		return nil, err
	}
	return s, nil
}

// Health returns the handler of a process that serves no API: health and
// metrics, and 404 for the rest. observe may be nil.
func Health(checks []Check, metrics http.Handler, observe ObserveFunc) (http.Handler, error) {
	if metrics == nil {
		return nil, errors.New("api: metrics are missing")
	}
	s := &Server{
		cfg:     Config{Metrics: metrics, Dashboard: http.NotFoundHandler(), Log: zap.NewNop(), Observe: observe},
		reads:   zap.NewNop(),
		key:     newKeyCheck("", 0),
		origins: http.NewCrossOriginProtection(),
		ready:   readiness{checks: checks},
	}
	return s.router(nil, s.health())
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Stopping makes /readyz answer 503, so that load balancers look elsewhere.
// Everything else goes on.
func (s *Server) Stopping() { s.stopping.Store(true) }

// EndStreams ends every event stream and refuses new ones. http.Server.Shutdown
// would wait for them for ever.
func (s *Server) EndStreams() { s.endStreams() }

// Limits of the server. Bodies have their own, see body.go.
const (
	headerTimeout = 5 * time.Second  // for a request's head
	writeTimeout  = 30 * time.Second // for an answer, counted anew while its request's body comes in
	idleTimeout   = 60 * time.Second // of a connection between requests
	maxHeader     = 32 << 10         // bytes
)

// HTTPServer returns an http.Server with the limits that h needs; what net/http
// has to say goes to log. The caller sets the address or the listener.
func HTTPServer(h http.Handler, log *zap.Logger) *http.Server {
	std, err := zap.NewStdLogAt(log, zap.WarnLevel)
	if err != nil {
		std = zap.NewStdLog(log) // only an unknown level fails
	}
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          std,
	}
}
