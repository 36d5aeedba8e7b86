package imaging

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"testing"

	"go.n16f.net/thumbhash"

	"revela/imaging/imagetest"
)

// one renders a single variant.
func one(t testing.TB, file []byte, v Variant) Output {
	t.Helper()
	v.Name, v.Quality = "v", 95
	outs, err := images(newEngine(t).Render(t.Context(), source(file), []Variant{v}))
	if err != nil {
		t.Fatal(err)
	}
	return outs[0]
}

func TestFrames(t *testing.T) {
	t.Parallel()
	const most = 1 << 20
	for _, c := range []struct {
		v    Variant
		w, h int
		part image.Point
		out  image.Point
	}{
		{Variant{Width: 400}, 1000, 500, image.Pt(1000, 500), image.Pt(400, 200)},
		{Variant{Height: 100}, 1000, 500, image.Pt(1000, 500), image.Pt(200, 100)},
		{Variant{Width: 400, Height: 100}, 1000, 500, image.Pt(1000, 500), image.Pt(200, 100)},
		{Variant{Width: 4000}, 1000, 500, image.Pt(1000, 500), image.Pt(1000, 500)},
		{Variant{Width: 1}, 10, 10000, image.Pt(10, 10000), image.Pt(1, 1000)},
		{Variant{Width: 100, Height: 100, Fit: Cover}, 1000, 500, image.Pt(500, 500), image.Pt(100, 100)},
		{Variant{Width: 100, Height: 300, Fit: Cover}, 1000, 500, image.Pt(167, 500), image.Pt(100, 300)},
		{Variant{Width: 300, Height: 50, Fit: Cover}, 500, 1000, image.Pt(500, 83), image.Pt(300, 50)},
		// A box beyond the picture keeps its shape and shrinks.
		{Variant{Width: 2000, Height: 2000, Fit: Cover}, 1000, 500, image.Pt(500, 500), image.Pt(500, 500)},
		{Variant{Width: 100, Height: 3000, Fit: Cover}, 1000, 500, image.Pt(17, 500), image.Pt(17, 500)},
		{Variant{Width: 100, Height: 100, Fit: Fill}, 1000, 500, image.Pt(1000, 500), image.Pt(100, 100)},
		{Variant{Width: 2000, Height: 2000, Fit: Fill}, 1000, 500, image.Pt(1000, 500), image.Pt(500, 500)},
	} {
		got := c.v.frame(c.w, c.h, most)
		if got.part != c.part || got.out != c.out {
			t.Errorf("%s %d x %d of %d x %d: %+v, want %v, %v", c.v.Fit, c.v.Width, c.v.Height, c.w, c.h, got, c.part, c.out)
		}
	}
}

// What must hold for every picture and every box.
func TestFramesOfAllShapes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	side := func() int { return 1 + r.IntN(1<<r.IntN(17)) }
	for range 200_000 {
		w, h, most := side(), side(), 16383
		v := Variant{Width: side(), Height: side(), Fit: Fits()[r.IntN(3)]}
		f := v.frame(w, h, most)
		all := image.Rect(0, 0, w, h)
		part := image.Rectangle{Max: f.part}
		switch {
		case f.out.X < 1 || f.out.Y < 1 || f.out.X > min(f.part.X, v.Width, most) || f.out.Y > min(f.part.Y, v.Height, most):
			t.Fatalf("%+v of %d x %d is %+v: too large or enlarged", v, w, h, f)
		case part.Empty() || !part.In(all) || v.Fit != Cover && part != all:
			t.Fatalf("%+v of %d x %d is %+v: not a part", v, w, h, f)
		case f.part.X < w && f.part.Y < h:
			t.Fatalf("%+v of %d x %d is %+v: cut on both sides", v, w, h, f)
		}
		// One side follows from the other to within a pixel of the result, or of
		// the part that is cut.
		aspect := float64(f.part.X) / float64(f.part.Y)
		offX, offY := float64(f.out.X)-float64(f.out.Y)*aspect, float64(f.out.Y)-float64(f.out.X)/aspect
		cutX := float64(f.part.X) - float64(f.part.Y)*float64(f.out.X)/float64(f.out.Y)
		cutY := float64(f.part.Y) - float64(f.part.X)*float64(f.out.Y)/float64(f.out.X)
		if v.Fit != Fill && min(math.Abs(offX), math.Abs(offY), math.Abs(cutX), math.Abs(cutY)) > 1 {
			t.Fatalf("%+v of %d x %d is %+v: squeezed by %v, %v pixels", v, w, h, f, offX, offY)
		}
	}
}

