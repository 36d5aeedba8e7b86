package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"revela/app/api"
)

func TestImagesAreServedByStoredType(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	data := pngPicture(t, 40, 30)
	a := b.upload(t, "Ferien in Übersee.html", data)
	id := a.JSON(t)["taskId"].(string)
	path := "/api/v1/tasks/" + id
	isProblem(t, "not completed", b.get(t, path+"/images/800"), 404, api.ImageNotFound)

	variant := bytes.Repeat([]byte("0123456789"), 100)
	img := b.complete(t, b.submit(t), variant)
	variantPath := "/api/v1/tasks/" + strings.Split(img.Path, "/")[1] + "/images/800"
	for _, tt := range []struct {
		path, etag, cache, disposition string
		data                           []byte
	}{
		{variantPath, `"` + img.MD5 + `"`, "private, max-age=31536000, immutable", "inline; filename=800.png", variant},
		{path + "/original", "", "private, no-cache", "attachment; filename*=utf-8''Ferien%20in%20%C3%9Cbersee.html", data},
	} {
		a := b.get(t, tt.path)
		etag := a.Header.Get("ETag")
		if a.Status != 200 || !bytes.Equal(a.Body, tt.data) || (tt.etag != "" && etag != tt.etag) || strings.HasPrefix(etag, "W/") || etag == "" {
			t.Errorf("%s: %d, %d bytes, ETag %s", tt.path, a.Status, len(a.Body), etag)
		}
		for name, want := range map[string]string{
			"Content-Type": "image/png", "X-Content-Type-Options": "nosniff",
			"Cache-Control": tt.cache, "Content-Disposition": tt.disposition,
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
			"Accept-Ranges":           "bytes",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %s = %q, want %q", tt.path, name, got, want)
			}
		}
		if head := b.do(t, "HEAD", tt.path, nil); head.Status != 200 || len(head.Body) != 0 ||
			head.Header.Get("Content-Length") != a.Header.Get("Content-Length") {
			t.Errorf("%s: HEAD %d %v", tt.path, head.Status, head.Header)
		}
		if same := b.get(t, tt.path, "If-None-Match", etag); same.Status != http.StatusNotModified || len(same.Body) != 0 {
			t.Errorf("%s: If-None-Match %d", tt.path, same.Status)
		}
		part := b.get(t, tt.path, "Range", "bytes=10-19", "If-Range", etag)
		if part.Status != http.StatusPartialContent || !bytes.Equal(part.Body, tt.data[10:20]) {
			t.Errorf("%s: range %d %q", tt.path, part.Status, part.Body)
		}
		isProblem(t, tt.path+": another version", b.get(t, tt.path, "If-Match", `"another"`), 412, api.PreconditionFailed)
		past := b.get(t, tt.path, "Range", "bytes=999999-")
		isProblem(t, tt.path+": range past the end", past, 416, api.RangeNotSatisfiable)
		if got, want := past.Header.Get("Content-Range"), fmt.Sprintf("bytes */%d", len(tt.data)); got != want {
			t.Errorf("%s: past the end Content-Range is %q, want %q", tt.path, got, want)
		}
		if other := b.get(t, tt.path, "Range", "items=0-1"); other.Status != 200 || !bytes.Equal(other.Body, tt.data) {
			t.Errorf("%s: a range in a unit that is not known: %d", tt.path, other.Status)
		}
	}
	isProblem(t, "other resolution", b.get(t, strings.Replace(variantPath, "800", "801", 1)), 404, api.ImageNotFound)
	isProblem(t, "no such task", b.get(t, "/api/v1/tasks/0123456789abcdef01234567/images/800"), 404, api.TaskNotFound)

	if err := os.Remove(filepath.Join(b.Dir, img.Path)); err != nil {
		t.Fatal(err)
	}
	isProblem(t, "lost file", b.get(t, variantPath), 404, api.ImageNotFound)
}
