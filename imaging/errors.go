package imaging

import (
	"errors"
	"fmt"
	"image/jpeg"
	"image/png"
	"io"
)

// The kinds of Error.
var (
	ErrUnsupported = errors.New("not a supported image")
	ErrInvalid     = errors.New("broken image")
	ErrTooLarge    = errors.New("image too large")
)

// Error is a picture's fault: it fails in the same way however often it is
// tried. errors.Is finds its Kind, and errors.As the decoder's own error or the
// *PanicError behind it.
type Error struct {
	Kind   error  // ErrUnsupported, ErrInvalid or ErrTooLarge
	Detail string // for the person who sent the picture
	cause  error  // for the log; may be nil
}

func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%v: %s (%v)", e.Kind, e.Detail, e.cause)
	}
	return fmt.Sprintf("%v: %s", e.Kind, e.Detail)
}

// Unwrap returns the kind and the cause, if there is one.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.cause}
}

// PanicError is a panic that was caught in a decoder.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("decoder panicked: %v", e.Value) }

func unsupported(format string, args ...any) error {
	return &Error{Kind: ErrUnsupported, Detail: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return &Error{Kind: ErrInvalid, Detail: fmt.Sprintf(format, args...)}
}

func tooLarge(format string, args ...any) error {
	return &Error{Kind: ErrTooLarge, Detail: fmt.Sprintf(format, args...)}
}

// blame makes a decoder's error the picture's fault.
func blame(err error) error {
	var (
		own     *Error
		jpegErr jpeg.UnsupportedError
		pngErr  png.UnsupportedError
	)
	switch {
	case errors.As(err, &own):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Kind: ErrInvalid, Detail: "the file ends too early; part of it is missing", cause: err}
	case errors.As(err, &jpegErr):
		return unreadable(string(jpegErr), err)
	case errors.As(err, &pngErr):
		return unreadable(string(pngErr), err)
	}
	return &Error{Kind: ErrInvalid, Detail: "the picture cannot be decoded", cause: err}
}

// unreadable names what a decoder does not know.
func unreadable(feature string, cause error) error {
	return &Error{Kind: ErrUnsupported, Detail: "it uses a feature of its format that cannot be read: " + feature, cause: cause}
}