// A corner that is cut out is the corner that people see, however the picture is
// stored.
func TestCoverKeepsWhatIsShown(t *testing.T) {
	t.Parallel()
	shown := imagetest.Corners(64, 48)
	for o := 1; o <= 8; o++ {
		file := imagetest.WithExif(imagetest.JPEG(imagetest.Store(shown, o)), imagetest.Exif(o))
		for _, c := range []struct {
			v       Variant
			at      image.Point
			want    color.NRGBA
			outside bool
		}{
			{v: Variant{Width: 8, Height: 24, Gravity: West}, at: image.Pt(4, 5), want: imagetest.TopLeft},
			{v: Variant{Width: 8, Height: 24, Gravity: West}, at: image.Pt(4, 19), want: imagetest.BottomLeft},
			{v: Variant{Width: 8, Height: 24, Gravity: NorthEast}, at: image.Pt(4, 5), want: imagetest.TopRight},
			{v: Variant{Width: 32, Height: 6, Gravity: SouthWest}, at: image.Pt(24, 3), want: imagetest.BottomRight},
			{v: Variant{Width: 32, Height: 6, Gravity: North}, at: image.Pt(5, 3), want: imagetest.TopLeft},
		} {
			c.v.Fit = Cover
			img := pixels(t, one(t, file, c.v))
			near(t, string(c.v.Gravity), img.At(c.at.X, c.at.Y), c.want, 40)
		}
	}
}

// picture with something to see in one place.
func spot(w, h int, at image.Rectangle) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.Draw(img, img.Rect, image.NewUniform(color.NRGBA{128, 128, 128, 255}), image.Point{}, draw.Src)
	draw.Draw(img, at, imagetest.Photo(at.Dx(), at.Dy()), image.Point{}, draw.Src)
	return img
}

func TestCoverFindsWhatIsInteresting(t *testing.T) {
	t.Parallel()
	for _, g := range []Gravity{Entropy, Attention} {
		for _, c := range []struct{ size, spot image.Rectangle }{
			{image.Rect(0, 0, 400, 100), image.Rect(300, 0, 400, 100)},
			{image.Rect(0, 0, 400, 100), image.Rect(10, 0, 110, 100)},
			{image.Rect(0, 0, 100, 400), image.Rect(0, 250, 100, 350)},
		} {
			img := spot(c.size.Dx(), c.size.Dy(), c.spot)
			out := pixels(t, one(t, imagetest.PNG(img), Variant{Width: 100, Height: 100, Fit: Cover, Gravity: g}))
			if got := imagetest.PSNR(out, img.SubImage(c.spot)); got < 14 {
				t.Errorf("%s: the spot at %v was not found: %.1f dB", g, c.spot, got)
			}
		}
		// Where all is alike it stays in the middle.
		flat := spot(400, 100, image.Rectangle{})
		flat.SetNRGBA(200, 50, color.NRGBA{255, 0, 0, 255})
		out := pixels(t, one(t, imagetest.PNG(flat), Variant{Width: 100, Height: 100, Fit: Cover, Gravity: g}))
		if r, g, _, _ := out.At(50, 50).RGBA(); r <= g {
			t.Errorf("the middle is not in the middle: %v", out.At(50, 50))
		}
	}
}

