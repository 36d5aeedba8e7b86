package imaging

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"testing"

	"revela/imaging/imagetest"
)

// colours of a GIF, by index.
var gifColours = color.Palette{color.NRGBA{}, color.NRGBA{220, 30, 30, 255}, color.NRGBA{40, 40, 220, 255}, color.NRGBA{30, 200, 40, 255}}

// patch is a frame of one colour with a hole of another.
func patch(r image.Rectangle, colour, hole uint8) *image.Paletted {
	m := image.NewPaletted(r, gifColours)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			m.SetColorIndex(x, y, colour)
			if image.Pt(x, y).In(image.Rect(32, 16, 48, 40)) {
				m.SetColorIndex(x, y, hole)
			}
		}
	}
	return m
}

// What is seen of a GIF is its first frame where that belongs, on nothing: neither
// the later ones, nor what the ways to remove a frame leave, nor the colour that
// the file calls its background.
func TestFirstFrameOfGIF(t *testing.T) {
	t.Parallel()
	canvas := image.Rect(0, 0, 96, 64)
	part := image.Rect(16, 8, 64, 48)
	for _, disposal := range []byte{0, gif.DisposalNone, gif.DisposalBackground, gif.DisposalPrevious} {
		for name, c := range map[string]struct {
			first         *image.Paletted
			outside, hole color.NRGBA
			format        Format
		}{
			"part with a hole": {patch(part, 1, 0), color.NRGBA{}, color.NRGBA{}, PNG},
			"part":             {patch(part, 1, 2), color.NRGBA{}, gifColours[2].(color.NRGBA), PNG},
			"all with a hole":  {patch(canvas, 1, 0), gifColours[1].(color.NRGBA), color.NRGBA{}, PNG},
			"all":              {patch(canvas, 1, 2), gifColours[1].(color.NRGBA), gifColours[2].(color.NRGBA), JPEG},
		} {
			g := &gif.GIF{
				Image:    []*image.Paletted{c.first, patch(canvas, 3, 3), patch(part, 2, 0)},
				Delay:    []int{0, 5, 5},
				Disposal: []byte{disposal, disposal, disposal},
				Config:   image.Config{ColorModel: gifColours, Width: canvas.Dx(), Height: canvas.Dy()},
				// Of the colours, green.
				BackgroundIndex: 3,
			}
			var file bytes.Buffer
			if err := gif.EncodeAll(&file, g); err != nil {
				t.Fatal(err)
			}
			info, err := newEngine(t).Probe(source(file.Bytes()))
			if want := (Info{GIF, 96, 64, 3}); err != nil || info != want {
				t.Errorf("%s: Probe says %v, %v, want %v", name, info, err, want)
			}
			o := render(t, file.Bytes(), 96)
			if o.Format != c.format {
				t.Errorf("%s became %s, want %s", name, o.Format, c.format)
			}
			img := pixels(t, o)
			for at, want := range map[image.Point]color.Color{{4, 4}: c.outside, {90, 60}: c.outside, {19, 12}: gifColours[1], {40, 28}: c.hole} {
				near(t, name, img.At(at.X, at.Y), want, 14)
			}
		}
	}
}

