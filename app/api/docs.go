package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the page's template and style
	"encoding/base64"
	"fmt"
	"html/template"

	"github.com/gin-gonic/gin"

	"revela/app/web/content"
)

var (
	//go:embed docs.html
	docsTemplate string
	//go:embed docs.css
	docsStyle string
)

// page is a rendered page with the policy under which a browser may show it.
type page struct {
	html   *content.Content
	policy string
}

func (s *Server) showDocs(c *gin.Context) error {
	c.Header("Content-Security-Policy", s.docs.policy)
	c.Header("Cache-Control", "no-cache")
	s.docs.html.ServeHTTP(c.Writer, c.Request)
	return nil
}

// renderDocs makes a page for people out of the OpenAPI document. It needs
// nothing from elsewhere.
func renderDocs(document []byte) (page, error) {
	d, err := readDocument(document)
	if err != nil {
		return page{}, fmt.Errorf("api: openapi.json: %w", err)
	}
	t, err := template.New("docs").Parse(docsTemplate)
	if err != nil {
		return page{}, fmt.Errorf("api: docs.html: %w", err)
	}
	var out bytes.Buffer
	err = t.Execute(&out, docsView{
		Info: d.Info, Style: template.CSS(docsStyle),
		Tags: d.sections(), Schemas: d.schemas(), Problems: docsProblems(),
	})
	if err != nil {
		return page{}, fmt.Errorf("api: docs.html: %w", err)
	}
	sum := sha256.Sum256([]byte(docsStyle))
	return page{
		html: content.New("text/html; charset=utf-8", out.Bytes()),
		policy: "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-" +
			base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}, nil
}
