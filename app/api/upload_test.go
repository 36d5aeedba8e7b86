package api_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"image"
	"image/color/palette"
	"image/gif"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"revela/app/api"
	"revela/imaging/imagetest"
	"revela/task"
)

func md5Hex(data []byte) string {
	sum := md5.Sum(data)
	return hex.EncodeToString(sum[:])
}

func TestUploadIsStoredAndQueued(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	for _, tt := range []struct{ path, field, ext, format string }{
		{"/api/v1/tasks/upload", "image", "png", "png"},
		{"/api/v1/tasks", "image", "jpg", "jpeg"},
		{"/api/v1/tasks", "file", "png", "png"},
	} {
		data := pngPicture(t, 40, 30)
		if tt.format == "jpeg" {
			data = jpegPicture(t, 40, 30)
		}
		body, kind := form(t, tt.field, "Urlaub am Meer.dat", data)
		a := b.do(t, "POST", tt.path, body, "Content-Type", kind)
		got := a.JSON(t)
		id, _ := got["taskId"].(string)
		if a.Status != http.StatusAccepted || a.Header.Get("Location") != "/api/v1/tasks/"+id {
			t.Fatalf("%v: %d, Location %q: %s", tt, a.Status, a.Header.Get("Location"), a.Body)
		}
		if got["status"] != "pending" || got["source"] != "Urlaub am Meer.dat" || got["attempts"] != 0.0 {
			t.Errorf("%v: %s", tt, a.Body)
		}
		for _, absent := range []string{"images", "error", "startedAt", "finishedAt"} {
			if v, there := got[absent]; there {
				t.Errorf("%v: a new task has %s = %v", tt, absent, v)
			}
		}
		original, _ := got["original"].(map[string]any)
		if original["format"] != tt.format || original["width"] != 40.0 || original["height"] != 30.0 ||
			original["size"] != float64(len(data)) || original["url"] != "/api/v1/tasks/"+id+"/original" {
			t.Errorf("%v: original = %v", tt, original)
		}
		for _, name := range []string{"createdAt", "updatedAt"} {
			text, _ := got[name].(string)
			at, err := time.Parse("2006-01-02T15:04:05.000Z", text)
			if err != nil || time.Since(at).Abs() > time.Minute {
				t.Errorf("%v: %s = %q: %v", tt, name, text, err)
			}
		}
		stored, err := os.ReadFile(filepath.Join(b.Dir, "storage/images", id, "original."+tt.ext))
		if err != nil || !bytes.Equal(stored, data) {
			t.Errorf("%v: stored %d of %d bytes: %v", tt, len(stored), len(data), err)
		}
		if job, err := b.Queue.Job(t.Context(), id); err != nil || job.State != "waiting" {
			t.Errorf("%v: job = %+v, %v", tt, job, err)
		}
	}
}

func TestAnimationsSayHowManyFrames(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	frame := image.NewPaletted(image.Rect(0, 0, 8, 6), palette.WebSafe)
	for _, n := range []int{1, 3} {
		var file bytes.Buffer
		if err := gif.EncodeAll(&file, &gif.GIF{Image: slices.Repeat([]*image.Paletted{frame}, n), Delay: make([]int, n)}); err != nil {
			t.Fatal(err)
		}
		body, kind := form(t, "image", "a.gif", file.Bytes())
		a := b.do(t, "POST", "/api/v1/tasks", body, "Content-Type", kind)
		original, _ := a.JSON(t)["original"].(map[string]any)
		frames, note := original["frames"], original["note"]
		if n == 1 && (frames != nil || note != nil) || n == 3 && (frames != 3.0 || note == nil) {
			t.Errorf("%d frames: %d %v", n, a.Status, original)
		}
	}
}

