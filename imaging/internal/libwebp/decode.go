package libwebp

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"

	"revela/imaging/internal/recycle"
	"revela/imaging/internal/sandbox"
)

// Decode decodes the lossy picture of w x h pixels in a file of size bytes: an
// *image.YCbCr with halved chroma, or an *image.NYCbCrA if the file has alpha. Its
// luma is 16 to 235, and its planes are from recycle.Bytes, each by itself. The caller has checked that the sizes are within bounds, and
// says whether there may be alpha.
//
// Beside the picture it takes the file's size and, with alpha, up to 6 bytes a
// pixel. It stops soon after the end of the context, within a row of blocks. It is
// safe for concurrent use.
func Decode(ctx context.Context, file io.Reader, size, w, h int, alpha bool) (image.Image, error) {
	inst, err := module.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer inst.Close()
	need := size
	if alpha {
		need += 2 * w * h // what alpha is decompressed to, and a copy without its filter
	}
	if err := check(inst.Call(ctx, "reserve", uint64(need))); err != nil {
		return nil, err
	}
	at, err := inst.Alloc(ctx, size)
	if err != nil {
		return nil, err
	}
	room, err := inst.View(at, uint32(size))
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(file, room); err != nil {
		return nil, err
	}
	d := &decoding{w: w, h: h}
	status, err := inst.Call(sandbox.Receive(ctx, d.rows), "decode", uint64(at), uint64(size), uint64(w), uint64(h))
	switch {
	case err != nil:
		return nil, err
	case status != 0:
		return nil, fmt.Errorf("libwebp: decoder's error %d", status)
	case d.have != h:
		return nil, errShape
	case d.alpha:
		return &d.out, nil
	}
	return &d.out.YCbCr, nil
}

// decoding is a picture as it comes.
type decoding struct {
	w, h  int
	have  int // rows
	alpha bool
	out   image.NYCbCrA
}

var errShape = errors.New("libwebp: rows that do not belong to the picture")

// rows takes the next rows. Nothing that the sandbox says of them is trusted.
func (d *decoding) rows(inst *sandbox.Instance, v [8]uint32) error {
	y, n, luma, cb, cr, lumaStride, chromaStride, alpha := int(v[0]), int(v[1]), v[2], v[3], v[4], v[5], v[6], v[7]
	if y != d.have || n < 1 || n > d.h-y || y%2 != 0 || n%2 != 0 && y+n < d.h {
		return errShape
	}
	if y == 0 {
		d.start(alpha != 0)
	}
	if d.alpha != (alpha != 0) {
		return errShape
	}
	m := &d.out
	cw := (d.w + 1) / 2
	err := errors.Join(
		copyRows(inst, m.Y[y*m.YStride:], luma, lumaStride, d.w, n),
		copyRows(inst, m.Cb[y/2*cw:], cb, chromaStride, cw, (n+1)/2),
		copyRows(inst, m.Cr[y/2*cw:], cr, chromaStride, cw, (n+1)/2))
	if d.alpha {
		err = errors.Join(err, copyRows(inst, m.A[y*m.AStride:], alpha, uint32(d.w), d.w, n))
	}
	d.have += n
	return err
}

func (d *decoding) start(alpha bool) {
	take := recycle.Bytes.Take
	cw, ch := (d.w+1)/2, (d.h+1)/2
	d.out.YCbCr = image.YCbCr{
		Y: take(d.w * d.h), Cb: take(cw * ch), Cr: take(cw * ch), YStride: d.w, CStride: cw,
		SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, d.w, d.h),
	}
	if d.alpha = alpha; alpha {
		d.out.A, d.out.AStride = take(d.w*d.h), d.w
	}
}

// copyRows copies n rows of w bytes, which have no gap in dst.
func copyRows(inst *sandbox.Instance, dst []byte, at, stride uint32, w, n int) error {
	for i := range n {
		src, err := inst.View(at+uint32(i)*stride, uint32(w))
		if err != nil {
			return err
		}
		copy(dst[i*w:][:w], src)
	}
	return nil
}
