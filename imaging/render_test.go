package imaging

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/draw"

	"revela/imaging/imagetest"
)

func TestEveryFormatBecomesVariants(t *testing.T) {
	t.Parallel()
	photo := imagetest.Photo(600, 400)
	cutout := imagetest.Cutout(600, 400)
	for name, c := range map[string]struct {
		file []byte
		want image.Image
		in   Format
		out  Format
		psnr float64 // dB
	}{
		"jpeg":            {imagetest.JPEG(photo), photo, JPEG, JPEG, 34},
		"png":             {imagetest.PNG(photo), photo, PNG, PNG, 42},
		"png alpha":       {imagetest.PNG(cutout), cutout, PNG, PNG, 40},
		"webp":            {imagetest.WebP(photo), photo, WebP, WebP, 33},
		"webp alpha":      {imagetest.WebP(cutout), cutout, WebP, WebP, 36},
		"gif":             {imagetest.GIF(cutout), nil, GIF, PNG, 0},
		"gif opaque":      {imagetest.GIF(photo), photo, GIF, JPEG, 20}, // 256 colours
		"tiff":            {imagetest.TIFF(photo), photo, TIFF, JPEG, 34},
		"tiff alpha":      {imagetest.TIFF(cutout), cutout, TIFF, PNG, 40},
		"bmp":             {imagetest.BMP(photo), photo, BMP, JPEG, 34},
		"animated webp":   {imagetest.Animation(photo, image.Point{}, image.Pt(600, 400)), photo, WebP, WebP, 33},
		"animation alpha": {imagetest.Animation(cutout, image.Point{}, image.Pt(600, 400)), cutout, WebP, WebP, 36},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t)
			info, err := e.Probe(source(c.file))
			if err != nil {
				t.Fatal(err)
			}
			if want := (Info{c.in, 600, 400, 1}); info != want {
				t.Errorf("Probe: %v, want %v", info, want)
			}
			outs, err := images(e.Render(t.Context(), source(c.file), []Variant{sized("a", 240, 90), sized("b", 120, 90)}))
			if err != nil {
				t.Fatal(err)
			}
			for i, size := range []image.Point{{240, 160}, {120, 80}} {
				o := outs[i]
				if o.Format != c.out || o.Name != [...]string{"a", "b"}[i] {
					t.Errorf("got %s %q, want %s", o.Format, o.Name, c.out)
				}
				img := pixels(t, o)
				if img.Bounds().Size() != size {
					t.Errorf("size %v, want %v", img.Bounds().Size(), size)
				}
				if c.want == nil {
					continue
				}
				if got := imagetest.PSNR(img, reference(c.want, size)); got < c.psnr {
					t.Errorf("%v: PSNR %.1f dB against an independent resize, want %.0f", size, got, c.psnr)
				}
			}
		})
	}
}

// reference resizes by another method of another library.
func reference(img image.Image, size image.Point) image.Image {
	out := image.NewNRGBA(image.Rectangle{Max: size})
	draw.CatmullRom.Scale(out, out.Rect, img, img.Bounds(), draw.Src, nil)
	return out
}

func TestOrientation(t *testing.T) {
	t.Parallel()
	upright := imagetest.Corners(160, 96)
	for o := 1; o <= 8; o++ {
		stored := imagetest.Store(upright, o)
		for name, file := range map[string][]byte{
			"jpeg": imagetest.JPEG(stored), "png": imagetest.PNG(stored), "webp": imagetest.WebP(stored),
		} {
			t.Run(fmt.Sprint(name, o), func(t *testing.T) {
				t.Parallel()
				file := imagetest.WithExif(file, imagetest.Exif(o))
				info, err := newEngine(t).Probe(source(file))
				if err != nil {
					t.Fatal(err)
				}
				if info.Width != 160 || info.Height != 96 {
					t.Errorf("Probe says %d x %d, want it upright", info.Width, info.Height)
				}
				for _, width := range []int{80, 1000} {
					img := pixels(t, render(t, file, width))
					want := image.Pt(min(width, 160), min(width, 160)*96/160)
					if img.Bounds().Size() != want {
						t.Fatalf("size %v, want %v", img.Bounds().Size(), want)
					}
					w, h := want.X, want.Y
					near(t, "top left", img.At(w/4, h/4), imagetest.TopLeft, 16)
					near(t, "top right", img.At(3*w/4, h/4), imagetest.TopRight, 16)
					near(t, "bottom left", img.At(w/4, 3*h/4), imagetest.BottomLeft, 16)
					near(t, "bottom right", img.At(3*w/4, 3*h/4), imagetest.BottomRight, 16)
				}
			})
		}
	}
}

