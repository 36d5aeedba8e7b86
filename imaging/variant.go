package imaging

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
)

// Variant says what to make of a picture: a size, and how it is come by.
type Variant struct {
	Name string // also its path segment: letters, digits, "-" and "_"

	// Width and Height are the box in pixels that Fit speaks of. One of them may
	// be 0, which lets that side be as long as it comes, where Fit is Inside.
	Width, Height int
	Fit           Fit
	Gravity       Gravity // what Cover keeps

	Format     Format       // JPEG, PNG, WebP or AVIF; "" is the picture's own, or what is nearest to it
	Quality    int          // 1 to 100, for lossy formats
	Background *color.NRGBA // opaque; goes behind what is transparent. nil is none, and white where Format has no transparency
	Sharpen    float64      // 0 to 5: how much stronger details become; 0 leaves them, 1 is usual
	Watermark  *Watermark   // nil is none
}

// Fit says how a picture comes into its box.
type Fit string

// The fits. None enlarges: a box that is larger than the picture in a direction
// shrinks, keeping its shape, until it is not.
const (
	Inside Fit = "inside" // all of the picture, its shape kept, no larger than the box; also ""
	Cover  Fit = "cover"  // as large as the box, the picture's shape kept, what sticks out cut off
	Fill   Fit = "fill"   // as large as the box, squeezed
)

// Fits lists the fits.
func Fits() []Fit { return []Fit{Inside, Cover, Fill} }

// WritableFormats lists the formats of variants.
func WritableFormats() []Format { return []Format{JPEG, PNG, WebP, AVIF} }

// Validate reports every mistake in v.
func (v Variant) Validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !isName(v.Name) {
		fail("name %q: want 1 to 64 letters, digits, \"-\" or \"_\"", v.Name)
	}
	if v.Width < 0 || v.Height < 0 || v.Width == 0 && v.Height == 0 {
		fail("width %d and height %d: want at least 1 pixel, or 0 for one of them", v.Width, v.Height)
	}
	switch v.Fit {
	case "", Inside:
	case Cover, Fill:
		if v.Width == 0 || v.Height == 0 {
			fail("fit %s: want both width and height", v.Fit)
		}
	default:
		fail("fit %q: want one of %v", v.Fit, Fits())
	}
	if v.Gravity != "" && !slices.Contains(Gravities(), v.Gravity) {
		fail("gravity %q: want one of %v", v.Gravity, Gravities())
	}
	if v.Format != "" && !slices.Contains(WritableFormats(), v.Format) {
		fail("format %q: want one of %v", v.Format, WritableFormats())
	}
	if v.Quality < 1 || v.Quality > 100 {
		fail("quality %d: want 1 to 100", v.Quality)
	}
	if v.Background != nil && v.Background.A != 255 {
		fail("background: want an opaque colour")
	}
	if !within(v.Sharpen, 0, maxSharpen) {
		fail("sharpen %v: want 0 to %v", v.Sharpen, maxSharpen)
	}
	if v.Watermark != nil {
		if err := v.Watermark.validate(); err != nil {
			fail("watermark: %w", err)
		}
	}
	return errors.Join(errs...)
}

// within is false for what is not a number.
func within(v, least, most float64) bool { return v >= least && v <= most && !math.IsNaN(v) }

func isName(s string) bool {
	for _, r := range []byte(s) {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_':
		default:
			return false
		}
	}
	return 1 <= len(s) && len(s) <= 64
}

func checkVariants(variants []Variant) error {
	var errs []error
	seen := make(map[string]bool)
	for i, v := range variants {
		if err := v.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("variant %d: %w", i, err))
		}
		if seen[v.Name] {
			errs = append(errs, fmt.Errorf("variant %d: name %q is taken", i, v.Name))
		}
		seen[v.Name] = true
	}
	if len(variants) == 0 {
		errs = append(errs, errors.New("no variants"))
	}
	return errors.Join(errs...)
}