func TestFormatsOnRequest(t *testing.T) {
	t.Parallel()
	photo, cutout := imagetest.Photo(60, 40), imagetest.Cutout(60, 40)
	green := color.NRGBA{0, 200, 0, 255}
	for _, f := range WritableFormats() {
		for name, file := range map[string][]byte{
			"jpeg": imagetest.JPEG(photo), "png": imagetest.PNG(photo), "webp": imagetest.WebP(photo), "gif": imagetest.GIF(photo),
		} {
			out := one(t, file, Variant{Width: 60, Format: f})
			if psnr := imagetest.PSNR(pixels(t, out), photo); out.Format != f || psnr < 20 {
				t.Errorf("%s to %s: got %s, %.1f dB", name, f, out.Format, psnr)
			}
		}
		file := imagetest.PNG(cutout)
		want := color.NRGBA{}
		if f == JPEG {
			want = color.NRGBA{255, 255, 255, 255}
		}
		near(t, string(f), pixels(t, one(t, file, Variant{Width: 60, Format: f})).At(2, 2), want, 3)
		near(t, string(f), pixels(t, one(t, file, Variant{Width: 60, Format: f, Background: &green})).At(2, 2), green, 6)
		near(t, string(f), pixels(t, one(t, file, Variant{Width: 60, Format: f, Background: &green})).At(30, 20), color.White, 6)
	}
}

// edge is the steepest step between neighbours in a row.
func edge(img image.Image, y int) int {
	steepest := 0
	for x := 1; x < img.Bounds().Dx(); x++ {
		a, _, _, _ := img.At(x-1, y).RGBA()
		b, _, _, _ := img.At(x, y).RGBA()
		steepest = max(steepest, int(a>>8)-int(b>>8), int(b>>8)-int(a>>8))
	}
	return steepest
}

func TestSharpen(t *testing.T) {
	t.Parallel()
	ramp := image.NewGray(image.Rect(0, 0, 64, 32))
	for i := range ramp.Pix {
		ramp.Pix[i] = byte(min(max((i%64-28)*20+40, 40), 200)) // a soft edge
	}
	rgb := image.NewNRGBA(ramp.Rect)
	draw.Draw(rgb, rgb.Rect, ramp, image.Point{}, draw.Src)
	for name, file := range map[string][]byte{
		"grey": imagetest.PNG(ramp), "rgb": imagetest.PNG(rgb), "jpeg": imagetest.JPEG(rgb), "webp": imagetest.WebP(rgb),
	} {
		plain := pixels(t, one(t, file, Variant{Width: 64}))
		sharp := pixels(t, one(t, file, Variant{Width: 64, Sharpen: 2}))
		if before, after := edge(plain, 16), edge(sharp, 16); after < before+before/4 {
			t.Errorf("%s: the edge was %d and is %d", name, before, after)
		}
		r1, _, _, _ := plain.At(5, 16).RGBA()
		r2, _, _, _ := sharp.At(5, 16).RGBA()
		if d := int(r1>>8) - int(r2>>8); d < -2 || d > 2 {
			t.Errorf("%s: what is flat changed by %d", name, d)
		}
	}
}