func TestPagesOfTIFFAreNamed(t *testing.T) {
	t.Parallel()
	file := imagetest.TIFFFile{Image: imagetest.Corners(16, 16), Samples: imagetest.RGBSamples, Bits: 8, Block: image.Pt(0, 16),
		Compression: 8, Tags: map[uint16][]uint32{254: {0}, 262: {2}}}.TIFF()
	b := newBackend(t)
	body, kind := form(t, "image", "a.tif", imagetest.TIFFPages(file, 2, 2, 2))
	a := b.do(t, "POST", "/api/v1/tasks", body, "Content-Type", kind)
	original, _ := a.JSON(t)["original"].(map[string]any)
	if note, _ := original["note"].(string); original["frames"] != 3.0 || !strings.Contains(note, "pages") {
		t.Errorf("%d %v", a.Status, original)
	}
}

func TestIdempotencyKeyGivesTheSameTask(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	data, other := pngPicture(t, 40, 30), pngPicture(t, 41, 30)
	first := b.upload(t, "a.png", data, "Idempotency-Key", "key-1")
	again := b.upload(t, "b.png", data, "X-Idempotency-Key", "key-1")
	if first.Status != 202 || again.Status != 200 || first.JSON(t)["taskId"] != again.JSON(t)["taskId"] ||
		again.Header.Get("Location") != first.Header.Get("Location") {
		t.Errorf("first %d %s\nagain %d %s", first.Status, first.Body, again.Status, again.Body)
	}
	isProblem(t, "other bytes", b.upload(t, "a.png", other, "Idempotency-Key", "key-1"), 422, api.IdempotencyMismatch)
	for name, header := range map[string][]string{
		"empty":     {"Idempotency-Key", ""},
		"long":      {"Idempotency-Key", strings.Repeat("k", 256)},
		"space":     {"Idempotency-Key", "a b"},
		"not ASCII": {"Idempotency-Key", "schlüssel"},
		"two keys":  {"Idempotency-Key", "a", "X-Idempotency-Key", "b"},
	} {
		isProblem(t, name, b.upload(t, "a.png", data, header...), 400, api.InvalidBody)
	}
	if left := b.leftovers(t); len(left) != 1 {
		t.Errorf("files = %v, want the first upload's only", left)
	}
}

