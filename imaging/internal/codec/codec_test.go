package codec

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDecodeRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, c := range []Codec{HEVC, AV1} {
		d, err := Open(t.Context(), c, MaxMemory)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		for _, data := range [][]byte{nil, {0}, make([]byte, 5000), {0xff, 0xff, 0xff, 0xff, 1, 2, 3}} {
			if f, err := d.Decode(t.Context(), data, 1<<20); err == nil {
				t.Errorf("codec %d made %d x %d of nonsense", c, f.Width, f.Height)
			}
		}
	}
}

func TestOpenAfterTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, AV1, MaxMemory); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}
