package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"
)

// A body must make progress: something within pause, and minRate on average
// once grace is over. A sender who drips a byte now and then is cut off.
const (
	bodyPause = 10 * time.Second
	bodyGrace = 30 * time.Second
	minRate   = 8 << 10 // bytes a second
)

// A sender whose body nobody wants is listened to for a little longer: closing
// a connection with unread bytes resets it, and the answer that says why would
// be lost.
const (
	lingerFor   = 2 * time.Second
	lingerBytes = 64 << 20
)

// guardBody sets the deadlines of a request's body, also of one that no handler
// reads: net/http reads a little of it before it takes the next request.
func (s *Server) guardBody(c *gin.Context) {
	r := c.Request
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	b := &pacedBody{ReadCloser: r.Body, conn: http.NewResponseController(c.Writer), began: time.Now()}
	b.extend()
	// A copy of the request, because net/http looks at its own body afterwards.
	c.Request = r.WithContext(r.Context())
	c.Request.Body = b
	c.Set(bodyKey, b)
	c.Next()
	// Who waits for "100 Continue" has seen the answer and sends nothing.
	if waits := b.got == 0 && r.Header.Get("Expect") != ""; !waits {
		b.linger()
	}
}

const bodyKey = "revela.body"

// brokenBody returns what was wrong with the request's body, nil if nothing was.
func brokenBody(c *gin.Context) *problem {
	if b, ok := c.Value(bodyKey).(*pacedBody); ok && b.err != nil {
		return bodyProblem(b.err)
	}
	return nil
}

// pacedBody moves the connection's deadlines as its body comes in.
type pacedBody struct {
	io.ReadCloser
	conn  *http.ResponseController
	began time.Time
	got   int64
	ended bool
	err   error // why it broke; nil at its proper end
}

func (b *pacedBody) Read(p []byte) (int, error) {
	b.extend()
	n, err := b.ReadCloser.Read(p)
	b.got += int64(n)
	b.ended = err != nil
	switch {
	case err == nil:
	case err != io.EOF:
		b.err = err
	default:
		// From here on net/http watches the connection for its end. A deadline
		// that passed then would look like the caller's leaving.
		_ = b.conn.SetReadDeadline(time.Time{}) // see extend
	}
	return n, err
}

// extend allows for the next read. The answer's own time begins when the body
// is complete.
func (b *pacedBody) extend() {
	now := time.Now()
	by := now.Add(bodyPause)
	if slowest := b.began.Add(bodyGrace + time.Duration(b.got/minRate)*time.Second); slowest.Before(by) {
		by = slowest
	}
	// A connection that cannot have deadlines (a test's recorder) has no slow
	// sender either.
	_ = b.conn.SetReadDeadline(by)
	_ = b.conn.SetWriteDeadline(now.Add(writeTimeout))
}

// linger sends the answer off and reads past what is left of the body. All of
// it is done as well as it can be: there is nobody to tell.
func (b *pacedBody) linger() {
	if b.ended || b.conn.Flush() != nil {
		return
	}
	_ = b.conn.SetReadDeadline(time.Now().Add(lingerFor))
	_, _ = io.CopyN(io.Discard, b.ReadCloser, lingerBytes)
}

// bodyProblem explains why a body could not be read in full.
func bodyProblem(err error) *problem {
	var own *problem
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &tooLong):
		return &problem{code: FileTooLarge, cause: err,
			detail: fmt.Sprintf("The body is longer than %d bytes.", tooLong.Limit)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &problem{code: RequestTimeout, cause: err,
			detail: fmt.Sprintf("At least %d bytes a second are expected, and no pause above %s.", minRate, bodyPause)}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &problem{code: InvalidBody, cause: err,
			detail: "The body ended before it was complete.", hint: "Send it again, in full."}
	default:
		return &problem{code: InvalidBody, cause: err,
			detail: "The body is not well-formed, or the connection broke."}
	}
}
