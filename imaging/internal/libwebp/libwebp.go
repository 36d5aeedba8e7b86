package libwebp

import (
	_ "embed"
	"encoding/binary"

	"revela/imaging/internal/sandbox"
)

const (
	// MaxSide is the largest width and height, in pixels, that lossy WebP holds.
	MaxSide = 16383

	// State is what a sandbox takes however small the picture is, in bytes. One
	// that grows is copied, so for a moment there are two.
	State = 4 << 20
)

// maxMemory bounds one sandbox. A picture that needs more fails; the process does
// not notice.
const maxMemory = 512 << 20

//go:embed libwebp.wasm.gz
var packed []byte

var module = sandbox.New(packed, maxMemory).Recycle()

// words reads n numbers at an address.
func words(inst *sandbox.Instance, at uint32, n int) ([]uint32, error) {
	b, err := inst.View(at, uint32(4*n))
	if err != nil {
		return nil, err
	}
	out := make([]uint32, n)
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return out, nil
}
