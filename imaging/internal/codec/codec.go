package codec

import (
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"

	"revela/imaging/internal/sandbox"
)

// Codec is a kind of video whose frames can be decoded.
type Codec int

// The codecs.
const (
	HEVC Codec = iota // data is NAL units, each after its length in 32 bits
	AV1               // data is OBUs
)

// MaxMemory is the most that any Decoder may take, in bytes.
const MaxMemory = 1 << 30

var (
	//go:embed hevc.wasm.gz
	hevc []byte
	//go:embed av1.wasm.gz
	av1 []byte

	modules = map[Codec]*sandbox.Module{
		HEVC: sandbox.New(hevc, MaxMemory),
		AV1:  sandbox.New(av1, MaxMemory),
	}
)

// Decoder decodes one frame after another. It is for one goroutine and needs
// closing.
type Decoder struct {
	inst  *sandbox.Instance
	input uint32 // where data is put, of room bytes
	room  int
}

// Open starts a decoder that takes at most that many bytes of memory, 2 MiB or more.
// A picture that needs more fails to decode; the process does not notice.
func Open(ctx context.Context, c Codec, memory int64) (*Decoder, error) {
	inst, err := modules[c].StartWithin(ctx, min(memory, MaxMemory))
	if err != nil {
		return nil, err
	}
	return &Decoder{inst: inst}, nil
}

// Close gives back the decoder's memory, and with it that of its frames.
func (d *Decoder) Close() { d.inst.Close() }

// Frame is a decoded picture. Its planes are valid until the next Decode.
type Frame struct {
	Width, Height int
	Chroma        Chroma
	Bits          int // of a sample, 8 to 12; above 8 a sample takes two bytes, the lower first
	Colour        Colour
	Planes        [3]Plane // Y, Cb, Cr; without chroma only the first
}

// Plane is the samples of one channel.
type Plane struct {
	Pix    []byte
	Stride int // bytes
}

// Chroma says how many chroma samples there are.
type Chroma int

// The kinds, numbered as the codecs do.
const (
	None Chroma = iota
	Chroma420
	Chroma422
	Chroma444
)

// Size is that of the chroma planes of a picture of w x h pixels.
func (c Chroma) Size(w, h int) (int, int) {
	switch c {
	case Chroma420:
		return (w + 1) / 2, (h + 1) / 2
	case Chroma422:
		return (w + 1) / 2, h
	case Chroma444:
		return w, h
	}
	return 0, 0
}

// Colour is what the samples mean, by the numbers of ISO/IEC 23091-2; 2 is
// "not said".
type Colour struct {
	Primaries, Transfer, Matrix int
	FullRange                   bool
}

// Decode decodes the first picture in data, of at most maxPixels, or stops soon
// after the end of the context, within a row of blocks. The error is
// the context's, or says that the picture is broken, too large, or of a kind that
// cannot be decoded.
func (d *Decoder) Decode(ctx context.Context, data []byte, maxPixels int) (*Frame, error) {
	if len(data) > d.room || d.room == 0 {
		// Tiles differ little in size: room for twice of the first one is
		// soon enough for all, and what is outgrown goes with the sandbox.
		room := 2*len(data) + 4096
		at, err := d.inst.Alloc(ctx, room)
		if err != nil {
			return nil, err
		}
		d.input, d.room = at, room
	}
	if err := d.inst.Write(d.input, data); err != nil {
		return nil, err
	}
	at, err := d.inst.Call(ctx, "decode", uint64(d.input), uint64(len(data)), uint64(maxPixels))
	if err != nil {
		return nil, err
	}
	return d.frame(at, maxPixels)
}

// frame reads a struct frame, see src/frame.h. Nothing in it is trusted.
func (d *Decoder) frame(at uint32, maxPixels int) (*Frame, error) {
	const words = 15
	raw, err := d.inst.View(at, 4*words)
	if err != nil {
		return nil, err
	}
	var v [words]int
	for i := range v {
		v[i] = int(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	if v[0] != 0 {
		return nil, fmt.Errorf("codec: decoder's error %d", v[0])
	}
	f := &Frame{
		Width: v[1], Height: v[2], Chroma: Chroma(v[3]), Bits: v[4],
		Colour: Colour{v[5], v[6], v[7], v[8] != 0},
	}
	if f.Width < 1 || f.Height < 1 || f.Width > maxPixels/f.Height || f.Chroma > Chroma444 || f.Bits < 8 || f.Bits > 16 {
		return nil, fmt.Errorf("codec: a frame of %d x %d pixels, %d bits, chroma %d", f.Width, f.Height, f.Bits, f.Chroma)
	}
	sample := (f.Bits + 7) / 8
	cw, ch := f.Chroma.Size(f.Width, f.Height)
	for c, size := range [3][2]int{{f.Width, f.Height}, {cw, ch}, {cw, ch}} {
		w, h := size[0], size[1]
		stride := v[12+c]
		if w == 0 {
			continue
		}
		if stride < w*sample || stride > MaxMemory/h {
			return nil, fmt.Errorf("codec: a stride of %d bytes for %d samples", stride, w)
		}
		pix, err := d.inst.View(uint32(v[9+c]), uint32(stride*(h-1)+w*sample))
		if err != nil {
			return nil, err
		}
		f.Planes[c] = Plane{pix, stride}
	}
	return f, nil
}