func TestWatermark(t *testing.T) {
	t.Parallel()
	red := image.NewNRGBA(image.Rect(0, 0, 20, 10))
	draw.Draw(red, red.Rect, image.NewUniform(color.NRGBA{255, 0, 0, 255}), image.Point{}, draw.Src)
	grey := image.NewGray(image.Rect(0, 0, 200, 100))
	for i := range grey.Pix {
		grey.Pix[i] = 100
	}
	clear := image.NewNRGBA(grey.Rect)
	half := &Watermark{Image: red, Position: SouthEast, Opacity: 0.5, Scale: 0.5}
	for name, c := range map[string]struct {
		file        []byte
		under, over color.NRGBA
	}{
		"grey jpeg": {imagetest.JPEG(grey), color.NRGBA{100, 100, 100, 255}, color.NRGBA{178, 50, 50, 255}},
		"grey png":  {imagetest.PNG(grey), color.NRGBA{100, 100, 100, 255}, color.NRGBA{178, 50, 50, 255}},
		"nothing":   {imagetest.PNG(clear), color.NRGBA{}, color.NRGBA{255, 0, 0, 128}},
	} {
		// The mark is 50 x 25 of 100 x 50 pixels, one from the edges.
		img := pixels(t, one(t, c.file, Variant{Width: 100, Watermark: half}))
		near(t, name+" beside it", img.At(44, 40), c.under, 6)
		near(t, name+" above it", img.At(80, 18), c.under, 6)
		near(t, name+" in the corner", img.At(97, 47), c.over, 6)
		near(t, name+" inside it", img.At(55, 30), c.over, 6)
	}
	// It fits however thin the picture is, and is found again wherever it is put.
	for _, p := range Places() {
		for _, size := range []image.Point{{200, 1}, {1, 200}, {3, 3}, {200, 20}, {100, 100}} {
			m := &Watermark{Image: red, Position: p, Opacity: 1, Scale: 1}
			out := pixels(t, one(t, imagetest.PNG(image.NewNRGBA(image.Rectangle{Max: size})), Variant{Width: 200, Watermark: m}))
			marked := 0
			for y := range size.Y {
				for x := range size.X {
					if _, _, _, a := out.At(x, y).RGBA(); a > 0 {
						marked++
					}
				}
			}
			if want := m.size(size.X, size.Y); marked != want.X*want.Y {
				t.Errorf("%s on %v: %d pixels are marked, want %v", p, size, marked, want)
			}
		}
	}
}

func TestDecodeMark(t *testing.T) {
	t.Parallel()
	stored := imagetest.WithExif(imagetest.JPEG(imagetest.Store(imagetest.Corners(40, 20), 6)), imagetest.Exif(6))
	m, err := DecodeMark(stored)
	if err != nil || m.Rect != image.Rect(0, 0, 40, 20) {
		t.Fatal(m, err)
	}
	near(t, "top left", m.At(3, 3), imagetest.TopLeft, 40)
	_, err = DecodeMark([]byte("hello"))
	check(t, err, ErrUnsupported, "")
	_, err = DecodeMark(imagetest.PNGBomb(3000, 3000))
	check(t, err, ErrTooLarge, "megapixels")
}

// Variants that come to the same are made once: their recipes are equal, and so
// are their bytes.
func TestTwinsAreMadeOnce(t *testing.T) {
	t.Parallel()
	h := &header{format: PNG, width: 100, height: 50, orientation: 1}
	mark := &Watermark{Image: imagetest.Corners(2, 2), Opacity: 1, Scale: 1}
	white := &color.NRGBA{255, 255, 255, 255}
	for _, c := range []struct {
		a, b   Variant
		opaque bool
		same   bool
	}{
		{Variant{Width: 200}, Variant{Width: 300}, true, true},
		{Variant{Width: 100}, Variant{Height: 50}, true, true},
		{Variant{Width: 100, Quality: 1}, Variant{Width: 100, Quality: 2}, true, true}, // PNG has none
		{Variant{Width: 100, Quality: 1, Format: JPEG}, Variant{Width: 100, Quality: 2, Format: JPEG}, true, false},
		{Variant{Width: 100, Format: PNG}, Variant{Width: 100}, true, true},
		{Variant{Width: 100, Background: white}, Variant{Width: 100}, true, true},
		{Variant{Width: 100, Background: white}, Variant{Width: 100}, false, false},
		{Variant{Width: 100, Background: white, Format: JPEG}, Variant{Width: 100, Format: JPEG}, false, true},
		{Variant{Width: 20, Height: 10, Fit: Cover, Gravity: North}, Variant{Width: 20}, true, true}, // nothing is cut
		{Variant{Width: 20, Height: 20, Fit: Cover, Gravity: West}, Variant{Width: 20, Height: 20, Fit: Cover, Gravity: East}, true, false},
		{Variant{Width: 100, Sharpen: 1}, Variant{Width: 100}, true, false},
		{Variant{Width: 100, Watermark: mark}, Variant{Width: 100}, true, false},
		{Variant{Width: 100, Watermark: mark}, Variant{Width: 200, Watermark: mark}, true, true},
	} {
		if got := c.a.recipe(h, c.opaque) == c.b.recipe(h, c.opaque); got != c.same {
			t.Errorf("%+v and %+v: same is %v, want %v", c.a, c.b, got, c.same)
		}
	}
	outs, err := images(newEngine(t).Render(t.Context(), source(imagetest.JPEG(imagetest.Photo(30, 20))), []Variant{sized("a", 100, 80), sized("b", 200, 80)}))
	if err != nil || !bytes.Equal(outs[0].Data, outs[1].Data) || &outs[0].Data[0] == &outs[1].Data[0] {
		t.Errorf("twins differ, or share their bytes: %v", err)
	}
}