// near fails if a channel differs by more than tol of 255.
func near(t testing.TB, what string, got, want color.Color, tol int) {
	t.Helper()
	if _, _, _, a := want.RGBA(); a == 0 {
		if _, _, _, a := got.RGBA(); a != 0 {
			t.Errorf("%s: %v, want nothing", what, got)
		}
		return // there is no colour to compare
	}
	g, w := color.NRGBAModel.Convert(got).(color.NRGBA), color.NRGBAModel.Convert(want).(color.NRGBA)
	for i, d := range []int{int(g.R) - int(w.R), int(g.G) - int(w.G), int(g.B) - int(w.B), int(g.A) - int(w.A)} {
		if max(d, -d) > tol {
			t.Errorf("%s: %v, want %v: channel %d is off by %d", what, g, w, i, d)
		}
	}
}

func TestGreyStaysGrey(t *testing.T) {
	t.Parallel()
	plate := imagetest.ZonePlate(200, 100)
	deep := image.NewGray16(plate.Rect)
	draw.Draw(deep, deep.Rect, plate, image.Point{}, draw.Src)
	for name, file := range map[string][]byte{
		"jpeg": imagetest.JPEG(plate), "png": imagetest.PNG(plate), "png 16": imagetest.PNG(deep), "tiff": imagetest.TIFF(plate),
	} {
		for _, width := range []int{100, 200} {
			if img, ok := pixels(t, render(t, file, width)).(*image.Gray); !ok {
				t.Errorf("%s, %d: got a %T", name, width, img)
			}
		}
	}
}

func TestFourComponents(t *testing.T) {
	t.Parallel()
	// Ink of one column is 100 % cyan, magenta, yellow, black or nothing.
	ink := func(c, x, _ int) byte {
		if x/2 == c {
			return 255
		}
		return 0
	}
	inverted := func(c, x, y int) byte { return 255 - ink(c, x, y) }
	// What sRGB can show of the solid inks of ISO 12647-2 on white paper.
	want := []color.NRGBA{{0, 159, 228, 255}, {230, 0, 126, 255}, {255, 237, 0, 255}, {29, 29, 27, 255}, {255, 255, 255, 255}}
	// YCCK holds the YCbCr of the ink taken for RGB, and inverted black.
	ycck := func(c, x, _ int) byte {
		y, cb, cr := color.RGBToYCbCr(ink(0, x, 0), ink(1, x, 0), ink(2, x, 0))
		return [...]byte{y, cb, cr, 255 - ink(3, x, 0)}[c]
	}
	// The second and third component may have half of the blocks each way.
	halved := func(at func(c, x, y int) byte) func(c, x, y int) byte {
		return func(c, x, y int) byte {
			if c == 1 || c == 2 {
				x *= 2
			}
			return at(c, x, y)
		}
	}
	for name, m := range map[string]struct {
		at    func(c, x, y int) byte
		adobe int
		half  bool
	}{
		"Adobe CMYK": {inverted, 0, false}, "CMYK without marker": {inverted, -1, false},
		"YCCK": {ycck, 2, false}, "YCCK of transform 1": {ycck, 1, false},
		"halved CMYK": {halved(inverted), 0, true}, "halved YCCK": {halved(ycck), 2, true},
	} {
		for _, progressive := range []bool{false, true} {
			file := imagetest.Mosaic{Across: 10, Down: 4, Components: 4, At: m.at, Adobe: m.adobe, Half: m.half, Progressive: progressive}.JPEG()
			// Bytes before the end that belong to nothing leave it to Go's decoder.
			odd := append(bytes.Clone(file[:len(file)-2]), 1, 2, 3, 0xff, 0xd9)
			for way, file := range map[string][]byte{"": file, " odd": odd} {
				img := pixels(t, render(t, file, 80))
				for i, c := range want {
					near(t, fmt.Sprint(name, way, " progressive ", progressive, " column ", i), img.At(16*i+7, 16), c, 6)
				}
			}
		}
	}
}