func TestBadUploadsAreRefusedAndLeaveNothing(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	good := jpegPicture(t, 400, 300)
	gif := []byte("GIF89a\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff\x2c\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02D\x01\x00;")
	for _, tt := range []struct {
		name   string
		data   []byte
		status int
		code   api.Code
	}{
		{"empty.jpg", nil, 400, api.FileRequired},
		{"text.jpg", []byte("no picture at all, whatever its name says\n"), 415, api.UnsupportedImage},
		{"truncated.jpg", good[:len(good)/2], 422, api.InvalidImage},
		{"bomb.gif", gif, 422, api.ImageTooLarge},
		{"a little too large.jpg", append(bytes.Clone(good), make([]byte, maxUpload)...), 413, api.FileTooLarge},
		{"much too large.jpg", make([]byte, 3*maxUpload), 413, api.FileTooLarge},
	} {
		a := b.upload(t, tt.name, tt.data)
		isProblem(t, tt.name, a, tt.status, tt.code)
		if detail, _ := a.JSON(t)["detail"].(string); len(detail) < 10 {
			t.Errorf("%s: detail = %q", tt.name, detail)
		}
	}

	png := string(pngPicture(t, 40, 30))
	part := func(disposition, content string) string {
		return "--B\r\nContent-Disposition: " + disposition + "\r\n\r\n" + content + "\r\n"
	}
	file := part(`form-data; name="image"; filename="a.png"`, png)
	const kind = "multipart/form-data; boundary=B"
	for _, tt := range []struct {
		name, kind, body string
		status           int
		code             api.Code
	}{
		{"no body", kind, "", 400, api.FileRequired},
		{"no type", "", file + "--B--\r\n", 400, api.FileRequired},
		{"JSON", "application/json", "{}", 400, api.FileRequired},
		{"no boundary", "multipart/form-data", file + "--B--\r\n", 400, api.InvalidBody},
		{"other boundary", "multipart/form-data; boundary=C", file + "--B--\r\n", 400, api.InvalidBody},
		{"no parts", kind, "--B--\r\n", 400, api.FileRequired},
		{"other field", kind, part(`form-data; name="photo"; filename="a.png"`, png) + "--B--\r\n", 400, api.FileRequired},
		{"text field", kind, part(`form-data; name="image"`, "photo.jpg") + "--B--\r\n", 400, api.FileRequired},
		{"two pictures", kind, file + file + "--B--\r\n", 400, api.InvalidBody},
		{"cut in the head", kind, "--B\r\nContent-Dispo", 400, api.InvalidBody},
		{"cut in the picture", kind, file[:len(file)-20], 400, api.InvalidBody},
		{"cut behind the picture", kind, file, 400, api.InvalidBody},
		{"many fields", kind, strings.Repeat(part(`form-data; name="x"`, "y"), 5000) + file + "--B--\r\n", 400, api.InvalidBody},
		{"many fields behind", kind, file + strings.Repeat(part(`form-data; name="x"`, "y"), 5000) + "--B--\r\n", 400, api.InvalidBody},
		{"huge field name", kind, part(`form-data; name="`+strings.Repeat("x", 1<<19)+`"`, "y") + file + "--B--\r\n", 400, api.InvalidBody},
		{"huge file name", kind, part(`form-data; name="image"; filename="`+strings.Repeat("x", 1<<20)+`"`, png) + "--B--\r\n", 400, api.InvalidBody},
		{"huge other field", kind, part(`form-data; name="x"`, strings.Repeat("y", 1<<20)) + file + "--B--\r\n", 400, api.InvalidBody},
		{"many headers", kind, "--B\r\n" + strings.Repeat("X-A: b\r\n", 20000) + "\r\n" + file + "--B--\r\n", 400, api.InvalidBody},
	} {
		var header []string
		if tt.kind != "" {
			header = []string{"Content-Type", tt.kind}
		}
		isProblem(t, tt.name, b.do(t, "POST", "/api/v1/tasks/upload", strings.NewReader(tt.body), header...), tt.status, tt.code)
	}
	b.clean(t)
}

// A connection that breaks at any place of the body leaves nothing behind.
func TestBrokenConnectionsLeaveNothing(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	body, kind := form(t, "image", "a.png", pngPicture(t, 200, 200))
	data := must(io.ReadAll(body))(t)
	chunked := fmt.Sprintf("%x\r\n%s\r\n", len(data), data)
	send := func(framing, payload string, reset bool) {
		conn := must(net.Dial("tcp", b.Addr))(t).(*net.TCPConn)
		defer conn.Close()
		fmt.Fprintf(conn, "POST /api/v1/tasks/upload HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\n%s\r\n\r\n%s", kind, framing, payload)
		if reset {
			_ = conn.SetLinger(0)
			return
		}
		_ = conn.CloseWrite()
		head := must(io.ReadAll(conn))(t)
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 400 ")) {
			t.Errorf("%s with %d of %d bytes: %.200s", framing, len(payload), len(data), head)
		}
	}
	length := fmt.Sprintf("Content-Length: %d", len(data))
	for _, reset := range []bool{false, true} {
		for cut := 0; cut < len(data); cut += len(data)/12 + 1 {
			send(length, string(data[:cut]), reset)
			send("Transfer-Encoding: chunked", chunked[:cut+5], reset)
		}
		send(fmt.Sprintf("Content-Length: %d", len(data)+10), string(data[:len(data)-30]), reset)
		send("Transfer-Encoding: chunked", "zz\r\n"+chunked, reset)
		send("Transfer-Encoding: chunked", "fffffffffffffff0\r\nx", reset)
	}
	b.Stop() // when whatever was sent has come to its end
	b.clean(t)
}

