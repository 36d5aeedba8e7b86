package config

import (
	"errors"
	"fmt"
	"image"
	"maps"
	"slices"

	"revela/imaging"
)

// maxMarkFile bounds the file of a watermark, in bytes.
const maxMarkFile = 8 << 20

// marks reads the pictures of all watermarks, each file once.
func (l *loader) marks() {
	type result struct {
		image *image.NRGBA
		err   error
	}
	read := map[string]result{}
	for _, set := range slices.Sorted(maps.Keys(l.config.Image.Variants)) {
		for i, v := range l.config.Image.Variants[set] {
			m := v.Watermark
			if m == nil || m.File == "" {
				continue
			}
			r, done := read[m.File]
			if !done {
				r.image, r.err = readMark(l.abs(m.File))
				read[m.File] = r
			}
			m.Image = r.image
			l.rule(r.err != nil, fmt.Sprintf("has in %s a watermark %q that cannot be used: %v", place(set, i, v), m.File, r.err),
				"image.variants")
		}
	}
}

func readMark(name string) (*image.NRGBA, error) {
	data, err := readLimited(name, maxMarkFile)
	if err != nil {
		return nil, cause(err)
	}
	m, err := imaging.DecodeMark(data)
	var picture *imaging.Error
	if errors.As(err, &picture) {
		return nil, errors.New(picture.Detail)
	}
	return m, err
}
