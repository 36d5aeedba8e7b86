// Package content answers GET and HEAD with bytes that are whole in memory:
// compressed for those who take it, with a strong tag for each coding, and 304
// for those who have them already.
//
// It leaves Cache-Control to its caller, who knows how long the bytes are good
// for. It never answers a range: who asks for one gets everything.
package content

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"sync"
)

// Content is a body that may be sent many times, from many goroutines.
type Content struct {
	mediaType []string
	plain     form

	pack   sync.Once
	packed *form // gzip; nil where it would save nothing
}

// form is a body in one coding. The headers are kept as net/http wants them, so
// that an answer costs no allocation for them.
type form struct {
	data         []byte
	coding       []string // nil is none
	etag, length []string
}

// New makes a Content of data, which must not change any more.
func New(mediaType string, data []byte) *Content {
	return &Content{mediaType: []string{mediaType}, plain: newForm(data, nil)}
}

// newForm tags the very bytes that are sent, so two codings never share a tag
// and neither do the outputs of two compressors.
func newForm(data []byte, coding []string) form {
	sum := sha256.Sum256(data)
	return form{data, coding, []string{`"` + hex.EncodeToString(sum[:16]) + `"`}, []string{strconv.Itoa(len(data))}}
}

// Bytes returns the body as it was given to New.
func (c *Content) Bytes() []byte { return c.plain.data }

// ServeHTTP answers 200, or 304 if the caller's If-None-Match names what it
// would get.
func (c *Content) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := &c.plain
	if len(f.data) > minPack && takesGzip(r.Header["Accept-Encoding"]) {
		c.pack.Do(func() {
			if data, ok := pack(f.data); ok {
				packed := newForm(data, gzipCoding)
				c.packed = &packed
			}
		})
		if c.packed != nil {
			f = c.packed
		}
	}
	h := w.Header()
	h["Vary"] = varyByCoding
	h["Etag"] = f.etag
	if names(r.Header["If-None-Match"], f.etag[0]) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if f.coding != nil {
		h["Content-Encoding"] = f.coding
	}
	h["Content-Type"] = c.mediaType
	h["Content-Length"] = f.length
	send(w, r, http.StatusOK, f.data)
}

// Send answers with data that nobody may keep, so it has no tag.
func Send(w http.ResponseWriter, r *http.Request, status int, mediaType string, data []byte) {
	h := w.Header()
	h["Vary"] = varyByCoding
	if len(data) > minPack && takesGzip(r.Header["Accept-Encoding"]) {
		if packed, ok := pack(data); ok {
			data = packed
			h["Content-Encoding"] = gzipCoding
		}
	}
	h["Content-Type"] = []string{mediaType}
	h["Content-Length"] = []string{strconv.Itoa(len(data))}
	send(w, r, status, data)
}

func send(w http.ResponseWriter, r *http.Request, status int, data []byte) {
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(data) // who left needs no answer
	}
}

// Shared by all answers: nobody writes to the values of a header.
var (
	varyByCoding = []string{"Accept-Encoding"}
	gzipCoding   = []string{"gzip"}
)
