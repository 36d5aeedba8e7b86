package jpeg_test

import (
	"os"
	"regexp"
	"testing"
)

// The kernels run wherever there is AVX2. Registers beyond the sixteenth, which the
// generator takes when it runs out, and those of 64 bytes are of AVX-512: a
// processor without it would stop the process.
func TestKernelsNeedNoMoreThanAVX2(t *testing.T) {
	t.Parallel()
	beyond := regexp.MustCompile(`(?m)^.*\b(?:[XY](?:1[6-9]|2\d|3[01])|Z\d+|K[0-7])\b.*$`)
	for _, name := range []string{"dct_amd64.s", "../resample/kernel_amd64.s"} {
		code, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range beyond.FindAll(code, -1) {
			t.Errorf("%s: %s", name, line)
		}
	}
}