// Interlaced rows are put where they belong.
// A first frame that does not lie within the picture is shown as browsers do: one
// that is larger is the picture, and of others is seen what is within.
func TestOddFramesOfGIF(t *testing.T) {
	t.Parallel()
	red, none := gifColours[1], color.NRGBA{}
	for name, c := range map[string]struct {
		screen image.Point
		frame  image.Rectangle // as the file says it, of 64 x 48 pixels really
		size   image.Point
		at     map[image.Point]color.Color
	}{
		"no screen":    {image.Pt(0, 0), image.Rect(0, 0, 64, 48), image.Pt(64, 48), map[image.Point]color.Color{{2, 2}: red, {62, 46}: red, {40, 20}: none}},
		"small screen": {image.Pt(20, 90), image.Rect(10, 10, 74, 58), image.Pt(64, 48), map[image.Point]color.Color{{2, 2}: red, {62, 46}: red, {40, 20}: none}},
		"to the right": {image.Pt(70, 50), image.Rect(60, 40, 124, 88), image.Pt(70, 50), map[image.Point]color.Color{{2, 2}: none, {68, 48}: red, {58, 48}: none}},
		"outside":      {image.Pt(70, 50), image.Rect(90, 0, 154, 48), image.Pt(70, 50), map[image.Point]color.Color{{2, 2}: none, {68, 48}: none}},
		"of no size":   {image.Pt(64, 48), image.Rect(0, 0, 0, 0), image.Pt(64, 48), map[image.Point]color.Color{{2, 2}: red, {62, 46}: red, {40, 20}: none}},
	} {
		var b bytes.Buffer
		if err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{patch(image.Rect(0, 0, 64, 48), 1, 0)}, Delay: []int{0}}); err != nil {
			t.Fatal(err)
		}
		file := b.Bytes()
		le := binary.LittleEndian
		at := bytes.Index(file, []byte{0x2c, 0, 0, 0, 0, 64, 0, 48, 0}) + 1
		for i, v := range []int{c.frame.Min.X, c.frame.Min.Y, c.frame.Dx(), c.frame.Dy()} {
			le.PutUint16(file[at+2*i:], uint16(v))
		}
		le.PutUint16(file[6:], uint16(c.screen.X))
		le.PutUint16(file[8:], uint16(c.screen.Y))
		info, err := newEngine(t).Probe(source(file))
		if err != nil || info.Width != c.size.X || info.Height != c.size.Y {
			t.Errorf("%s: %v, %v", name, info, err)
			continue
		}
		img := pixels(t, render(t, file, 100))
		for at, want := range c.at {
			near(t, fmt.Sprintf("%s at %v", name, at), img.At(at.X, at.Y), want, 2)
		}
	}
}

func TestInterlacedGIF(t *testing.T) {
	t.Parallel()
	const side = 43
	m := image.NewPaletted(image.Rect(0, 0, side, side), gifColours)
	row := 0
	for _, pass := range [][2]int{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		for y := pass[0]; y < side; y += pass[1] {
			for x := range side {
				m.SetColorIndex(x, row, uint8(1+(x/5+y/9)%3))
			}
			row++
		}
	}
	var b bytes.Buffer
	if err := gif.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	file := b.Bytes()
	frame := bytes.IndexByte(file[13+3<<(file[10]&7+1):], 0x2c) + 13 + 3<<(file[10]&7+1)
	file[frame+9] |= 0x40
	img := pixels(t, render(t, imagetest.Comment(file, "x"), side))
	for y := 2; y < side; y += 9 {
		for x := 2; x < side; x += 5 {
			near(t, "block", img.At(x, y), gifColours[1+(x/5+y/9)%3], 60) // JPEG's chroma
		}
	}
}

// So it is with WebP.
func TestFirstFrameOfWebP(t *testing.T) {
	t.Parallel()
	canvas := image.Pt(100, 60)
	first := imagetest.Animation(imagetest.Corners(40, 20), image.Pt(20, 10), canvas)
	const head = 12 + 18 + 14 + 8              // what comes before the body of the frame
	for _, flags := range []byte{0, 1, 2, 3} { // whether it is removed, and whether it is blended
		second := imagetest.Animation(imagetest.Photo(100, 60), image.Point{}, canvas)[head:]
		file := imagetest.Riff(first, "ANMF", second)
		file[head+15] = flags
		// The colour that the file calls its background, as blue, green, red and alpha.
		copy(file[12+18+8:], "\xff\x00\x00\xff")
		info, err := newEngine(t).Probe(source(file))
		if want := (Info{WebP, 100, 60, 2}); err != nil || info != want {
			t.Errorf("Probe says %v, %v, want %v", info, err, want)
		}
		img := pixels(t, render(t, file, 100))
		near(t, "outside", img.At(10, 5), color.NRGBA{}, 0)
		near(t, "outside", img.At(90, 50), color.NRGBA{}, 0)
		near(t, "inside", img.At(25, 14), imagetest.TopLeft, 16)
		near(t, "inside", img.At(55, 26), imagetest.BottomRight, 16)
	}
}

// An animated PNG is a still one to who does not know better, and says how many
// frames it has.
func TestAnimatedPNG(t *testing.T) {
	t.Parallel()
	still := imagetest.PNG(imagetest.Corners(40, 20))
	for n, want := range map[byte]int{0: 1, 1: 1, 7: 7} {
		file := imagetest.Chunk(still, "acTL", []byte{0, 0, 0, n, 0, 0, 0, 0})
		info, err := newEngine(t).Probe(source(file))
		if err != nil || info.Frames != want {
			t.Errorf("%d frames: %v, %v", n, info, err)
		}
		corners(t, pixels(t, render(t, file, 40)), quarters, 4)
	}
}
