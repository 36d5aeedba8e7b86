package imaging

import "testing"

func TestFormats(t *testing.T) {
	t.Parallel()
	for f, want := range map[Format][2]string{
		JPEG: {"jpg", "image/jpeg"}, PNG: {"png", "image/png"}, WebP: {"webp", "image/webp"},
		GIF: {"gif", "image/gif"}, TIFF: {"tiff", "image/tiff"}, BMP: {"bmp", "image/bmp"},
		HEIC: {"heic", "image/heic"}, AVIF: {"avif", "image/avif"},
	} {
		if f.Ext() != want[0] || f.MIME() != want[1] {
			t.Errorf("%s: %s, %s", f, f.Ext(), f.MIME())
		}
	}
	if mime := Format("exe").MIME(); mime != "application/octet-stream" {
		t.Errorf("exe: %s", mime)
	}
}
