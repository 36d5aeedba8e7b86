package imaging

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"math"
	"testing"

	"golang.org/x/image/draw"

	"revela/imaging/imagetest"
	"revela/imaging/internal/icc"
)

func flat(c color.NRGBA) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, 32, 32))
	draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return m
}

// meant is an output's colour in linear light of sRGB, as a viewer that minds
// profiles understands it: of the two that an output may have.
func meant(t *testing.T, o Output) [3]float64 {
	t.Helper()
	c := color.NRGBAModel.Convert(pixels(t, o).At(o.Width/2, o.Height/2)).(color.NRGBA)
	lin := func(v uint8) float64 { return toLinear(float64(v) / 255) }
	v := [3]float64{lin(c.R), lin(c.G), lin(c.B)}
	h, err := probe(source(o.Data), DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	profile := h.readProfile(bytes.NewReader(o.Data))
	if profile == nil {
		return v
	}
	if !bytes.Equal(profile, icc.DisplayP3.Profile()) {
		t.Fatalf("an unknown profile of %d bytes", len(profile))
	}
	// The figures of CSS Color 4.
	return mul([9]float64{1.2249402, -0.2249402, 0, -0.0420570, 1.0420570, 0, -0.0196376, -0.0786361, 1.0982736}, v)
}

func toLinear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func mul(m [9]float64, v [3]float64) [3]float64 {
	var out [3]float64
	for i := range out {
		out[i] = m[3*i]*v[0] + m[3*i+1]*v[1] + m[3*i+2]*v[2]
	}
	return out
}

func sameLight(t *testing.T, what string, got, want [3]float64) {
	t.Helper()
	encode := func(v float64) float64 { return math.Copysign(math.Pow(math.Abs(v), 1/2.2), v) }
	for i := range got {
		if d := math.Abs(encode(got[i]) - encode(want[i])); d > 0.03 {
			t.Errorf("%s: light %.3f, want %.3f", what, got, want)
			return
		}
	}
}

// Adobe RGB to linear sRGB, by the figures of the two standards.
var adobeToSRGB = [9]float64{1.39836, -0.39836, 0, 0, 1, 0, 0, -0.04293, 1.04293}

func TestAdobeRGB(t *testing.T) {
	t.Parallel()
	swatch := color.NRGBA{180, 120, 60, 255}
	lin := func(v uint8) float64 { return math.Pow(float64(v)/255, 563.0/256) }
	want := mul(adobeToSRGB, [3]float64{lin(swatch.R), lin(swatch.G), lin(swatch.B)})
	for name, file := range map[string][]byte{
		"JPEG": imagetest.WithProfile(imagetest.JPEG(flat(swatch)), imagetest.AdobeRGBProfile()),
		"PNG":  pngWithProfile(imagetest.PNG(flat(swatch)), imagetest.AdobeRGBProfile()),
		"WebP": imagetest.WithProfile(imagetest.WebP(flat(swatch)), imagetest.AdobeRGBProfile()),
		"Exif": imagetest.WithExif(imagetest.JPEG(flat(swatch)), imagetest.ExifR03()),
		"HEIC": golden(t, "profile.heic"),
		"AVIF": golden(t, "profile.avif"),
		"TIFF": tiffWithProfile(flat(swatch), imagetest.AdobeRGBProfile()),
		"BMP":  bmpWithProfile(flat(swatch), imagetest.AdobeRGBProfile()),
	} {
		sameLight(t, name, meant(t, render(t, file, 16)), want)
	}
}

func tiffWithProfile(m image.Image, profile []byte) []byte {
	f := imagetest.TIFFFile{Image: m, Samples: imagetest.RGBSamples, Bits: 8, Block: image.Pt(0, 32), Compression: 1,
		Tags: map[uint16][]uint32{262: {2}}}
	for _, b := range profile {
		f.Tags[34675] = append(f.Tags[34675], uint32(b))
	}
	return f.TIFF()
}

func bmpWithProfile(m image.Image, profile []byte) []byte {
	const dib = 14
	file := imagetest.BMPFile{Image: m, Header: 124, Bits: 24, Pixel: func(c color.NRGBA) uint32 {
		return uint32(c.R)<<16 | uint32(c.G)<<8 | uint32(c.B)
	}}.BMP()
	copy(file[dib+56:], "DEBM") // the profile is in the file
	binary.LittleEndian.PutUint32(file[dib+112:], uint32(len(file)-dib))
	binary.LittleEndian.PutUint32(file[dib+116:], uint32(len(profile)))
	return append(file, profile...)
}

func TestSRGBProfileIsLeftOut(t *testing.T) {
	t.Parallel()
	srgb := imagetest.RGBProfile([3]float64{0.43607, 0.22249, 0.01392}, [3]float64{0.38515, 0.71687, 0.09708},
		[3]float64{0.14307, 0.06061, 0.71410}, 2.2)
	swatch := color.NRGBA{200, 40, 90, 255}
	o := render(t, imagetest.WithProfile(imagetest.JPEG(flat(swatch)), srgb), 16)
	if bytes.Contains(o.Data, []byte("ICC_PROFILE")) {
		t.Error("a profile that says what everyone assumes was added")
	}
	near(t, "swatch", pixels(t, o).At(8, 8), swatch, 5)
}

// A picture in Display P3 keeps its gamut and its planes.
func TestDisplayP3(t *testing.T) {
	t.Parallel()
	swatch := color.NRGBA{250, 30, 20, 255}
	for _, file := range [][]byte{
		imagetest.WithProfile(imagetest.JPEG(flat(swatch)), icc.DisplayP3.Profile()),
		pngWithProfile(imagetest.PNG(flat(swatch)), icc.DisplayP3.Profile()),
		imagetest.WithProfile(imagetest.WebP(flat(swatch)), icc.DisplayP3.Profile()),
		imagetest.Chunk(imagetest.PNG(flat(swatch)), "cICP", []byte{12, 13, 0, 1}),
	} {
		o := render(t, file, 16)
		near(t, "stored", pixels(t, o).At(8, 8), swatch, 5)
		if v := meant(t, o); v[0] < 1.1 {
			t.Errorf("%s: red has the light %.2f: the gamut is lost", o.Format, v[0])
		}
	}
	o := render(t, golden(t, "p3.avif"), 160)
	near(t, "AVIF", pixels(t, o).At(40, 24), imagetest.TopLeft, 14)
	if v := meant(t, o); v == [3]float64{} {
		t.Error("black")
	}
}

func TestPNGChunks(t *testing.T) {
	t.Parallel()
	grey := color.NRGBA{128, 128, 128, 255}
	gamma := func(g uint32) []byte { return []byte{byte(g >> 24), byte(g >> 16), byte(g >> 8), byte(g)} }
	linear := uint8(math.Round(255 * (1.055*math.Pow(128.0/255, 1/2.4) - 0.055)))
	file := imagetest.PNG(flat(grey))
	near(t, "gamma 1", pixels(t, render(t, imagetest.Chunk(file, "gAMA", gamma(100_000)), 16)).At(8, 8),
		color.NRGBA{linear, linear, linear, 255}, 2)
	near(t, "gamma of sRGB", pixels(t, render(t, imagetest.Chunk(file, "gAMA", gamma(45_455)), 16)).At(8, 8), grey, 0)
	both := imagetest.Chunk(imagetest.Chunk(file, "gAMA", gamma(100_000)), "sRGB", []byte{0})
	near(t, "sRGB counts more", pixels(t, render(t, both, 16)).At(8, 8), grey, 0)
}

func TestGreyProfile(t *testing.T) {
	t.Parallel()
	m := image.NewGray(image.Rect(0, 0, 16, 16))
	for i := range m.Pix {
		m.Pix[i] = 100
	}
	want := uint8(math.Round(255 * (1.055*math.Pow(math.Pow(100.0/255, 1.8), 1/2.4) - 0.055)))
	for _, file := range [][]byte{
		imagetest.WithProfile(imagetest.JPEG(m), imagetest.GreyProfile(1.8)),
		pngWithProfile(imagetest.PNG(m), imagetest.GreyProfile(1.8)),
	} {
		img, ok := pixels(t, render(t, file, 16)).(*image.Gray)
		if !ok {
			t.Fatalf("became a %T", img)
		}
		near(t, "grey", img.At(8, 8), color.Gray{want}, 2)
	}
}

// greyAlphaPNG is a picture of 16 x 16 pixels, all of them v and the upper half
// half transparent.
func greyAlphaPNG(v byte) []byte {
	file := imagetest.PNG(image.NewGray(image.Rect(0, 0, 16, 16)))
	head := bytes.Clone(file[12:29]) // IHDR and its content
	head[4+9] = 4                    // grey with alpha
	var rows bytes.Buffer
	zw := zlib.NewWriter(&rows)
	for y := range 16 {
		zw.Write(append([]byte{0}, bytes.Repeat([]byte{v, byte(128 + y/8*127)}, 16)...))
	}
	zw.Close()
	file = append(file[:12:12], head...)
	file = binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(head))
	data := append([]byte("IDAT"), rows.Bytes()...)
	file = append(binary.BigEndian.AppendUint32(file, uint32(rows.Len())), data...)
	file = binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(data))
	return append(file, "\x00\x00\x00\x00IEND\xae\x42\x60\x82"...)
}