func TestNamesAreDataOnly(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	data := pngPicture(t, 40, 30)
	for _, tt := range []struct{ header, shown string }{
		{`filename="../../etc/passwd"`, "passwd"},
		{`filename="C:\\fakepath\\photo.png"`, "photo.png"},
		{`filename="..\\..\\x.png"`, "x.png"},
		{"filename=\"a\tb.png\"", "ab.png"},
		{`filename="x\";filename=\"y.sh"`, `x";filename="y.sh`},
		{`filename*=UTF-8''a%0d%0aSet-Cookie%3a%20x%00.png`, "aSet-Cookie: x.png"},
		{`filename*=UTF-8''%e2%80%ae%67%6e%70.png`, "gnp.png"},
		{`filename*=UTF-8''%2e%2e%2f%2e%2e%2fpwn`, "pwn"},
		{`filename="<script>alert(1)</script>.png"`, "script>.png"},
		{`filename="` + strings.Repeat("ü", 2000) + `"`, strings.Repeat("ü", 255)},
		{"filename=\"\xff\xfe.png\"", ".png"},
	} {
		body := "--B\r\nContent-Disposition: form-data; name=\"image\"; " + tt.header + "\r\n\r\n" + string(data) + "\r\n--B--\r\n"
		a := b.do(t, "POST", "/api/v1/tasks", strings.NewReader(body), "Content-Type", "multipart/form-data; boundary=B")
		if a.Status != http.StatusAccepted {
			t.Errorf("%.80s: %d %s", tt.header, a.Status, a.Body)
			continue
		}
		got := a.JSON(t)
		shown, _ := got["source"].(string)
		if shown != tt.shown || !utf8.ValidString(shown) {
			t.Errorf("%.80s: source = %q, want %q", tt.header, shown, tt.shown)
		}
		id := got["taskId"].(string)
		o := b.get(t, "/api/v1/tasks/"+id+"/original")
		if o.Status != 200 || !bytes.Equal(o.Body, data) || len(o.Header.Values("Set-Cookie")) > 0 ||
			!strings.HasPrefix(o.Header.Get("Content-Disposition"), "attachment; filename") {
			t.Errorf("%.80s: original %d %v", tt.header, o.Status, o.Header)
		}
		if _, err := os.Stat(filepath.Join(b.Dir, "storage/images", id, "original.png")); err != nil {
			t.Errorf("%.80s: %v", tt.header, err)
		}
	}
	for _, path := range b.leftovers(t) {
		if filepath.Base(path) != "original.png" {
			t.Errorf("a name became a file: %s", path)
		}
	}
}

