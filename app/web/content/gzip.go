package content

import (
	"bytes"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// minPack is the size in bytes up to which compressing is not worth its while:
// the answer fits into one packet anyway.
const minPack = 1024

var packers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// pack compresses data; false if that saves nothing. What is compressed here
// holds no secret of its reader, so its length gives none away.
func pack(data []byte) ([]byte, bool) {
	out := bytes.NewBuffer(make([]byte, 0, len(data)/4))
	w := packers.Get().(*gzip.Writer)
	defer packers.Put(w)
	w.Reset(out)
	_, err := w.Write(data)
	if err == nil {
		err = w.Close()
	}
	return out.Bytes(), err == nil && out.Len() < len(data)
}

// takesGzip reports whether a caller with this Accept-Encoding would rather
// have gzip than nothing, after RFC 9110, 12.5.3.
func takesGzip(header []string) bool {
	gzip, identity, others := -1.0, 0.0, -1.0 // weights; -1 is not named
	for _, line := range header {
		for item := range strings.SplitSeq(line, ",") {
			coding, params, _ := strings.Cut(item, ";")
			switch coding = strings.TrimSpace(coding); {
			case strings.EqualFold(coding, "gzip"), strings.EqualFold(coding, "x-gzip"):
				gzip = weight(params)
			case strings.EqualFold(coding, "identity"):
				identity = weight(params)
			case coding == "*":
				others = weight(params)
			}
		}
	}
	if gzip < 0 {
		gzip = others
	}
	return gzip > 0 && gzip >= identity
}

// weight reads ";q=0.5"; what makes no sense counts as a refusal.
func weight(params string) float64 {
	params = strings.TrimSpace(params)
	if params == "" {
		return 1
	}
	value, ok := strings.CutPrefix(strings.ToLower(params), "q=")
	q, err := strconv.ParseFloat(value, 64)
	if !ok || err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}
