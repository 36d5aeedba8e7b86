package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// dataPolicy is the Content-Security-Policy of what is no page: it may do
// nothing at all, should a browser take it for one. Pages bring their own.
const dataPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox"

// secure sets the headers that every answer carries; handlers may replace them.
func (s *Server) secure(c *gin.Context) {
	h := c.Writer.Header()
	h["X-Content-Type-Options"] = nosniff
	h["Content-Security-Policy"] = dataOnly
	h["Referrer-Policy"] = noReferrer
	h["Cross-Origin-Resource-Policy"] = sameOrigin
}

// Values of headers, made once: setting them so allocates nothing, and nobody
// writes into the values of a header.
var (
	nosniff    = []string{"nosniff"}
	dataOnly   = []string{dataPolicy}
	noReferrer = []string{"no-referrer"}
	sameOrigin = []string{"same-origin"}
)

// guardOrigin refuses requests that change something and that a browser sends
// on behalf of another site's page.
func (s *Server) guardOrigin(c *gin.Context) {
	if err := s.origins.Check(c.Request); err != nil {
		s.fail(c, &problem{code: Forbidden, detail: "A page of another origin asked for this.", cause: err})
	}
}

// guardKey lets only those pass who know the API key.
func (s *Server) guardKey(c *gin.Context) {
	if p := s.key.check(c.Request); p != nil {
		s.fail(c, p)
	}
}

// guardKeyUnder is guardKey for paths that no route has: without the key,
// nobody learns which those are.
func (s *Server) guardKeyUnder(prefix string) gin.HandlerFunc {
	return func(c *gin.Context) {
		if strings.HasPrefix(c.Request.URL.Path, prefix) {
			s.guardKey(c)
		}
	}
}

// keyCheck knows the API key by its hash: comparing hashes takes the same time
// for every guess, of whatever length.
type keyCheck struct {
	open    bool
	sum     [sha256.Size]byte
	guesses *guesses
}

// newKeyCheck checks for key, "" for none, and allows a client so many wrong
// ones a minute, 0 for any number.
func newKeyCheck(key string, wrong int) keyCheck {
	return keyCheck{open: key == "", sum: sha256.Sum256([]byte(key)), guesses: newGuesses(wrong)}
}

// check returns nil for who may pass. Who has sent too many wrong keys is not
// told whether the next one is right; who has sent none guesses nothing.
func (k keyCheck) check(r *http.Request) *problem {
	if k.open {
		return nil
	}
	given := givenKey(r)
	if given == "" {
		return &problem{code: Unauthorized}
	}
	client := clientOf(r)
	if wait := k.guesses.wait(client); wait > 0 {
		return &problem{code: RateLimited, detail: "Too many wrong API keys came from this address.", retryAfter: wait}
	}
	if sum := sha256.Sum256([]byte(given)); subtle.ConstantTimeCompare(sum[:], k.sum[:]) != 1 {
		k.guesses.wrong(client)
		return &problem{code: Unauthorized}
	}
	return nil
}

// givenKey returns the key that a request brings, "" if it has none.
func givenKey(r *http.Request) string {
	if key := r.Header.Get("X-API-Key"); key != "" {
		return key
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
