//go:build (linux || darwin) && (amd64 || arm64) && !noturbo

package turbo

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"

	"revela/imaging/internal/jpeg"
)

// Flags of the library's calls.
const (
	accurateDCT   = 4096
	stopOnWarning = 8192
	progressive   = 16384
	limitScans    = 32768 // to 500; not known before 2.1
)

// Library is libturbojpeg. It is safe for concurrent use.
type Library struct {
	name string

	initDecompress func() uintptr
	initCompress   func() uintptr
	destroy        func(handle uintptr) int32
	errorText      func(handle uintptr) string
	header         func(handle uintptr, data *byte, size uint, w, h, subsampling, space *int32) int32
	decompress     func(handle uintptr, data *byte, size uint, planes **byte, w int32, strides *int32, h, flags int32) int32
	compress       func(handle uintptr, planes **byte, w int32, strides *int32, h, subsampling int32,
		data *unsafe.Pointer, size *uint, quality, flags int32) int32
	free func(data unsafe.Pointer)
}

// Load finds the library. It is looked for once a process, and never unloaded.
var Load = sync.OnceValues(func() (*Library, error) {
	names := []string{"libturbojpeg.so.0"}
	if runtime.GOOS == "darwin" {
		names = []string{"libturbojpeg.0.dylib", "/opt/homebrew/lib/libturbojpeg.0.dylib", "/usr/local/lib/libturbojpeg.0.dylib"}
	}
	var errs []error
	for _, name := range names {
		handle, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		l, err := bind(name, handle)
		if err == nil {
			return l, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("turbo: %w", errors.Join(errs...))
})

func bind(name string, handle uintptr) (*Library, error) {
	l := &Library{name: name}
	for symbol, fn := range map[string]any{
		"tjInitDecompress":        &l.initDecompress,
		"tjInitCompress":          &l.initCompress,
		"tjDestroy":               &l.destroy,
		"tjGetErrorStr2":          &l.errorText, // new in 2.0, as stopOnWarning is
		"tjDecompressHeader3":     &l.header,
		"tjDecompressToYUVPlanes": &l.decompress,
		"tjCompressFromYUVPlanes": &l.compress,
		"tjFree":                  &l.free,
	} {
		at, err := purego.Dlsym(handle, symbol)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		purego.RegisterFunc(fn, at)
	}
	return l, nil
}

// Name is the library's file name.
func (l *Library) Name() string { return l.name }

// subsampling is the library's number for an image's planes, and whether it has
// one.
func subsampling(m *jpeg.Image) (int32, bool) {
	if len(m.Planes) == 1 {
		return 3, true
	}
	fx, fy := m.Chroma()
	n, ok := map[[2]int]int32{{1, 1}: 0, {2, 1}: 1, {2, 2}: 2, {1, 2}: 4, {4, 1}: 5}[[2]int{fx, fy}]
	return n, ok
}

// arguments are an image's planes in the form that the library takes. The pinner
// holds them until it is unpinned.
//
// The library rounds luma up to whole chroma samples, and reads and writes all of
// that: so there must be memory for it.
func arguments(m *jpeg.Image, pin *runtime.Pinner) (planes *[3]*byte, strides *[3]int32, err error) {
	planes, strides = new([3]*byte), new([3]int32)
	fx, fy := m.Chroma()
	pin.Pin(planes)
	pin.Pin(strides)
	for i, p := range m.Planes {
		w, h := p.W, p.H
		if i == 0 && len(m.Planes) > 1 {
			w, h = m.Planes[1].W*fx, m.Planes[1].H*fy
		}
		if w < 1 || h < 1 || p.Stride < w || len(p.Pix) < (h-1)*p.Stride+w {
			return nil, nil, fmt.Errorf("turbo: plane %d is too small in memory", i)
		}
		planes[i], strides[i] = &p.Pix[0], int32(p.Stride)
		pin.Pin(planes[i])
	}
	return planes, strides, nil
}

// Decode decodes data into m, whose size, scale and sampling say what is expected
// of it; a file that differs is refused, as is one with anything odd in it. m's
// content is undefined after an error.
//
// In C it takes another m at the most, and 2 bytes for each of the picture's
// samples if that is progressive.
func (l *Library) Decode(data []byte, m *jpeg.Image) error {
	want, ok := subsampling(m)
	if !ok || len(data) == 0 {
		return errors.New("turbo: not for this library")
	}
	handle := l.initDecompress()
	if handle == 0 {
		return errors.New("turbo: no decoder: out of memory")
	}
	defer l.destroy(handle)

	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&data[0])
	facts := new([4]int32)
	pin.Pin(facts)
	if l.header(handle, &data[0], uint(len(data)), &facts[0], &facts[1], &facts[2], &facts[3]) != 0 {
		return l.fail(handle)
	}
	if facts[0] != int32(m.W) || facts[1] != int32(m.H) || facts[2] != want {
		return fmt.Errorf("turbo: %v differs from what was expected", facts)
	}
	planes, strides, err := arguments(m, &pin)
	if err != nil {
		return err
	}
	if l.decompress(handle, &data[0], uint(len(data)), &planes[0], int32(m.Planes[0].W), &strides[0],
		int32(m.Planes[0].H), accurateDCT|stopOnWarning|limitScans) != 0 {
		return l.fail(handle)
	}
	return nil
}

// Encode returns m, of scale 1, as a JPEG of the given quality, 1 to 100.
func (l *Library) Encode(m *jpeg.Image, quality int, progression bool) ([]byte, error) {
	m = m.Even()
	sampling, ok := subsampling(m)
	if !ok {
		return nil, errors.New("turbo: not for this library")
	}
	handle := l.initCompress()
	if handle == 0 {
		return nil, errors.New("turbo: no encoder: out of memory")
	}
	defer l.destroy(handle)

	var pin runtime.Pinner
	defer pin.Unpin()
	out := new(struct {
		data unsafe.Pointer // C's
		size uint
	})
	pin.Pin(out)
	flags := int32(accurateDCT)
	if progression {
		flags |= progressive
	}
	planes, strides, err := arguments(m, &pin)
	if err != nil {
		return nil, err
	}
	failed := l.compress(handle, &planes[0], int32(m.W), &strides[0], int32(m.H), sampling,
		&out.data, &out.size, int32(quality), flags)
	defer func() { l.free(out.data) }()
	if failed != 0 {
		return nil, l.fail(handle)
	}
	if out.size > math.MaxInt32 {
		return nil, fmt.Errorf("turbo: a file of %d bytes", out.size)
	}
	return append([]byte(nil), unsafe.Slice((*byte)(out.data), out.size)...), nil
}

func (l *Library) fail(handle uintptr) error {
	return errors.New("turbo: " + strings.TrimSpace(l.errorText(handle)))
}
