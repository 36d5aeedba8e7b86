package api

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"revela/task"
)

// upload takes a picture as a form.
func (s *Server) upload(c *gin.Context) error {
	if mediaType(c) != "multipart/form-data" {
		return &problem{code: FileRequired, detail: "The body is not multipart/form-data."}
	}
	return s.submitForm(c)
}

// submit takes a picture as a form, or the name of one as JSON.
func (s *Server) submit(c *gin.Context) error {
	switch mediaType(c) {
	case "multipart/form-data":
		return s.submitForm(c)
	case "application/json":
		return s.submitSource(c)
	case "":
		return &problem{code: FileRequired, detail: "The request has no body that says what it is.",
			hint: "Send multipart/form-data with a file in the field image, or JSON with imageUrl or imagePath."}
	default:
		return &problem{code: InvalidBody, detail: "The Content-Type is neither multipart/form-data nor application/json."}
	}
}

func (s *Server) submitForm(c *gin.Context) error {
	key, err := idempotencyKey(c)
	if err != nil {
		return err
	}
	f, err := openForm(c.Writer, c.Request, s.cfg.MaxUpload, s.options)
	if err != nil {
		return err
	}
	return s.accept(c, task.Submission{
		Source: task.Source{Kind: task.Upload, Name: f.Name},
		Body:   f, IdempotencyKey: key, Options: func() task.Options { return f.Options },
	})
}

// Bounds of a source's name, in bytes.
const (
	maxURL  = 2048
	maxPath = 4096
)

func (s *Server) submitSource(c *gin.Context) error {
	key, err := idempotencyKey(c)
	if err != nil {
		return err
	}
	var in named
	if err := readJSON(c, &in, smallJSON); err != nil {
		return err
	}
	sub, err := s.submission(in, key)
	if err != nil {
		return err
	}
	return s.accept(c, sub)
}

// named is a picture that is named instead of sent.
type named struct {
	ImageURL  string `json:"imageUrl"`
	ImagePath string `json:"imagePath"`
	wishes
}

// submission returns what in asks for, under an idempotency key that may be "".
func (s *Server) submission(in named, key string) (task.Submission, error) {
	sub := task.Submission{IdempotencyKey: key}
	switch {
	case (in.ImageURL == "") == (in.ImagePath == ""):
		return sub, &problem{code: InvalidBody, detail: "Exactly one of imageUrl and imagePath is expected."}
	case len(in.ImageURL) > maxURL || len(in.ImagePath) > maxPath:
		return sub, &problem{code: InvalidBody, detail: "imageUrl may have 2048 bytes, imagePath 4096."}
	case in.ImageURL != "":
		sub.Source = task.Source{Kind: task.URL, Name: in.ImageURL}
	default:
		sub.Source = task.Source{Kind: task.Path, Name: in.ImagePath}
	}
	o, err := s.options(in.wishes)
	sub.Options = func() task.Options { return o }
	return sub, err
}

// accept submits in and answers with its task: 202, or 200 when the idempotency
// key had made it before.
func (s *Server) accept(c *gin.Context, in task.Submission) error {
	t, created, err := s.cfg.Service.Submit(c.Request.Context(), in)
	if err != nil {
		return s.tooLarge(err)
	}
	status := http.StatusAccepted
	if !created {
		status = http.StatusOK
	}
	c.Header("Location", taskURL(t.ID))
	return reply(c, status, show(t))
}

// tooLarge is err, with the limit where a picture is above it.
func (s *Server) tooLarge(err error) error {
	if errors.Is(err, task.ErrFileTooLarge) {
		return &problem{code: FileTooLarge, cause: err,
			detail: fmt.Sprintf("A picture may have %d bytes.", s.cfg.MaxUpload)}
	}
	return err
}

// idempotencyKey returns the request's key, "" if there is none.
func idempotencyKey(c *gin.Context) (string, error) {
	h := c.Request.Header
	given := append(h.Values("Idempotency-Key"), h.Values("X-Idempotency-Key")...)
	if len(given) == 0 {
		return "", nil
	}
	key := given[0]
	for _, other := range given[1:] {
		if other != key {
			return "", &problem{code: InvalidBody, detail: "The request has two different idempotency keys.",
				hint: "Send Idempotency-Key once."}
		}
	}
	if !usableKey(key) {
		return "", badKey("Idempotency-Key")
	}
	return key, nil
}

func usableKey(key string) bool {
	return key != "" && len(key) <= 255 && strings.IndexFunc(key, func(r rune) bool { return r < '!' || r > '~' }) < 0
}

func badKey(name string) error {
	return &problem{code: InvalidBody, detail: name + " must have 1 to 255 printable ASCII characters without spaces.",
		hint: "A UUID is a good key."}
}

// mediaType returns the body's type without parameters, "" if it has none and
// "?" if it makes no sense.
func mediaType(c *gin.Context) string {
	given := c.GetHeader("Content-Type")
	if given == "" {
		return ""
	}
	t, _, err := mime.ParseMediaType(given)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return "?"
	}
	return t
}