// What three components are is said by JFIF's marker, else by Adobe's, else by
// their names; in doubt they are luma and chroma.
func TestThreeComponents(t *testing.T) {
	t.Parallel()
	at := func(c, _, _ int) byte { return [...]byte{90, 70, 200}[c] }
	jfif := []byte("JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
	rgb, ycc := color.NRGBA{90, 70, 200, 255}, color.YCbCr{90, 70, 200}
	for name, c := range map[string]struct {
		adobe int
		ids   string
		jfif  bool
		want  color.Color
	}{
		"nothing":                {-1, "", false, ycc},
		"Adobe RGB":              {0, "", false, rgb},
		"Adobe YCbCr":            {1, "", false, ycc},
		"names":                  {-1, "RGB", false, rgb},
		"names, Adobe YCbCr":     {1, "RGB", false, ycc},
		"JFIF, names":            {-1, "RGB", true, ycc},
		"JFIF, Adobe RGB":        {0, "", true, ycc},
		"names that say nothing": {-1, "abc", false, ycc},
	} {
		file := imagetest.Mosaic{Across: 4, Down: 4, Components: 3, At: at, Adobe: c.adobe, IDs: c.ids}.JPEG()
		if c.jfif {
			file = imagetest.Segment(file, 0xe0, jfif)
		}
		for codec, e := range engines(t) {
			outs, err := images(e.Render(t.Context(), source(file), []Variant{{Name: "v", Width: 32, Quality: 90, Format: PNG}}))
			if err != nil {
				t.Fatal(name, codec, err)
			}
			near(t, name+" "+codec, pixels(t, outs[0]).At(16, 16), c.want, 3)
		}
	}
}

func TestProgressiveAndSampling(t *testing.T) {
	t.Parallel()
	at := func(c, x, y int) byte { return byte(60 + 40*c + 9*x + 5*y) }
	for _, m := range []imagetest.Mosaic{
		{Components: 1}, {Components: 1, Progressive: true},
		{Components: 3}, {Components: 3, Progressive: true},
		{Components: 3, Half: true}, {Components: 3, Half: true, Progressive: true},
	} {
		m.Across, m.Down, m.At, m.Adobe = 8, 6, at, -1
		img := pixels(t, render(t, m.JPEG(), 64))
		for _, p := range []image.Point{{0, 0}, {5, 2}, {7, 5}} {
			want := color.YCbCr{at(0, p.X, p.Y), 128, 128}
			if m.Components == 3 {
				k := 1
				if m.Half {
					k = 2
				}
				want.Cb, want.Cr = at(1, p.X/k, p.Y/k), at(2, p.X/k, p.Y/k)
			}
			near(t, fmt.Sprintf("%d components, progressive %v, half %v, at %v", m.Components, m.Progressive, m.Half, p),
				img.At(8*p.X+4, 8*p.Y+4), want, 8)
		}
	}
}

// Stored white has luma 235 in WebP. Reading it as JPEG's would turn it grey.
func TestWebPRange(t *testing.T) {
	t.Parallel()
	for _, want := range []color.NRGBA{{255, 255, 255, 255}, {0, 0, 0, 255}, {200, 30, 60, 255}, {10, 90, 240, 255}} {
		flat := image.NewNRGBA(image.Rect(0, 0, 40, 40))
		draw.Draw(flat, flat.Rect, image.NewUniform(want), image.Point{}, draw.Src)
		h, err := probe(source(imagetest.WebP(flat)), DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		p, err := newEngine(t).load(t.Context(), source(imagetest.WebP(flat)), h, 1)
		if err != nil {
			t.Fatal(err)
		}
		r := p.resized(p.region(), 20, 20, 1, 1).rgb()
		near(t, "flat colour", r.NRGBAAt(3, 3), want, 4)
	}
}

func TestNoHalo(t *testing.T) {
	t.Parallel()
	for _, size := range []int{180, 800} { // without and with reduction
		img := pixels(t, render(t, imagetest.PNG(imagetest.Cutout(size, size)), 100))
		seen := 0
		for y := range 100 {
			for x := range 100 {
				c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
				if c.A > 8 && c.A < 247 {
					seen++
					if min(c.R, c.G, c.B) < 250 {
						t.Fatalf("size %d: %v at %d,%d of the edge, want white", size, c, x, y)
					}
				}
			}
		}
		if seen < 50 {
			t.Errorf("size %d: only %d soft pixels: the edge is jagged", size, seen)
		}
	}
}

// Rings finer than the output can show must become their mean, not moiré.
func TestNoAliasing(t *testing.T) {
	t.Parallel()
	plate := imagetest.ZonePlate(1200, 1200)
	img := pixels(t, render(t, imagetest.PNG(plate), 300)).(*image.Gray)
	// The output can show rings of two of its pixels, 38 pixels from the
	// centre; a filter may let some pass up to 60.
	deviation := func(at func(x, y int) color.Gray) float64 {
		var sum, n float64
		for y := range 300 {
			for x := range 300 {
				if math.Hypot(float64(x-150), float64(y-150)) > 60 {
					d := float64(at(x, y).Y) - 127.5
					sum += d * d
					n++
				}
			}
		}
		return math.Sqrt(sum / n)
	}
	naive := deviation(func(x, y int) color.Gray { return plate.GrayAt(4*x+1, 4*y+1) })
	if got := deviation(img.GrayAt); got > 7 || naive < 80 {
		t.Errorf("deviation %.1f from grey (%.1f of taking every fourth pixel), want at most 7", got, naive)
	}
}

func TestNeverEnlarged(t *testing.T) {
	t.Parallel()
	file := imagetest.JPEG(imagetest.Photo(300, 200))
	outs, err := images(newEngine(t).Render(t.Context(), source(file), []Variant{sized("1024", 1024, 85), sized("800", 800, 85), sized("low", 800, 20)}))
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"1024", "800", "low"} {
		if o := outs[i]; o.Name != name || o.Width != 300 || o.Height != 200 {
			t.Errorf("got %s of %d x %d, want %s of 300 x 200", o.Name, o.Width, o.Height, name)
		}
		pixels(t, outs[i])
	}
	if len(outs[2].Data) >= len(outs[1].Data) {
		t.Errorf("quality 20 takes %d bytes, quality 85 %d", len(outs[2].Data), len(outs[1].Data))
	}
	outs[0].Data[100] ^= 0xff
	if bytes.Equal(outs[0].Data, outs[1].Data) {
		t.Error("two outputs share their bytes")
	}
}

func TestExtremeShapes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ w, h, outW, outH int }{
		{1, 1, 1, 1}, {5000, 1, 100, 1}, {1, 5000, 1, 5000}, {5000, 3, 100, 1}, {3, 5000, 3, 5000}, {801, 403, 100, 50},
	} {
		for _, f := range []Format{PNG, BMP} {
			img := image.NewNRGBA(image.Rect(0, 0, c.w, c.h))
			draw.Draw(img, img.Rect, image.NewUniform(color.NRGBA{90, 120, 150, 255}), image.Point{}, draw.Src)
			file := imagetest.PNG(img)
			if f == BMP {
				file = imagetest.BMP(img)
			}
			o := render(t, file, 100)
			if o.Width != c.outW || o.Height != c.outH {
				t.Errorf("%d x %d became %d x %d", c.w, c.h, o.Width, o.Height)
			}
			near(t, "last pixel", pixels(t, o).At(o.Width-1, o.Height-1), color.NRGBA{90, 120, 150, 255}, 4)
		}
	}
}

