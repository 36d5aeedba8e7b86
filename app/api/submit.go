package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	f, err := openForm(c.Writer, c.Request, s.cfg.MaxUpload)
	if err != nil {
		return err
	}
	return s.accept(c, task.Submission{
		Source: task.Source{Kind: task.Upload, Name: f.Name},
		Body:   f, IdempotencyKey: key,
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
	var in struct {
		ImageURL  string `json:"imageUrl"`
		ImagePath string `json:"imagePath"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	var src task.Source
	switch {
	case (in.ImageURL == "") == (in.ImagePath == ""):
		return &problem{code: InvalidBody, detail: "Exactly one of imageUrl and imagePath is expected."}
	case len(in.ImageURL) > maxURL || len(in.ImagePath) > maxPath:
		return &problem{code: InvalidBody, detail: "imageUrl may have 2048 bytes, imagePath 4096."}
	case in.ImageURL != "":
		src = task.Source{Kind: task.URL, Name: in.ImageURL}
	default:
		src = task.Source{Kind: task.Path, Name: in.ImagePath}
	}
	return s.accept(c, task.Submission{Source: src, IdempotencyKey: key})
}

// accept submits in and answers with its task: 202, or 200 when the idempotency
// key had made it before.
func (s *Server) accept(c *gin.Context, in task.Submission) error {
	t, created, err := s.cfg.Service.Submit(c.Request.Context(), in)
	if errors.Is(err, task.ErrFileTooLarge) {
		return &problem{code: FileTooLarge, cause: err,
			detail: fmt.Sprintf("A picture may have %d bytes.", s.cfg.MaxUpload)}
	}
	if err != nil {
		return err
	}
	status := http.StatusAccepted
	if !created {
		status = http.StatusOK
	}
	c.Header("Location", taskURL(t.ID))
	return reply(c, status, show(t))
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
	if key == "" || len(key) > 255 || strings.IndexFunc(key, func(r rune) bool { return r < '!' || r > '~' }) >= 0 {
		return "", &problem{code: InvalidBody, detail: "Idempotency-Key must have 1 to 255 printable ASCII characters without spaces.",
			hint: "A UUID is a good key."}
	}
	return key, nil
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

// maxJSON bounds a JSON body, in bytes.
const maxJSON = 64 << 10

// readJSON reads the body as one JSON object into v. Its error is a *problem.
func readJSON(c *gin.Context, v any) error {
	dec := json.NewDecoder(http.MaxBytesReader(c.Writer, c.Request.Body, maxJSON))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, err = dec.Token(); err == io.EOF {
			return nil
		}
		if err == nil {
			return &problem{code: InvalidBody, detail: "Something follows the JSON object."}
		}
	}
	var (
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &syntax):
		return &problem{code: InvalidBody, detail: "The body is not JSON: " + syntax.Error() + "."}
	case errors.As(err, &kind):
		if kind.Field == "" {
			return &problem{code: InvalidBody, detail: "The body is a JSON " + kind.Value + "; an object is expected."}
		}
		return &problem{code: InvalidBody, detail: "The JSON field " + clip(kind.Field, 64) + " has the wrong type: " + kind.Value + "."}
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		// encoding/json has no type for this error.
		return &problem{code: InvalidBody, detail: "The JSON has an unknown field: " + clip(strings.TrimPrefix(err.Error(), "json: unknown field "), 64) + "."}
	case err == io.EOF:
		return &problem{code: InvalidBody, detail: "The body is empty; JSON is expected."}
	}
	return bodyProblem(err)
}
