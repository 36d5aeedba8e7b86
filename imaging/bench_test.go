package imaging

import (
	"bytes"
	"image"
	"image/jpeg"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"revela/imaging/imagetest"
)

// camera is a JPEG of 12 megapixels and more than 2 MB. It is made of tiles, to
// be made quickly.
var camera = sync.OnceValue(func() []byte {
	tile := imagetest.Photo(1000, 750)
	var all image.RGBA
	all.Rect, all.Stride = image.Rect(0, 0, 4000, 3000), 16000
	for y := range 3000 {
		row := tile.Pix[y%750*tile.Stride:][:tile.Stride]
		for range 4 {
			all.Pix = append(all.Pix, row...)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, &all, &jpeg.Options{Quality: 90}); err != nil {
		panic(err)
	}
	return b.Bytes()
})

var usual = []Variant{sized("1024", 1024, 85), sized("800", 800, 85)}

func BenchmarkRender(b *testing.B) {
	for name, file := range map[string]func() []byte{
		"jpeg 12MP": camera,
		"png 3MP":   func() []byte { return imagetest.PNG(imagetest.Photo(2000, 1500)) },
		"webp 3MP":  func() []byte { return imagetest.WebP(imagetest.Photo(2000, 1500)) },
	} {
		b.Run(name, func(b *testing.B) {
			file, e := file(), newEngine(b)
			if _, err := e.Render(b.Context(), source(file), usual); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			start := cpu(b)
			for b.Loop() {
				if _, err := e.Render(b.Context(), source(file), usual); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpu(b)-start).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
	}
}

func BenchmarkProbe(b *testing.B) {
	file, e := camera(), newEngine(b)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Probe(source(file)); err != nil {
			b.Fatal(err)
		}
	}
}

// cpu is the time that the process has spent computing.
func cpu(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A usual photograph must not take more than its planes, the averaged raster
// and little else. Not parallel: it measures the whole process.
func TestRenderMemory(t *testing.T) {
	file, e := camera(), newEngine(t)
	h, err := probe(source(file), DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	estimate := plan(h, usual).bytes

	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	outs, err := images(e.Render(t.Context(), source(file), usual))
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if got := pixels(t, outs[0]).Bounds(); got != image.Rect(0, 0, 1024, 768) {
		t.Errorf("bounds %v", got)
	}
	// Everything ever allocated, so no luck with the collector is involved.
	took := int64(after.TotalAlloc - before.TotalAlloc)
	if took > 72<<20 {
		t.Errorf("took %d MiB, want at most 72", took>>20)
	}
	if took > estimate*5/4 {
		t.Errorf("took %d MiB, and was admitted with %d", took>>20, estimate>>20)
	}
	t.Logf("file %d kB, took %d MiB, estimate %d MiB", len(file)>>10, took>>20, estimate>>20)
}