// Grey that has alpha, or is in a format that has no grey, is converted as grey is.
func TestGreyProfileOfPixels(t *testing.T) {
	t.Parallel()
	const v = 100
	want := uint8(math.Round(255 * (1.055*math.Pow(math.Pow(v/255.0, 1.8), 1/2.4) - 0.055)))
	profile := imagetest.GreyProfile(1.8)
	pixel := color.NRGBA{v, v, v, 128}
	for name, c := range map[string]struct {
		file  []byte
		alpha uint8
		slack int
	}{
		"PNG":           {pngWithProfile(greyAlphaPNG(v), profile), 128, 1},
		"PNG of RGBA":   {pngWithProfile(imagetest.PNG(flat(pixel)), profile), 128, 1},
		"WebP":          {webpWithProfile(imagetest.WebP(flat(pixel)), profile, 32, 32), 128, 3},
		"WebP, opaque":  {imagetest.WithProfile(imagetest.WebP(flat(color.NRGBA{v, v, v, 255})), profile), 255, 3},
		"JPEG of three": {imagetest.WithProfile(imagetest.JPEG(flat(color.NRGBA{v, v, v, 255})), profile), 255, 3},
	} {
		got := color.NRGBAModel.Convert(pixels(t, render(t, c.file, 16)).At(8, 4)).(color.NRGBA)
		near(t, name, color.NRGBA{got.R, got.G, got.B, 255}, color.NRGBA{want, want, want, 255}, c.slack)
		if got.A != c.alpha {
			t.Errorf("%s: alpha became %d", name, got.A)
		}
	}
}

