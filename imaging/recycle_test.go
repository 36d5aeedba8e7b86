package imaging

import (
	"bytes"
	"sync"
	"testing"

	"revela/imaging/imagetest"
)

// recycling are files whose pixels are in memory that the next picture gets, and
// which would show if that were cleared or given back in the wrong places.
func recycling() map[string][]byte {
	photo := imagetest.Photo(640, 480)
	cmyk := imagetest.Sampled{W: 640, H: 480, Sampling: []byte{0x11, 0x11, 0x11, 0x11}, At: imagetest.Hills, Adobe: 2}
	return map[string][]byte{
		"jpeg": imagetest.JPEG(photo), "progressive": imagetest.ProgressiveJPEG(photo), "cmyk": cmyk.JPEG(),
		"png": imagetest.PNG(photo), "png alpha": imagetest.PNG(imagetest.Cutout(640, 480)),
		"webp": imagetest.WebP(photo), "webp alpha": imagetest.WebP(imagetest.Cutout(640, 480)),
	}
}

// What a picture took is not allocated again for the next.
func TestMemoryIsUsedAgain(t *testing.T) {
	if underRace {
		t.Skip("a pool forgets on purpose with the race detector")
	}
	const pixels = 640 * 480
	e := newEngine(t)
	for name, file := range recycling() {
		v := sized("v", 640, 80)
		v.Format = JPEG
		least := int64(1 << 60)
		for range 8 { // the collector may come in between
			before := allocated()
			if _, err := e.Render(t.Context(), source(file), []Variant{v}); err != nil {
				t.Fatal(name, err)
			}
			least = min(least, allocated()-before)
		}
		// What becomes of the picture is allocated: the file, and what is made of other
		// pixels than luma and chroma. It is less than the picture's own.
		most := map[string]int64{"png": 3 * pixels, "png alpha": 3 * pixels, "webp alpha": 3 * pixels, "cmyk": 7 * pixels}[name]
		if most == 0 {
			most = pixels
		}
		if least > most {
			t.Errorf("%s: allocates %d kB each time, want at most %d", name, least>>10, most>>10)
		}
	}
}

// Whatever was decoded before or is at the same time, whole or broken, a file gives
// the same bytes.
func TestNoPictureShowsInAnother(t *testing.T) {
	t.Parallel()
	flat := imagetest.Mosaic{Across: 80, Down: 60, Components: 3, Adobe: -1, Progressive: true,
		At: func(c, x, y int) byte { return byte(60 + 40*c + x + y) }}
	files := recycling()
	files["flat"] = flat.JPEG()
	e := newEngine(t)
	variants := []Variant{sized("a", 640, 80), sized("b", 100, 80)}
	want := map[string]Result{}
	for name, file := range files {
		r, err := e.Render(t.Context(), source(file), variants)
		if err != nil {
			t.Fatal(name, err)
		}
		want[name] = r
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for name, file := range files { // in any order
				_, _ = e.Render(t.Context(), source(append(bytes.Clone(file[:len(file)/2]), 0xff, 0xd9)), variants)
				r, err := e.Render(t.Context(), source(file), variants)
				if err != nil {
					t.Error(name, err)
					continue
				}
				for i, o := range r.Images {
					if !bytes.Equal(o.Data, want[name].Images[i].Data) {
						t.Errorf("%s: %s differs", name, o.Name)
					}
				}
				if !bytes.Equal(r.ThumbHash, want[name].ThumbHash) {
					t.Errorf("%s: its placeholder differs", name)
				}
			}
		})
	}
	all.Wait()
}
