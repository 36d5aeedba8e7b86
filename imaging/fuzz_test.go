package imaging

import (
	"context"
	"errors"
	"image"
	"testing"
	"time"

	"revela/imaging/imagetest"
)

// seeds are small files of every kind that there is a path for.
func seeds() [][]byte {
	photo, cutout := imagetest.Photo(24, 16), imagetest.Cutout(16, 16)
	at := func(c, x, y int) byte { return byte(90*c + 31*x + 17*y) }
	mosaic := imagetest.Mosaic{Across: 4, Down: 2, Components: 3, At: at, Adobe: -1}
	progressive, half, cmyk := mosaic, mosaic, mosaic
	progressive.Progressive, progressive.ExtraScans = true, 3
	half.Half = true
	cmyk.Components, cmyk.Adobe = 4, 2
	return [][]byte{
		imagetest.WithProfile(imagetest.WithExif(imagetest.JPEG(photo), imagetest.Exif(6)), imagetest.Profile("RGB ", 200)),
		mosaic.JPEG(), progressive.JPEG(), half.JPEG(), cmyk.JPEG(),
		imagetest.WithExif(imagetest.PNG(photo), imagetest.Exif(5)),
		pngWithProfile(imagetest.PNG(cutout), imagetest.Profile("RGB ", 200)),
		imagetest.PNG(image.NewGray16(image.Rect(0, 0, 5, 3))),
		imagetest.WithExif(imagetest.WebP(photo), imagetest.Exif(8)), imagetest.WebP(cutout),
		imagetest.Animation(cutout, image.Pt(2, 4), image.Pt(30, 30)),
		imagetest.GIF(cutout), imagetest.TIFF(photo), imagetest.TIFF(cutout), imagetest.BMP(photo),
		imagetest.GIFBomb(), imagetest.PNGBomb(30000, 30000),
	}
}

// fuzzConfig keeps what the fuzzer finds small enough to try thousands of them.
func fuzzConfig() Config { return Config{MaxPixels: 1 << 18, MemoryBudget: 64 << 20} }

func FuzzProbe(f *testing.F) {
	for _, file := range seeds() {
		f.Add(file)
	}
	e, err := New(fuzzConfig())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		info, err := e.Probe(source(file))
		if err != nil {
			blameless(t, err)
			return
		}
		if info.Width < 1 || info.Height < 1 || int64(info.Width)*int64(info.Height) > fuzzConfig().MaxPixels || info.Format.Ext() == "" {
			t.Errorf("accepted %v", info)
		}
	})
}

func FuzzRender(f *testing.F) {
	for _, file := range seeds() {
		f.Add(file)
	}
	e, err := New(fuzzConfig())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		info, probeErr := e.Probe(source(file))
		outs, err := e.Render(ctx, source(file), []Variant{{"a", 20, 85}, {"b", 7, 50}})
		if err != nil {
			blameless(t, err)
			return
		}
		if probeErr != nil {
			t.Errorf("rendered what Probe refused: %v", probeErr)
		}
		for i, width := range []int{20, 7} {
			o := outs[i]
			if o.Width > width || o.Width < 1 || o.Height < 1 || o.Width != min(width, info.Width) && o.Height < 16000 {
				t.Errorf("%v became %d x %d", info, o.Width, o.Height)
			}
			again, err := e.Probe(source(o.Data))
			if err != nil || again != (Info{o.Format, o.Width, o.Height}) {
				t.Errorf("output %s of %d x %d is read as %v, %v", o.Format, o.Width, o.Height, again, err)
			}
		}
	})
}

// blameless fails unless the error blames the picture, and not with a panic.
func blameless(t *testing.T, err error) {
	t.Helper()
	var (
		own   *Error
		panic *PanicError
	)
	if !errors.As(err, &own) || own.Detail == "" {
		t.Errorf("not an *Error: %v", err)
	}
	if errors.As(err, &panic) {
		t.Errorf("%v\n%s", err, panic.Stack)
	}
}
