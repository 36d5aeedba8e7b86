package api

import (
	"cmp"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
)

// Code is a problem's stable name, for programs.
type Code string

// The codes.
const (
	FileRequired        Code = "FILE_REQUIRED"
	InvalidBody         Code = "INVALID_BODY"
	InvalidTaskID       Code = "INVALID_TASK_ID"
	InvalidQuery        Code = "INVALID_QUERY"
	Unauthorized        Code = "UNAUTHORIZED"
	Forbidden           Code = "FORBIDDEN"
	NotFound            Code = "NOT_FOUND"
	TaskNotFound        Code = "TASK_NOT_FOUND"
	ImageNotFound       Code = "IMAGE_NOT_FOUND"
	JobNotFound         Code = "JOB_NOT_FOUND"
	MethodNotAllowed    Code = "METHOD_NOT_ALLOWED"
	RequestTimeout      Code = "REQUEST_TIMEOUT"
	InvalidState        Code = "INVALID_STATE"
	PreconditionFailed  Code = "PRECONDITION_FAILED"
	FileTooLarge        Code = "FILE_TOO_LARGE"
	UnsupportedImage    Code = "UNSUPPORTED_IMAGE"
	RangeNotSatisfiable Code = "RANGE_NOT_SATISFIABLE"
	InvalidImage        Code = "INVALID_IMAGE"
	ImageTooLarge       Code = "IMAGE_TOO_LARGE"
	SourceRefused       Code = "SOURCE_REFUSED"
	IdempotencyMismatch Code = "IDEMPOTENCY_MISMATCH"
	RateLimited         Code = "RATE_LIMITED"
	QueueFull           Code = "QUEUE_FULL"
	Internal            Code = "INTERNAL"
	Unavailable         Code = "UNAVAILABLE"
)

// kind is what all problems of one code have in common.
type kind struct {
	status     int
	title      string
	hint       string // how to mend it, unless the problem knows better
	retryAfter int    // seconds; 0 sends no header
}

// kinds has one entry for each code. The documentation lists it.
var kinds = map[Code]kind{
	FileRequired: {400, "A picture is missing",
		"Send the picture as multipart/form-data in the field image: curl -F image=@photo.jpg …", 0},
	InvalidBody: {400, "The body cannot be read",
		"Send either multipart/form-data with a file in the field image, or JSON as /docs describes.", 0},
	InvalidTaskID: {400, "Not a task id",
		"Use the taskId that the upload answered: 24 hexadecimal digits in lower case.", 0},
	InvalidQuery: {400, "A parameter is not valid",
		"Correct or leave out the parameter that is named.", 0},
	Unauthorized: {401, "The API key is missing or wrong",
		"Send the key as X-API-Key: … or as Authorization: Bearer …", 0},
	Forbidden: {403, "Not allowed from here",
		"Call the API from the page it serves itself, or from a program without a browser's Origin header.", 0},
	NotFound:      {404, "Nothing here", "See /docs for what there is.", 0},
	TaskNotFound:  {404, "No such task", "It may have been deleted. List the tasks with GET /api/v1/tasks.", 0},
	ImageNotFound: {404, "No such image", "The task's answer lists its images once it is completed.", 0},
	JobNotFound:   {404, "No such job", "Completed jobs are removed by default. List jobs with GET /api/v1/queue/jobs/{state}.", 0},
	MethodNotAllowed: {405, "This method is not possible here",
		"The header Allow lists the methods that are.", 0},
	RequestTimeout: {408, "The body came too slowly", "Send it again over a faster connection.", 0},
	InvalidState: {409, "The state forbids it",
		"Read the state again: it may have changed meanwhile.", 0},
	PreconditionFailed: {412, "It is not what the request expects",
		"Leave out If-Match and If-Unmodified-Since, or read it again.", 0},
	FileTooLarge: {413, "The file is too large",
		"Send a smaller file, or ask the operator to raise UPLOAD_MAX_BYTES.", 0},
	UnsupportedImage: {415, "Not a supported image",
		"Send JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF or BMP. The content counts, not the name.", 0},
	RangeNotSatisfiable: {416, "There is no such range",
		"Ask for bytes that the picture has, or leave Range out for all of it.", 0},
	InvalidImage: {422, "The image is broken",
		"See whether the file opens elsewhere, and whether it was copied in full.", 0},
	ImageTooLarge: {422, "The image has too many pixels",
		"Send a smaller picture, or ask the operator to raise IMAGE_MAX_PIXELS.", 0},
	SourceRefused: {422, "The source may not be read",
		"Give a public http or https URL, or a path that the operator opened for imports; or upload the file.", 0},
	IdempotencyMismatch: {422, "The idempotency key was used for something else",
		"Use a new key for a new picture.", 0},
	RateLimited: {429, "Too many requests", "Wait as long as Retry-After says.", 10},
	QueueFull:   {429, "The queue is full", "Wait as long as Retry-After says.", 10},
	Internal: {500, "Something went wrong on our side",
		"Try again; if it stays, give the operator the requestId.", 0},
	Unavailable: {503, "The service cannot answer right now",
		"Try again after Retry-After; /readyz names what is missing.", 2},
}

// Problem is the answer to a request that failed: application/problem+json
// after RFC 9457.
type Problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Code      Code   `json:"code"`
	Hint      string `json:"hint,omitempty"`
	RequestID string `json:"requestId,omitempty"`
}

// problem is an error that knows what its Problem says.
type problem struct {
	code       Code
	detail     string        // for the caller
	hint       string        // instead of the code's own
	retryAfter time.Duration // instead of the code's own
	cause      error         // for the log only
}

func (p *problem) Error() string {
	msg := string(p.code)
	if p.detail != "" {
		msg += ": " + p.detail
	}
	if p.cause != nil {
		msg += ": " + p.cause.Error()
	}
	return msg
}

func (p *problem) Unwrap() error { return p.cause }

// show returns what the API says about p.
func (p *problem) show() Problem {
	k := kinds[p.code]
	return Problem{
		Type:  "/docs#" + string(p.code),
		Title: k.title, Status: k.status, Detail: p.detail,
		Code: p.code, Hint: cmp.Or(p.hint, k.hint),
	}
}

// write answers with p, unless an answer has begun.
func (p *problem) write(c *gin.Context) {
	if c.Writer.Written() {
		c.Abort()
		return
	}
	k := kinds[p.code]
	body := p.show()
	body.RequestID = requestID(c)
	data, _ := json.Marshal(body) // cannot fail: strings and a number
	h := c.Writer.Header()
	// What a handler prepared for its success says nothing about the failure.
	for _, name := range []string{"Content-Type", "Content-Length", "Content-Disposition", "ETag", "Last-Modified", "Location"} {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
	if after := cmp.Or(int(math.Ceil(p.retryAfter.Seconds())), k.retryAfter); after > 0 {
		h.Set("Retry-After", strconv.Itoa(after))
	}
	switch k.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="revela"`)
	case http.StatusRequestTimeout, http.StatusRequestEntityTooLarge:
		h.Set("Connection", "close") // the rest of the body is not wanted
	}
	h.Set("Content-Length", strconv.Itoa(len(data))) // the answer may be sent off before its request has ended
	c.Data(k.status, "application/problem+json", data)
	c.Abort()
}
