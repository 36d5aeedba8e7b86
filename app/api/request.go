package api

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/gin-gonic/gin"
	"go.uber.org/zap"
)

const requestIDHeader = "X-Request-Id"

// identify gives the request an id: the caller's, if it is harmless, or a new one.
func (s *Server) identify(c *gin.Context) {
	id := c.GetHeader(requestIDHeader)
	if !harmless(id) {
		id = newID()
	}
	c.Writer.Header()[requestIDHeader] = []string{id}
}

// newID returns 128 random bits in hex. They have to be unique, not secret.
func newID() string {
	var b [16]byte
	binary.NativeEndian.PutUint64(b[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(b[8:], rand.Uint64())
	return hex.EncodeToString(b[:])
}

// harmless reports whether a caller's request id may stand in logs.
func harmless(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	return strings.IndexFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.:", r)
	}) < 0
}

func requestID(c *gin.Context) string { return c.Writer.Header().Get(requestIDHeader) }

// log returns the logger for what concerns this request.
func (s *Server) log(c *gin.Context) *zap.Logger {
	return s.cfg.Log.With(
		zap.String("requestId", requestID(c)),
		zap.String("method", clip(c.Request.Method, 16)),
		zap.String("path", clip(c.Request.URL.Path, 200)),
	)
}

// recoverPanic logs a handler's panic with its stack and answers 500.
func (s *Server) recoverPanic(c *gin.Context) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(v) // net/http's own way to break a connection off
		}
		s.log(c).Error("panic in a handler", zap.String("panic", fmt.Sprint(v)), zap.ByteString("stack", debug.Stack()))
		if c.Writer.Written() {
			// Half an answer must not look like a whole one.
			panic(http.ErrAbortHandler)
		}
		(&problem{code: Internal}).write(c)
	}()
	c.Next()
}