func TestSourcesByName(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	const kind = "application/json; charset=utf-8"
	for _, tt := range []struct {
		name, kind, body string
		status           int
		code             api.Code
	}{
		{"loopback", kind, `{"imageUrl":"http://127.0.0.1/x.jpg"}`, 422, api.SourceRefused},
		{"scheme", kind, `{"imageUrl":"file:///etc/passwd"}`, 422, api.SourceRefused},
		{"path", kind, `{"imagePath":"/etc/passwd"}`, 422, api.SourceRefused},
		{"neither", kind, `{}`, 400, api.InvalidBody},
		{"both", kind, `{"imageUrl":"http://example.com/","imagePath":"x"}`, 400, api.InvalidBody},
		{"unknown", kind, `{"imageUrl":"http://example.com/","priority":1}`, 400, api.InvalidBody},
		{"type", kind, `{"imageUrl":5}`, 400, api.InvalidBody},
		{"list", kind, `[]`, 400, api.InvalidBody},
		{"two values", kind, `{"imagePath":"x"}{}`, 400, api.InvalidBody},
		{"cut", kind, `{"imageUrl":`, 400, api.InvalidBody},
		{"empty", kind, ``, 400, api.InvalidBody},
		{"too long", kind, `{"imagePath":"` + strings.Repeat("x", 5000) + `"}`, 400, api.InvalidBody},
		{"far too long", kind, `{"imagePath":"` + strings.Repeat("x", 70<<10) + `"}`, 413, api.FileTooLarge},
		{"other type", "text/plain", `{}`, 400, api.InvalidBody},
		{"odd type", "application/json; =", `{}`, 400, api.InvalidBody},
	} {
		isProblem(t, tt.name, b.do(t, "POST", "/api/v1/tasks", strings.NewReader(tt.body), "Content-Type", tt.kind), tt.status, tt.code)
	}
	isProblem(t, "nothing", b.do(t, "POST", "/api/v1/tasks", nil), 400, api.FileRequired)
	b.clean(t)

	// A name in the public space is taken; a worker would fetch it.
	a := b.do(t, "POST", "/api/v1/tasks", strings.NewReader(`{"imageUrl":"https://93.184.215.14/a.jpg"}`), "Content-Type", kind)
	got := a.JSON(t)
	if a.Status != 202 || got["source"] != "https://93.184.215.14/a.jpg" || got["original"] != nil {
		t.Errorf("URL: %d %s", a.Status, a.Body)
	}
	isProblem(t, "not fetched yet", b.get(t, fmt.Sprint("/api/v1/tasks/", got["taskId"], "/original")), 404, api.ImageNotFound)
	if n := must(b.Repo.Count(t.Context(), task.Filter{}))(t).N; n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

// A task asks for a set of variants by name, in a form before or after the
// picture.
func TestSetsOfVariants(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	data := pngPicture(t, 40, 30)
	part := func(name, file, content string) string {
		if file != "" {
			file = `; filename="` + file + `"`
		}
		return "--XX\r\nContent-Disposition: form-data; name=\"" + name + "\"" + file + "\r\n\r\n" + content + "\r\n"
	}
	picture, end := part("image", "a.png", string(data)), "--XX--\r\n"
	for name, tt := range map[string]struct {
		body string
		set  string // of the task; "" is that there is none
		says string
	}{
		"none":          {picture + end, "default", ""},
		"empty":         {picture + part("variants", "", "") + end, "default", ""},
		"before":        {part("variants", "", "thumbs") + picture + end, "thumbs", ""},
		"after":         {picture + part("variants", "", "thumbs") + end, "thumbs", ""},
		"twice":         {part("variants", "", "thumbs") + picture + part("variants", "", "thumbs") + end, "thumbs", ""},
		"two":           {part("variants", "", "thumbs") + picture + part("variants", "", "default") + end, "", "two different"},
		"unknown":       {part("variants", "", "huge") + picture + end, "", `no set of variants \"huge\"; there is default, thumbs`},
		"unknown after": {picture + part("variants", "", "huge") + end, "", `no set of variants \"huge\"; there is default, thumbs`},
		"too long":      {picture + part("variants", "", strings.Repeat("x", 65)) + end, "", "more than 64 bytes"},
	} {
		a := b.do(t, "POST", "/api/v1/tasks/upload", strings.NewReader(tt.body), "Content-Type", "multipart/form-data; boundary=XX")
		if tt.set != "" && (a.Status != http.StatusAccepted || a.JSON(t)["variants"] != tt.set) {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
		if tt.set == "" && (a.Status != http.StatusBadRequest || a.JSON(t)["code"] != "INVALID_BODY" || !strings.Contains(string(a.Body), tt.says)) {
			t.Errorf("%s: %d %s, want it to say %q", name, a.Status, a.Body, tt.says)
		}
	}
	a := b.do(t, "POST", "/api/v1/tasks", strings.NewReader(`{"imageUrl":"https://example.org/a.jpg","variants":"thumbs"}`), "Content-Type", "application/json")
	if a.Status != http.StatusAccepted || a.JSON(t)["variants"] != "thumbs" {
		t.Errorf("JSON: %d %s", a.Status, a.Body)
	}
	a = b.do(t, "POST", "/api/v1/tasks", strings.NewReader(`{"imageUrl":"https://example.org/a.jpg","variants":"huge"}`), "Content-Type", "application/json")
	if a.Status != http.StatusBadRequest || !strings.Contains(string(a.Body), "thumbs") {
		t.Errorf("JSON: %d %s", a.Status, a.Body)
	}
}