// A CMYK profile is followed. The made-up one has a linear table, in which black
// is as dark as it gets.
func TestInkProfile(t *testing.T) {
	t.Parallel()
	lab := func(c, m, y, k float64) [3]float64 {
		return [3]float64{100 * (1 - k) * (1 - (c+m+y)/4), 40 * (m - c) * (1 - k), 40 * (y - m) * (1 - k)}
	}
	file := imagetest.Mosaic{Across: 8, Down: 4, Components: 4, Adobe: 0, At: func(c, x, _ int) byte {
		return 255 - [...][4]byte{{0, 0, 0, 0}, {128, 0, 0, 0}, {0, 0, 0, 128}, {0, 255, 255, 255}}[x/2][c]
	}}.JPEG()
	img := pixels(t, render(t, imagetest.WithProfile(file, imagetest.InkProfile(lab)), 64))
	// L* a* b* of 100 0 0, 87.5 -20 0, 50 0 0 and 0 0 0 in sRGB.
	for i, want := range []color.NRGBA{{255, 255, 255, 255}, {184, 228, 219, 255}, {119, 119, 119, 255}, {0, 0, 0, 255}} {
		near(t, fmt.Sprint("column ", i), img.At(16*i+7, 16), want, 7)
	}
}

// High dynamic range becomes a picture that is neither black nor white.
func TestPQ(t *testing.T) {
	t.Parallel()
	img := pixels(t, render(t, golden(t, "pq.avif"), 160))
	for i := range 4 {
		c := color.NRGBAModel.Convert(img.At(40+80*(i%2), 24+48*(i/2))).(color.NRGBA)
		if m := max(c.R, c.G, c.B); m < 100 {
			t.Errorf("quarter %d is %v", i, c)
		}
	}
}

// What cannot be read of a profile is left aside.
func TestBadProfiles(t *testing.T) {
	t.Parallel()
	swatch := color.NRGBA{90, 160, 120, 255}
	for name, p := range map[string][]byte{
		"short": imagetest.AdobeRGBProfile()[:140], "nonsense": bytes.Repeat([]byte{7}, 600),
		"grey": imagetest.GreyProfile(1), "header only": imagetest.Profile("RGB ", 300), "cmyk": imagetest.Profile("CMYK", 600),
	} {
		o := render(t, imagetest.WithProfile(imagetest.JPEG(flat(swatch)), p), 16)
		near(t, name, pixels(t, o).At(8, 8), swatch, 5)
		if bytes.Contains(o.Data, []byte("ICC_PROFILE")) {
			t.Errorf("%s: carried", name)
		}
	}
}
