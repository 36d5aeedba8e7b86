package imaging

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"revela/imaging/imagetest"
)

// turboEngine skips the test where libjpeg-turbo is not installed.
func turboEngine(t *testing.T) *Engine {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Turbo = true
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if e.Codec() == "go" {
		t.Skip("libjpeg-turbo is not installed")
	}
	return e
}

// Both codecs make the same pictures, upright.
func TestTurboRendersTheSame(t *testing.T) {
	t.Parallel()
	e, photo := turboEngine(t), imagetest.Photo(701, 467)
	for name, file := range map[string][]byte{
		"baseline":    imagetest.JPEG(photo),
		"progressive": imagetest.ProgressiveJPEG(photo),
		"grey":        imagetest.JPEG(imagetest.ZonePlate(701, 467)),
		"turned":      imagetest.WithExif(imagetest.JPEG(photo), imagetest.Exif(6)),
	} {
		for _, width := range []int{40, 101, 300, 800} {
			variants := []Variant{{Name: "v", Width: width, Quality: 90}}
			with, err := e.Render(t.Context(), source(file), variants)
			if err != nil {
				t.Fatal(name, err)
			}
			without := render(t, file, width)
			// They reduce differently what is too fine to be shown.
			want := 30.0
			if name == "grey" {
				want = 20
			}
			if psnr := imagetest.PSNR(pixels(t, with.Images[0]), pixels(t, without)); psnr < want {
				t.Errorf("%s at %d: PSNR %.1f dB, want %.0f", name, width, psnr, want)
			}
		}
	}
}

// A file that Go takes is taken with libjpeg-turbo too, and one that both refuse
// is refused in the same words.
func TestTurboRefusesNoMore(t *testing.T) {
	t.Parallel()
	e, pure := turboEngine(t), newEngine(t)
	variants := []Variant{{Name: "v", Width: 40, Quality: 85}}
	rng := rand.New(rand.NewPCG(1, 1))
	refused := 0
	for _, file := range [][]byte{
		imagetest.JPEG(imagetest.Photo(100, 80)), imagetest.ProgressiveJPEG(imagetest.Photo(100, 80)),
	} {
		for range 200 {
			broken := bytes.Clone(file)
			broken[rng.IntN(len(broken))] ^= 1 << rng.IntN(8)
			_, with := e.Render(t.Context(), source(broken), variants)
			_, without := pure.Render(t.Context(), source(broken), variants)
			if with == nil {
				continue
			}
			refused++
			if without == nil || with.Error() != without.Error() {
				t.Errorf("with it %v, without %v", with, without)
			}
		}
	}
	if refused == 0 {
		t.Error("nothing was refused: the test shows nothing")
	}
}

func TestProgressiveVariants(t *testing.T) {
	t.Parallel()
	file := imagetest.JPEG(imagetest.Photo(320, 240))
	plain := render(t, file, 160)
	for _, turbo := range []bool{false, true} {
		cfg := DefaultConfig()
		cfg.Progressive, cfg.Turbo = true, turbo
		e, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		outs, err := e.Render(t.Context(), source(file), []Variant{{Name: "v", Width: 160, Quality: 90}})
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			out  Output
			want bool
		}{"progressive": {outs.Images[0], true}, "plain": {plain, false}} {
			h, err := probe(source(c.out.Data), DefaultConfig())
			if err != nil {
				t.Fatal(err)
			}
			if h.jpeg.progressive != c.want {
				t.Errorf("%s, turbo %v: progressive is %v", name, turbo, h.jpeg.progressive)
			}
		}
		if psnr := imagetest.PSNR(pixels(t, outs.Images[0]), pixels(t, plain)); psnr < 38 {
			t.Errorf("turbo %v: PSNR %.1f dB against the plain one", turbo, psnr)
		}
	}
}
