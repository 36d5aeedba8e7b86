package api

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"

	"revela/task"
)

// What may stand around the picture in a form.
const (
	maxParts    = 32        // in all
	maxAround   = 256 << 10 // bytes before the picture, and again after it
	formAllowed = 1 << 20   // bytes that a body may have more than its picture
)

// form reads a multipart/form-data body as it arrives, up to its one picture.
// Nothing is collected: of the other fields only the wishes count.
type form struct {
	parts  *multipart.Reader
	body   *tollReader
	count  int
	Name   string // the picture's, as shown to people
	inside *multipart.Part

	// Options are what the other fields ask for. Fields may follow the picture,
	// so they are complete when Read has returned io.EOF.
	Options task.Options
	read    func(wishes) (task.Options, error)
	wishes  wishes
}

// openForm begins to read r's body and stops at the picture: the file in the
// field image or file. read makes options of the other fields. Every error is a
// *problem.
func openForm(w http.ResponseWriter, r *http.Request, maxUpload int64, read func(wishes) (task.Options, error)) (*form, error) {
	if r.ContentLength == 0 {
		return nil, &problem{code: FileRequired, detail: "The body is empty."}
	}
	limit := maxUpload + formAllowed
	if r.ContentLength > limit {
		return nil, &problem{code: FileTooLarge,
			detail: fmt.Sprintf("The body has %d bytes; a picture may have %d.", r.ContentLength, maxUpload)}
	}
	toll := &tollReader{from: http.MaxBytesReader(w, r.Body, limit)}
	// MultipartReader takes its bytes from r.Body when it is first read.
	r.Body = toll
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, &problem{code: InvalidBody, cause: err,
			detail: "The Content-Type is multipart/form-data without a usable boundary.",
			hint:   "Let your HTTP library write the Content-Type of a form."}
	}
	f := &form{parts: parts, body: toll, read: read}
	toll.charge(maxAround)
	for {
		part, err := f.next()
		if err == io.EOF {
			return nil, &problem{code: FileRequired, detail: "The form has no file in the field image."}
		}
		if err != nil {
			return nil, bodyProblem(err)
		}
		if !picture(part) {
			if err := f.field(part); err != nil {
				return nil, bodyProblem(err)
			}
			continue
		}
		if part.FileName() == "" {
			return nil, &problem{code: FileRequired,
				detail: "The field " + part.FormName() + " has text, not a file.",
				hint:   "With curl, put an @ before the path: -F image=@photo.jpg"}
		}
		toll.free()
		f.Name, f.inside = displayName(part.FileName()), part
		return f, nil
	}
}

func picture(p *multipart.Part) bool { return p.FormName() == "image" || p.FormName() == "file" }

// Read reads the picture. Its io.EOF says that the whole form was there, and
// no second picture in it; every other error is a *problem.
func (f *form) Read(p []byte) (int, error) {
	n, err := f.inside.Read(p)
	if err == io.EOF {
		err = f.finish()
	}
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, bodyProblem(err)
}

// finish reads what follows the picture. Only then is it known that the form
// was not cut off right behind it.
func (f *form) finish() error {
	f.body.charge(maxAround)
	for {
		part, err := f.next()
		if err != nil {
			return err
		}
		if picture(part) && part.FileName() != "" {
			return &problem{code: InvalidBody, detail: "The form has more than one picture.",
				hint: "Send one picture a request."}
		}
		if err := f.field(part); err != nil {
			return err
		}
	}
}

// maxField is the length of the longest field besides the picture, in bytes: the
// name of a set of variants.
const maxField = 64

// field reads a field that is not the picture.
func (f *form) field(part *multipart.Part) error {
	var wish *string
	name := part.FormName()
	switch name {
	case "variants":
		wish = &f.wishes.Variants
	case "priority":
		wish = &f.wishes.Priority
	case "delay":
		wish = &f.wishes.Delay
	default:
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err != nil {
		return err
	}
	value := string(data)
	switch {
	case len(value) > maxField:
		return &problem{code: InvalidBody, detail: fmt.Sprintf("The field %s has more than %d bytes.", name, maxField)}
	case *wish != "" && *wish != value:
		return &problem{code: InvalidBody, detail: "The form has two different fields " + name + "."}
	}
	*wish = value
	f.Options, err = f.read(f.wishes)
	return err
}

func (f *form) next() (*multipart.Part, error) {
	if f.count++; f.count > maxParts {
		return nil, &problem{code: InvalidBody, detail: fmt.Sprintf("The form has more than %d fields.", maxParts)}
	}
	return f.parts.NextPart()
}

// tollReader counts the bytes around the picture: mime/multipart alone would
// take a part's header of many megabytes.
type tollReader struct {
	from    io.ReadCloser
	charged bool
	left    int64
}

var errAround = errors.New("too much around the picture")

func (t *tollReader) charge(n int64) { t.charged, t.left = true, n }
func (t *tollReader) free()          { t.charged = false }

func (t *tollReader) Read(p []byte) (int, error) {
	if !t.charged {
		return t.from.Read(p)
	}
	if t.left <= 0 {
		return 0, &problem{code: InvalidBody, cause: errAround,
			detail: fmt.Sprintf("The form has more than %d bytes besides its picture.", maxAround)}
	}
	n, err := t.from.Read(p[:min(int64(len(p)), t.left)])
	t.left -= int64(n)
	return n, err
}

func (t *tollReader) Close() error { return t.from.Close() }
