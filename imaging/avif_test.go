package imaging

import (
	"image"
	"image/color"
	"testing"

	"revela/imaging/imagetest"
	"revela/imaging/internal/icc"
)

func avif(t *testing.T, file []byte, width int) Output {
	t.Helper()
	v := sized("v", width, 90)
	v.Format = AVIF
	outs, err := images(newEngine(t).Render(t.Context(), source(file), []Variant{v}))
	if err != nil {
		t.Fatal(err)
	}
	if o := outs[0]; o.Format != AVIF || sniff(o.Data) != AVIF {
		t.Fatalf("became %s", o.Format)
	}
	return outs[0]
}

func TestAVIFOut(t *testing.T) {
	t.Parallel()
	photo, cutout := imagetest.Photo(240, 160), imagetest.Cutout(160, 160)
	if got := imagetest.PSNR(pixels(t, avif(t, imagetest.PNG(photo), 240)), photo); got < 33 {
		t.Errorf("photo: PSNR %.1f dB", got)
	}
	if got := imagetest.PSNR(pixels(t, avif(t, imagetest.PNG(cutout), 160)), cutout); got < 36 {
		t.Errorf("with alpha: PSNR %.1f dB", got)
	}
	if img, ok := pixels(t, avif(t, imagetest.PNG(imagetest.ZonePlate(64, 64)), 64)).(*image.Gray); !ok {
		t.Errorf("grey became a %T", img)
	}
	if o := avif(t, imagetest.JPEG(photo), 1); o.Width != 1 || o.Height != 1 {
		t.Errorf("became %d x %d", o.Width, o.Height)
	}
}

func TestAVIFSaysItsColours(t *testing.T) {
	t.Parallel()
	swatch := color.NRGBA{220, 60, 40, 255}
	for want, file := range map[int][]byte{
		1:  imagetest.PNG(flat(swatch)),
		12: pngWithProfile(imagetest.PNG(flat(swatch)), icc.DisplayP3.Profile()),
	} {
		o := avif(t, file, 32)
		near(t, "stored", pixels(t, o).At(16, 16), swatch, 6)
		h, err := probe(source(o.Data), DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		if c := h.heif.nclx; c == nil || c.Primaries != want || c.Transfer != 13 {
			t.Errorf("says %+v, want primaries %d", c, want)
		}
	}
}
