package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// jsonLimit bounds a JSON body.
type jsonLimit struct {
	bytes int64
	hint  string // for who sends more
}

var smallJSON = jsonLimit{64 << 10, "JSON only names a picture; send the picture itself as multipart/form-data in the field image."}

// readJSON reads the body as one JSON object into v. Its error is a *problem.
func readJSON(c *gin.Context, v any, limit jsonLimit) error {
	dec := json.NewDecoder(http.MaxBytesReader(c.Writer, c.Request.Body, limit.bytes))
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
		syntax  *json.SyntaxError
		kind    *json.UnmarshalTypeError
		tooLong *http.MaxBytesError
	)
	switch {
	case errors.As(err, &tooLong):
		return &problem{code: FileTooLarge, cause: err, hint: limit.hint,
			detail: fmt.Sprintf("The JSON is longer than %d bytes.", tooLong.Limit)}
	case errors.As(err, &syntax):
		return &problem{code: InvalidBody, detail: "The body is not JSON: " + syntax.Error() + "."}
	case errors.As(err, &kind):
		if kind.Field == "" {
			return &problem{code: InvalidBody, detail: "The body is a JSON " + kind.Value + "; an object is expected."}
		}
		// The path to it has names of embedded structs in it, which nobody has sent.
		field := kind.Field[strings.LastIndexByte(kind.Field, '.')+1:]
		return &problem{code: InvalidBody, detail: "The JSON field " + clip(field, 64) + " has the wrong type: " + kind.Value + "."}
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		// encoding/json has no type for this error.
		return &problem{code: InvalidBody, detail: "The JSON has an unknown field: " + clip(strings.TrimPrefix(err.Error(), "json: unknown field "), 64) + "."}
	case err == io.EOF:
		return &problem{code: InvalidBody, detail: "The body is empty; JSON is expected."}
	}
	return bodyProblem(err)
}