// A file can be higher than what its output's format can hold.
func TestOutputFormatsHaveLimits(t *testing.T) {
	t.Parallel()
	file := imagetest.BMP(image.NewGray(image.Rect(0, 0, 20, 70_000)))
	if o := render(t, file, 20); o.Height > 65535 || o.Height < 65000 || o.Width != 19 {
		t.Errorf("became %d x %d", o.Width, o.Height)
	}
}

// The first frame of a GIF or an animation may cover a part of the canvas only.
func TestFrameOnCanvas(t *testing.T) {
	t.Parallel()
	frame := imagetest.Corners(40, 20)
	file := imagetest.Animation(frame, image.Pt(20, 10), image.Pt(100, 60))
	img := pixels(t, render(t, file, 100))
	near(t, "outside", img.At(10, 5), color.NRGBA{}, 0)
	near(t, "outside", img.At(90, 50), color.NRGBA{}, 0)
	near(t, "inside", img.At(25, 14), imagetest.TopLeft, 16)
	near(t, "inside", img.At(55, 26), imagetest.BottomRight, 16)

	gif := imagetest.GIF(frame)
	// The logical screen's width and height.
	gif[6], gif[8] = 100, 60
	out := render(t, gif, 100)
	img = pixels(t, out)
	if out.Format != PNG || img.Bounds().Size() != image.Pt(100, 60) {
		t.Fatalf("GIF became %s of %v", out.Format, img.Bounds())
	}
	near(t, "GIF outside", img.At(90, 50), color.NRGBA{}, 0)
	near(t, "GIF inside", img.At(5, 5), imagetest.TopLeft, 40)
}

