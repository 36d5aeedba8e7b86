package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// ObserveFunc hears of every request when it has ended: the pattern of its
// route, "" if none took it, its method, the status of its answer and how long
// it took; for an event stream that is how long it was open. It is called from
// many goroutines and must not block.
type ObserveFunc func(route, method string, status int, took time.Duration)

// Of the reads that succeed, so many a second are logged one by one, then every
// so many-th: writing a line costs as much as answering from the cache. Requests
// that change something or fail are all logged, and Observe hears of all.
const (
	logReads     = 100
	logEveryNth  = 100
	sampleWindow = time.Second
)

// sampleReads returns the logger for reads that succeed. A log that shows debug
// messages shows all of them.
func sampleReads(log *zap.Logger) *zap.Logger {
	if log.Core().Enabled(zapcore.DebugLevel) {
		return log
	}
	return log.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(core, sampleWindow, logReads, logEveryNth)
	}))
}

// access observes every request and logs it in one line, which leaves out the
// query and all headers, since they may carry secrets. Probes and scrapes are
// only of interest when they fail.
func (s *Server) access(c *gin.Context) {
	began := time.Now()
	c.Next()
	took, status := time.Since(began), c.Writer.Status()
	if s.cfg.Observe != nil {
		s.cfg.Observe(c.FullPath(), c.Request.Method, status, took)
	}
	level, log := zapcore.InfoLevel, s.cfg.Log
	if status < 400 {
		switch c.FullPath() {
		case "/healthz", "/readyz", "/health", "/metrics":
			level = zapcore.DebugLevel
		}
		if c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead {
			log = s.reads
		}
	}
	if entry := log.Check(level, "request"); entry != nil {
		entry.Write(
			zap.String("requestId", requestID(c)),
			zap.String("method", clip(c.Request.Method, 16)),
			zap.String("path", clip(c.Request.URL.Path, 200)),
			zap.String("route", c.FullPath()),
			zap.Int("status", status),
			zap.Int("bytes", max(0, c.Writer.Size())),
			zap.Duration("took", took),
			zap.String("remote", c.RemoteIP()),
		)
	}
}
