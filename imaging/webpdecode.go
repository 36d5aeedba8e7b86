package imaging

import (
	"context"
	"image"

	"revela/imaging/internal/libwebp"
)

// loadWebP decodes the first picture of a WebP. libwebp decodes what is lossy; if
// it finds anything odd, or if nothing is lost, Go's decoder judges.
func loadWebP(ctx context.Context, src Source, h *header) (*picture, error) {
	if !h.webp.lossy {
		return loadImage(ctx, src, h)
	}
	r := newSourceReader(ctx, src)
	img, err := readWebP(ctx, r, h)
	switch {
	case r.stopped() || r.fail != nil:
		return nil, r.fail
	case err != nil:
		return loadImage(ctx, src, h)
	}
	p, err := newPicture(img, h.webpCanvas(), true)
	if err == nil {
		p.pixels = planesOf(img)
	}
	return p, err
}

func readWebP(ctx context.Context, r *sourceReader, h *header) (image.Image, error) {
	if h.webp.animated {
		file, size := h.firstFrame(r)
		return libwebp.Decode(ctx, file, size, h.webp.rect.Dx(), h.webp.rect.Dy(), h.webp.alpha)
	}
	return libwebp.Decode(ctx, r, int(r.src.Size()), h.width, h.height, !h.opaque)
}

// webpCanvas is all of the picture, as seen from the part that is decoded.
func (h *header) webpCanvas() image.Rectangle {
	return image.Rect(0, 0, h.width, h.height).Sub(h.webp.rect.Min)
}

// encodeWebP returns the raster as a WebP. Planes go to the encoder as they are.
func (r *raster) encodeWebP(ctx context.Context, quality int) ([]byte, error) {
	if r.planes == nil {
		return libwebp.Encode(ctx, r.rgb(), quality)
	}
	r.squeeze()
	luma, cb, cr := r.planes[0], r.planes[1], r.planes[2]
	return libwebp.Encode(ctx, &image.YCbCr{
		Y: luma.pix, Cb: cb.pix, Cr: cr.pix, YStride: luma.w, CStride: cb.w,
		SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, r.w, r.h),
	}, quality)
}
