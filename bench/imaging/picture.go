package main

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/image/webp"

	"revela/imaging/imagetest"
)

var allFormats = []string{"jpeg", "jpeg-progressive", "png", "png-alpha", "webp", "webp-alpha"}

// picture is an original.
type picture struct {
	name, path string
	w, h       int
	bytes      int

	want *plane // the reference, once it has been asked for
}

// makePicture generates an original of the given megapixels, 4 to 3, unless dir has
// it already.
func makePicture(dir, format string, mp float64) (*picture, error) {
	unit := math.Sqrt(mp * 1e6 / 12)
	p := &picture{name: fmt.Sprintf("%s-%gmp", format, mp), w: int(4 * unit), h: int(3 * unit)}
	p.path = filepath.Join(dir, p.name)
	if info, err := os.Stat(p.path); err == nil {
		p.bytes = int(info.Size())
		return p, nil
	}
	img := imagetest.Photo(p.w, p.h)
	if strings.HasSuffix(format, "-alpha") {
		cutOut(img)
	}
	var data []byte
	switch format {
	case "jpeg":
		data = imagetest.JPEG(img)
	case "jpeg-progressive":
		data = imagetest.ProgressiveJPEG(img)
	case "png", "png-alpha":
		data = imagetest.PNG(img)
	case "webp", "webp-alpha":
		data = imagetest.WebP(img)
	default:
		return nil, fmt.Errorf("there is no format %q; there are %v", format, allFormats)
	}
	p.bytes = len(data)
	return p, os.WriteFile(p.path, data, 0o644)
}

// cutOut leaves of a picture a disc with a soft edge.
func cutOut(img *image.NRGBA) {
	disc := imagetest.Cutout(img.Rect.Dx(), img.Rect.Dy())
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = disc.Pix[i]
	}
}

func decode(data []byte) (image.Image, error) {
	r := bytes.NewReader(data)
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG")):
		return png.Decode(r)
	case bytes.HasPrefix(data, []byte("RIFF")):
		return webp.Decode(r)
	}
	return jpeg.Decode(r)
}

// reference is the luma that a variant of the largest width should have.
func (p *picture) reference() *plane {
	if p.want == nil {
		data, err := os.ReadFile(p.path)
		if err == nil {
			var img image.Image
			if img, err = decode(data); err == nil {
				w := widths[0]
				if p.w <= w {
					p.want = luma(img)
				} else {
					p.want = lanczos(luma(img), w, int(math.Round(float64(p.h)*float64(w)/float64(p.w))))
				}
			}
		}
		if err != nil {
			panic(err) // it was just written
		}
	}
	return p.want
}
