package api

import (
	"bytes"
	_ "embed" // for openapi.json
	"encoding/json"
	"fmt"

	"github.com/gin-gonic/gin"
)

//go:embed openapi.json
var openapiSource []byte

// describe returns the OpenAPI document with the version of this build.
func describe(version string) ([]byte, error) {
	quoted, err := json.Marshal(version)
	if err != nil {
		return nil, fmt.Errorf("api: version %q: %w", version, err)
	}
	const mark = `"version": ""`
	if bytes.Count(openapiSource, []byte(mark)) != 1 {
		return nil, fmt.Errorf("api: openapi.json must have %s once", mark)
	}
	return bytes.Replace(openapiSource, []byte(mark), append([]byte(`"version": `), quoted...), 1), nil
}

func (s *Server) openapi(c *gin.Context) error {
	c.Header("Cache-Control", "no-cache")
	s.document.ServeHTTP(c.Writer, c.Request)
	return nil
}
