package imaging

import (
	"testing"

	"revela/imaging/imagetest"
)

// Quality counts in every lossy format, whether its encoder is given planes or pixels.
func TestQuality(t *testing.T) {
	t.Parallel()
	for name, file := range map[string][]byte{
		"planes": imagetest.JPEG(imagetest.Photo(160, 120)), "pixels": imagetest.PNG(imagetest.Photo(160, 120)),
	} {
		for codec, e := range engines(t) {
			for _, f := range []Format{JPEG, WebP, AVIF} {
				var size [2]int
				for i, quality := range []int{30, 95} {
					outs, err := images(e.Render(t.Context(), source(file), []Variant{{Name: "v", Width: 160, Quality: quality, Format: f}}))
					if err != nil {
						t.Fatal(name, codec, f, err)
					}
					size[i] = len(outs[0].Data)
				}
				if 2*size[0] > size[1] {
					t.Errorf("%s, %s, %s: %d bytes at quality 30, %d at 95", name, codec, f, size[0], size[1])
				}
			}
		}
	}
}
