package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// The test's own executable plays the contenders, as the benchmark's does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains(everybody, os.Args[1]) {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestBenchmark(t *testing.T) {
	t.Parallel()
	var out, notes bytes.Buffer
	args := []string{"-rounds", "2", "-mp", "0.1", "-work", "1", "-formats", "jpeg,jpeg-progressive,png", "-workers", "2", "-who", "revela,revela-turbo,sharp", "-dir", t.TempDir()}
	if err := run(t.Context(), args, &out, &notes); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for line := range strings.Lines(out.String()) {
		var m struct {
			Bench, Who, Phase string
			CPU               float64 `json:"cpu_ms"`
			Wall              float64 `json:"wall_ms"`
			RSS               float64 `json:"rss_mb"`
			Out               float64 `json:"out_kb"`
			PSNR              float64 `json:"psnr_db"`
			SSIM              float64
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if m.Bench != "imaging" || m.CPU <= 0 || m.Wall <= 0 || m.RSS < 1 || m.Out < 1 || m.PSNR < 25 || m.SSIM < 0.8 || m.SSIM > 1 {
			t.Errorf("figures that cannot be: %s", line)
		}
		seen[m.Phase+" "+m.Who]++
	}
	for _, phase := range []string{"jpeg-0.1mp", "jpeg-progressive-0.1mp", "png-0.1mp"} {
		if seen[phase+" revela"] != 2 {
			t.Errorf("%s: %d measurements of revela, want 2", phase, seen[phase+" revela"])
		}
		if !strings.Contains(notes.String(), phase) {
			t.Errorf("%s is not in the table", phase)
		}
	}
	// There is no sharp in an empty folder, and that is said.
	if !strings.Contains(notes.String(), "sharp is left out: ") {
		t.Errorf("nothing about sharp in:\n%s", &notes)
	}
}

func TestRefusesArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-rounds", "0"}, {"-mp", "0"}, {"-mp", "x"}, {"-mp", "51"}, {"-who", "nobody"}, {"-formats", "gif"}, {"more"},
	} {
		if err := run(t.Context(), append([]string{"-who", "revela", "-mp", "0.01", "-rounds", "1"}, args...), new(bytes.Buffer), new(bytes.Buffer)); err == nil {
			t.Errorf("%v: accepted", args)
		}
	}
}

// The measures know the same from the different, and say by how much.
func TestCompare(t *testing.T) {
	t.Parallel()
	a := image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range a.Pix {
		a.Pix[i] = byte(i*7%50 + i/64*3)
	}
	b := image.NewGray(a.Rect)
	for i, v := range a.Pix {
		b.Pix[i] = v + byte(i%2*10)
	}
	if psnr, ssim := compare(luma(a), luma(a)); !math.IsInf(psnr, 1) || ssim < 0.999999 {
		t.Errorf("the same: %v dB, %v", psnr, ssim)
	}
	// Half of the samples are off by 10.
	want := 10 * math.Log10(255*255/50.0)
	if psnr, ssim := compare(luma(a), luma(b)); math.Abs(psnr-want) > 0.1 || ssim > 0.99 {
		t.Errorf("different: %v dB, want %v; similarity %v", psnr, want, ssim)
	}
}

func TestReference(t *testing.T) {
	t.Parallel()
	flat := image.NewUniform(color.Gray{90})
	img := image.NewGray(image.Rect(0, 0, 90, 60))
	for i := range img.Pix {
		img.Pix[i] = flat.C.(color.Gray).Y
	}
	p := lanczos(luma(img), 31, 20)
	if p.w != 31 || p.h != 20 {
		t.Fatalf("%d x %d", p.w, p.h)
	}
	for i, v := range p.v {
		if math.Abs(v-90) > 1e-9 {
			t.Fatalf("sample %d of a flat picture is %v", i, v)
		}
	}
}

// What is fast for usual images gives what any image gives.
func TestLumaOfAnyImage(t *testing.T) {
	t.Parallel()
	pixels, multiplied := image.NewNRGBA(image.Rect(0, 0, 16, 16)), image.NewRGBA(image.Rect(0, 0, 16, 16))
	for i := range 256 {
		c := color.NRGBA{byte(i), byte(7 * i), byte(255 - i), byte(3 * i)}
		pixels.Set(i%16, i/16, c)
		multiplied.Set(i%16, i/16, c)
	}
	for _, img := range []image.Image{pixels, multiplied} {
		got, want := luma(img), luma(struct{ image.Image }{img})
		for i := range want.v {
			if math.Abs(got.v[i]-want.v[i]) > 0.01 {
				t.Fatalf("%T: sample %d is %v, want %v", img, i, got.v[i], want.v[i])
			}
		}
	}
}
