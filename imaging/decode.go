package imaging

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"

	pngrows "revela/imaging/internal/png"
)

// sourceReader reads a Source until its context ends. Decoders ask for a few
// kilobytes at a time, so this is what stops one that would take minutes. It
// remembers why it failed, since decoders lose the cause.
type sourceReader struct {
	ctx  context.Context
	src  *io.SectionReader
	fail error // the context's, or a *sourceError
}

func newSourceReader(ctx context.Context, src Source) *sourceReader {
	return &sourceReader{ctx: ctx, src: io.NewSectionReader(src, 0, src.Size())}
}

func (r *sourceReader) Read(p []byte) (int, error) {
	if r.stopped() {
		return 0, r.fail
	}
	n, err := r.src.Read(p)
	return n, r.note(err)
}

// ReadAt serves decoders that jump about.
func (r *sourceReader) ReadAt(p []byte, off int64) (int, error) {
	if r.stopped() {
		return 0, r.fail
	}
	n, err := r.src.ReadAt(p, off)
	return n, r.note(err)
}

func (r *sourceReader) stopped() bool {
	if r.fail == nil && r.ctx.Err() != nil {
		r.fail = context.Cause(r.ctx)
	}
	return r.fail != nil
}

func (r *sourceReader) note(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	r.fail = &sourceError{err}
	return r.fail
}

// decode decodes the first frame of a picture. Its bounds are what the header
// said, or for GIF and animations a part of it.
func decode(ctx context.Context, src Source, h *header) (image.Image, error) {
	r := newSourceReader(ctx, src)
	img, err := decodeFormat(ctx, r, h)
	if r.fail != nil {
		return nil, r.fail
	}
	if err != nil {
		return nil, blame(err)
	}
	canvas := image.Rect(0, 0, h.width, h.height)
	switch h.format {
	case HEIC, AVIF: // checked frame by frame, and cropped
	case GIF: // cropped
	default:
		if h.webp.animated {
			canvas = image.Rectangle{Max: h.webp.rect.Size()}
		}
		if img.Bounds() != canvas {
			return nil, invalid("it is not of the size that it claims")
		}
	}
	return img, nil
}

func decodeFormat(ctx context.Context, r *sourceReader, h *header) (image.Image, error) {
	switch h.format {
	case JPEG:
		return decodeJPEG(r, h)
	case PNG:
		return png.Decode(pngrows.Essential(bufio.NewReader(r)))
	case WebP:
		if h.webp.animated {
			file, _ := h.firstFrame(r)
			return webp.Decode(file)
		}
		return webp.Decode(bufio.NewReader(r))
	case GIF:
		return decodeGIF(r, h)
	case TIFF:
		return decodeTIFF(ctx, r, h)
	case BMP:
		return decodeBMP(r, h)
	case HEIC, AVIF:
		return decodeHEIF(ctx, r, h)
	}
	return nil, errors.New("no decoder")
}

// decodeJPEG also decodes four components without Adobe's marker, which Go's
// decoder refuses because it does not know what they are. All programs take them
// for negative ink, as they are with it: so it is given one.
func decodeJPEG(r io.Reader, h *header) (image.Image, error) {
	if h.jpeg.means != jpegCMYK || h.jpeg.adobe {
		return jpeg.Decode(r)
	}
	var soi [2]byte
	if _, err := io.ReadFull(r, soi[:]); err != nil {
		return nil, err
	}
	const unknownTransform = "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
	return jpeg.Decode(io.MultiReader(bytes.NewReader(soi[:]), bytes.NewReader([]byte(unknownTransform)), r))
}