func TestRenderRefusesBadVariants(t *testing.T) {
	t.Parallel()
	e, file := newEngine(t), imagetest.PNG(imagetest.Corners(8, 8))
	for name, vs := range map[string][]Variant{
		"no variants":            nil,
		"name \"\"":              {sized("", 10, 85)},
		"name \"a/b\"":           {sized("a/b", 10, 85)},
		"width 0":                {sized("a", 0, 85)},
		"quality 101":            {sized("a", 10, 101)},
		"fit \"huge\"":           {{Name: "a", Width: 10, Quality: 85, Fit: "huge"}},
		"fit cover":              {{Name: "a", Width: 10, Quality: 85, Fit: Cover}},
		"gravity \"up\"":         {{Name: "a", Width: 10, Quality: 85, Gravity: "up"}},
		"format \"gif\"":         {{Name: "a", Width: 10, Quality: 85, Format: GIF}},
		"opaque":                 {{Name: "a", Width: 10, Quality: 85, Background: &color.NRGBA{A: 100}}},
		"sharpen NaN":            {{Name: "a", Width: 10, Quality: 85, Sharpen: math.NaN()}},
		"image":                  {{Name: "a", Width: 10, Quality: 85, Watermark: &Watermark{Opacity: 1, Scale: 1}}},
		"scale 2":                {{Name: "a", Width: 10, Quality: 85, Watermark: &Watermark{Opacity: 1, Scale: 2}}},
		"opacity 0":              {{Name: "a", Width: 10, Quality: 85, Watermark: &Watermark{Scale: 1}}},
		"position \"attention\"": {{Name: "a", Width: 10, Quality: 85, Watermark: &Watermark{Position: Attention}}},
		"taken":                  {sized("a", 10, 85), sized("a", 20, 85)},
	} {
		_, err := e.Render(t.Context(), source(file), vs)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestRenderTellsEachStep(t *testing.T) {
	t.Parallel()
	variants := []Variant{sized("a", 30, 85), sized("b", 20, 85), sized("twin", 30, 85)}
	var told []int
	out, err := newEngine(t).RenderWithProgress(t.Context(), source(imagetest.PNG(imagetest.Photo(60, 40))), variants, func(done, total int) {
		if total != 4 {
			t.Errorf("%d of %d", done, total)
		}
		told = append(told, done)
	})
	if err != nil || len(out.Images) != 3 || !slices.Equal(told, []int{1, 2, 3, 4}) {
		t.Errorf("%d images, told %v, %v", len(out.Images), told, err)
	}
	told = nil
	_, err = newEngine(t).RenderWithProgress(t.Context(), source([]byte("no picture")), variants, func(done, _ int) { told = append(told, done) })
	if err == nil || told != nil {
		t.Errorf("of no picture: told %v, %v", told, err)
	}
}
