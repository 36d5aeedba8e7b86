package imaging

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"revela/imaging/imagetest"
)

// slowPictures are of every format, by decoders of ours and by others.
func slowPictures(t *testing.T) map[string][]byte {
	photo := imagetest.Photo(64, 48)
	progressive := imagetest.Mosaic{Across: 8, Down: 8, Components: 3, Adobe: -1, Progressive: true,
		At: func(c, x, y int) byte { return byte(c + x + y) }}
	cmyk := progressive
	cmyk.Components = 4
	return map[string][]byte{
		"jpeg": imagetest.JPEG(photo), "progressive": progressive.JPEG(), "cmyk": cmyk.JPEG(),
		"png": imagetest.PNG(photo), "webp": imagetest.WebP(photo), "gif": imagetest.GIF(photo),
		"tiff": imagetest.TIFF(photo), "bmp": imagetest.BMP(photo),
		"heic": golden(t, "corners.heic"), "avif": golden(t, "grid.avif"),
	}
}

// That a picture takes too long is its own fault, as it will be the next time.
func TestDecodeTimeIsThePicturesFault(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.decodeTime = func(int64) time.Duration { return 0 }
	for name, file := range slowPictures(t) {
		t.Run(name, func(t *testing.T) {
			_, err := e.Render(t.Context(), source(file), usual)
			check(t, err, ErrTooLarge, "takes longer")
			if errors.Is(err, context.Canceled) {
				t.Errorf("%v looks like the caller's doing", err)
			}
		})
	}
}

// That the caller has had enough is not, even where the picture was slow as well.
func TestEndOfTheContextIsNobodysFault(t *testing.T) {
	t.Parallel()
	reason := errors.New("the attempt took too long")
	for name, file := range slowPictures(t) {
		t.Run(name, func(t *testing.T) {
			for _, allowed := range []time.Duration{0, time.Hour} {
				e := newEngine(t)
				ctx, cancel := context.WithCancelCause(t.Context())
				e.decodeTime = func(int64) time.Duration { // asked just before decoding
					cancel(reason)
					return allowed
				}
				_, err := e.Render(ctx, source(file), usual)
				var fault *Error
				if !errors.Is(err, reason) || errors.As(err, &fault) {
					t.Errorf("got %v, want the context's", err)
				}
			}
		})
	}
}

// Waiting takes no time of a processor.
func TestPatienceIsOfTheProcessor(t *testing.T) {
	t.Parallel()
	p, stop := newPatience(t.Context(), 50*time.Millisecond)
	defer stop()
	r, w := io.Pipe()
	time.AfterFunc(200*time.Millisecond, func() { w.Close() })
	if _, err := io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	if err := p.Err(); err != nil {
		t.Fatalf("after waiting: %v, %v", err, context.Cause(p))
	}
	for deadline := time.Now().Add(time.Minute); p.Err() == nil; {
		if time.Now().After(deadline) {
			t.Fatal("work does not end it")
		}
	}
	check(t, context.Cause(p), ErrTooLarge, "takes longer")
}