func TestThumbHash(t *testing.T) {
	t.Parallel()
	shown := imagetest.Corners(64, 48)
	hashed := func(file []byte, vs ...Variant) image.Image {
		t.Helper()
		for i := range vs {
			vs[i].Quality = 80
		}
		r, err := newEngine(t).Render(t.Context(), source(file), vs)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(r.ThumbHash); n < 5 || n > 40 {
			t.Errorf("a hash of %d bytes", n)
		}
		img, err := thumbhash.DecodeImage(r.ThumbHash)
		if err != nil {
			t.Fatal(err)
		}
		return img
	}
	whole, cut := Variant{Name: "a", Width: 20}, Variant{Name: "b", Width: 5, Height: 5, Fit: Cover, Gravity: NorthWest}
	marked := whole
	marked.Watermark = &Watermark{Image: imagetest.Cutout(20, 20), Opacity: 1, Scale: 1}
	for o := 1; o <= 8; o++ {
		file := imagetest.WithExif(imagetest.JPEG(imagetest.Store(shown, o)), imagetest.Exif(o))
		for name, vs := range map[string][]Variant{"whole": {whole}, "cut": {cut}, "both": {cut, whole}, "marked": {marked}} {
			img := hashed(file, vs...)
			b := img.Bounds()
			if b.Dx() <= b.Dy() {
				t.Errorf("%s, orientation %d: it lies and its placeholder stands: %v", name, o, b)
			}
			for _, c := range []struct {
				x, y int
				want color.NRGBA
			}{{b.Dx() / 6, b.Dy() / 6, imagetest.TopLeft}, {b.Dx() * 5 / 6, b.Dy() / 6, imagetest.TopRight}, {b.Dx() / 6, b.Dy() * 5 / 6, imagetest.BottomLeft}, {b.Dx() * 5 / 6, b.Dy() * 5 / 6, imagetest.BottomRight}} {
				near(t, name, img.At(c.x, c.y), c.want, 75)
			}
		}
	}
	// What is transparent is so in the placeholder, and what is not keeps its colour.
	img := hashed(imagetest.PNG(imagetest.Cutout(64, 64)), whole)
	near(t, "outside", img.At(0, 0), color.NRGBA{}, 60)
	near(t, "inside", img.At(16, 16), color.White, 60)
}

// Shades stay even: no step is larger than it was, none goes back, and grey gets
// no tint.
func TestGradientsStaySmooth(t *testing.T) {
	t.Parallel()
	file := imagetest.PNG(imagetest.Gradient(1024, 256))
	for f, slack := range map[Format]int{PNG: 0, JPEG: 3, WebP: 4} {
		img := pixels(t, one(t, file, Variant{Width: 256, Format: f}))
		last := 0
		for x := range 256 {
			r, g, b, _ := img.At(x, 8).RGBA()
			grey, tint := int(g>>8), max(r, g, b)>>8-min(r, g, b)>>8
			if int(tint) > slack || grey < last-slack || grey > last+1+2*slack {
				t.Errorf("%s: at %d it is %d after %d, with a tint of %d", f, x, grey, last, tint)
			}
			last = grey
		}
		near(t, string(f)+" black", img.At(0, 8), color.Black, 2+slack)
		near(t, string(f)+" white", img.At(255, 8), color.White, 2+slack)
	}
}
