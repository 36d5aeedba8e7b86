//go:build ignore

// Make writes the HEIC and AVIF files beside it, for which Go has no encoder.
// It needs avifenc (Debian's libavif-bin) and heif-enc (libheif-examples) on the
// PATH, and runs in the directory that it is in:
//
//	cd imaging/testdata && go run make.go
//
// With the same encoders it writes the same bytes.
package main

import (
	"bytes"
	"compress/zlib"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"revela/imaging/imagetest"
)

func main() {
	dir, err := os.MkdirTemp("", "")
	check(err)
	defer os.RemoveAll(dir)
	put := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		check(os.WriteFile(path, data, 0o600))
		return path
	}
	corners := put("corners.png", imagetest.PNG(imagetest.Corners(160, 96)))
	large := put("large.png", imagetest.PNG(imagetest.Corners(256, 128)))
	cutout := put("cutout.png", imagetest.PNG(imagetest.Cutout(96, 96)))
	grey := image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range grey.Pix {
		grey.Pix[i] = byte(4 * (i % 64))
	}
	ramp := put("ramp.png", imagetest.PNG(grey))
	text := put("text.png", imagetest.PNG(imagetest.Text(240, 160)))
	adobe := put("adobe.png", withProfile(imagetest.PNG(swatch()), imagetest.AdobeRGBProfile()))
	exif := put("exif", imagetest.Exif(6))
	xmp := put("xmp", []byte("<x:xmpmeta>"+imagetest.Secret+"</x:xmpmeta>"))

	avif := func(out, flags string, in ...string) {
		run("avifenc", append(append(strings.Fields("-s 6 --min 8 --max 12 "+flags), in...), out)...)
	}
	avif("corners.avif", "--exif "+exif+" --xmp "+xmp, corners)
	avif("deep444.avif", "-d 10 -y 444 -r limited --cicp 1/13/1", corners)
	avif("bt2020.avif", "-d 12 -y 422 -r limited --cicp 1/13/9", corners)
	avif("p3.avif", "-y 444 --cicp 12/13/12", corners)
	avif("pq.avif", "-d 10 -y 444 --cicp 9/16/9", corners)
	avif("rgb.avif", "--lossless", corners)
	avif("alpha.avif", "", cutout)
	avif("premultiplied.avif", "--premultiply", cutout)
	avif("grey.avif", "-y 400", ramp)
	avif("turned.avif", "--irot 1 --imir 1", corners)
	avif("cropped.avif", "--clap 80,1,48,1,40,1,-24,1", corners)
	avif("grid.avif", "--grid 2x1", large)
	avif("animated.avif", "--fps 2", corners, corners, corners)
	undate("animated.avif")
	avif("text.avif", "-y 444", text)
	avif("profile.avif", "-y 444", adobe)
	run("heif-enc", "-q", "90", "-o", "corners.heic", corners)
	run("heif-enc", "-q", "90", "-o", "alpha.heic", cutout)
	run("heif-enc", "-q", "95", "-o", "profile.heic", adobe)
}

// swatch is of a colour that is another one if it is taken for sRGB.
func swatch() image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, 32, 32))
	draw.Draw(m, m.Rect, image.NewUniform(color.NRGBA{180, 120, 60, 255}), image.Point{}, draw.Src)
	return m
}

func withProfile(png, profile []byte) []byte {
	var chunk bytes.Buffer
	chunk.WriteString("x\x00\x00")
	zw := zlib.NewWriter(&chunk)
	_, err := zw.Write(profile)
	check(errors.Join(err, zw.Close()))
	return imagetest.Chunk(png, "iCCP", chunk.Bytes())
}

// undate takes the time at which a film was made out of its headers.
func undate(name string) {
	file, err := os.ReadFile(name)
	check(err)
	for _, box := range []string{"mvhd", "tkhd", "mdhd"} {
		for at := 0; ; {
			i := bytes.Index(file[at:], []byte(box+"\x01")) // version 1: two times of 8 bytes
			if i < 0 {
				break
			}
			at += i + 8 // after the version and flags
			clear(file[at:][:16])
		}
	}
	check(os.WriteFile(name, file, 0o644))
}

func run(name string, args ...string) {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		log.Fatalf("%s %s: %v\n%s", name, args, err, out)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
