package config

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"image/color"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"revela/imaging"
)

const (
	maxWidth       = 16384 // pixels, of a variant's height too
	defaultQuality = 85
)

var (
	variantName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	hexColour   = regexp.MustCompile(`^#?[0-9A-Fa-f]{6}$`)
)

// fieldOf is a plain field of a mapping that becomes a T.
type fieldOf[T any] struct {
	name   string
	expect string // what a good value is
	set    func(to *T, value string) bool
}

// variantFields are those of a variant, in the order in which they are shown;
// watermark, which is a mapping of its own, comes after them.
var variantFields = []fieldOf[imaging.Variant]{
	{"name", `1 to 64 letters, digits, "-" and "_"`, func(v *imaging.Variant, s string) bool {
		v.Name = s
		return variantName.MatchString(s)
	}},
	{"width", fmt.Sprintf("1 to %d pixels", maxWidth), func(v *imaging.Variant, s string) bool {
		return setInt(&v.Width, s, 1, maxWidth)
	}},
	{"height", fmt.Sprintf("1 to %d pixels", maxWidth), func(v *imaging.Variant, s string) bool {
		return setInt(&v.Height, s, 1, maxWidth)
	}},
	{"fit", choices(imaging.Fits()), func(v *imaging.Variant, s string) bool {
		return setChoice(&v.Fit, s, imaging.Fits())
	}},
	{"gravity", choices(imaging.Gravities()), func(v *imaging.Variant, s string) bool {
		return setChoice(&v.Gravity, s, imaging.Gravities())
	}},
	{"format", "original, " + choices(imaging.WritableFormats()), func(v *imaging.Variant, s string) bool {
		return s == "original" || setChoice(&v.Format, s, imaging.WritableFormats())
	}},
	{"quality", "1 to 100", func(v *imaging.Variant, s string) bool {
		return setInt(&v.Quality, s, 1, 100)
	}},
	{"background", `a colour of six hexadecimal digits such as "ffffff"`, func(v *imaging.Variant, s string) bool {
		rgb, err := hex.DecodeString(strings.TrimPrefix(s, "#"))
		if err != nil || !hexColour.MatchString(s) {
			return false
		}
		v.Background = &color.NRGBA{R: rgb[0], G: rgb[1], B: rgb[2], A: 255}
		return true
	}},
	{"sharpen", "0 to 5", func(v *imaging.Variant, s string) bool {
		return setNumber(&v.Sharpen, s, 5)
	}},
}

var markFields = []fieldOf[imaging.Watermark]{
	{"file", "the path of a picture", func(m *imaging.Watermark, s string) bool {
		if s == "" || strings.ContainsRune(s, 0) {
			return false
		}
		m.File = s
		return true
	}},
	{"position", choices(imaging.Places()), func(m *imaging.Watermark, s string) bool {
		return setChoice(&m.Position, s, imaging.Places())
	}},
	{"opacity", "a number above 0, up to 1", func(m *imaging.Watermark, s string) bool {
		return setNumber(&m.Opacity, s, 1) && m.Opacity > 0
	}},
	{"scale", "a number above 0, up to 1", func(m *imaging.Watermark, s string) bool {
		return setNumber(&m.Scale, s, 1) && m.Scale > 0
	}},
}

func setInt(to *int, s string, least, most int) bool {
	n, err := parseInt(s, least, most)
	if err == nil {
		*to = n
	}
	return err == nil
}

func setNumber(to *float64, s string, most float64) bool {
	f, err := strconv.ParseFloat(s, 64)
	*to = f
	return err == nil && fraction.MatchString(s) && f <= most
}

func setChoice[T ~string](to *T, s string, of []T) bool {
	*to = T(s)
	return slices.Contains(of, T(s))
}

// choices writes "a, b or c".
func choices[T ~string](of []T) string {
	var b strings.Builder
	for i, c := range of {
		switch {
		case i > 0 && i == len(of)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(c))
	}
	return b.String()
}

// decodeFields applies the plain fields of a mapping, and gives the others that
// are among more to rest. Of its errors the text says what the mapping has.
func decodeFields[T any](to *T, what string, n ast.Node, fields []fieldOf[T], more []string, rest func(*ast.MappingValueNode)) (seen map[string]bool, errs []nodeError) {
	entries, ok := mapping(n)
	names := more
	for i := len(fields) - 1; i >= 0; i-- {
		names = append([]string{fields[i].name}, names...)
	}
	if !ok {
		return nil, []nodeError{{line(n), fmt.Sprintf("a %s that is not a mapping of %s", what, choices(names))}}
	}
	seen = map[string]bool{}
	for _, e := range entries {
		key := e.Key.GetToken().Value
		if seen[key] {
			errs = append(errs, nodeError{line(e), fmt.Sprintf("%s twice in one %s", key, what)})
			continue
		}
		seen[key] = true
		if slices.Contains(more, key) {
			rest(e)
			continue
		}
		i := slices.IndexFunc(fields, func(f fieldOf[T]) bool { return f.name == key })
		if i < 0 {
			errs = append(errs, nodeError{line(e), fmt.Sprintf("the unknown field %q%s, expected %s", key, didYouMean(key, names), choices(names))})
			continue
		}
		if value, ok := scalar(e.Value); !ok || !fields[i].set(to, value) {
			errs = append(errs, nodeError{line(e), fmt.Sprintf("the %s %q, expected %s", key, value, fields[i].expect)})
		}
	}
	return seen, errs
}

// decodeVariant returns what of a variant is right as well, and all that is not.
// The name is "" if none was given and none can be made of the size.
func decodeVariant(n ast.Node) (imaging.Variant, []nodeError) {
	v := imaging.Variant{Quality: defaultQuality}
	var bad []nodeError
	seen, errs := decodeFields(&v, "variant", n, variantFields, []string{"watermark"}, func(e *ast.MappingValueNode) {
		v.Watermark, bad = decodeMark(e.Value)
	})
	errs = append(errs, bad...)
	fail := func(format string, args ...any) {
		errs = append(errs, nodeError{line(n), fmt.Sprintf(format, args...)})
	}
	boxed := v.Fit == imaging.Cover || v.Fit == imaging.Fill
	switch {
	case seen == nil:
	case !seen["width"] && !seen["height"]:
		fail("neither a width nor a height")
	case boxed && !(seen["width"] && seen["height"]):
		fail("the fit %s, which takes both a width and a height", v.Fit)
	}
	if known := v.Fit == "" || slices.Contains(imaging.Fits(), v.Fit); seen["gravity"] && known && v.Fit != imaging.Cover {
		fail("a gravity, which is only for the fit cover")
	}
	if !seen["name"] {
		v.Name = sizeName(v)
	}
	return v, errs
}

// sizeName is the name of a variant that is given none.
func sizeName(v imaging.Variant) string {
	switch {
	case v.Width == 0 && v.Height == 0:
		return ""
	case v.Height == 0:
		return strconv.Itoa(v.Width)
	case v.Width == 0:
		return fmt.Sprintf("x%d", v.Height)
	}
	return fmt.Sprintf("%dx%d", v.Width, v.Height)
}

func decodeMark(n ast.Node) (*imaging.Watermark, []nodeError) {
	m := &imaging.Watermark{Position: imaging.SouthEast, Opacity: 1, Scale: 0.2}
	seen, errs := decodeFields(m, "watermark", n, markFields, nil, nil)
	if seen != nil && !seen["file"] {
		errs = append(errs, nodeError{line(n), "a watermark without a file"})
	}
	return m, errs
}

// showVariant writes a variant as it would be written in config.yaml. What is not
// set is left out.
func showVariant(v imaging.Variant) string {
	var b strings.Builder
	fmt.Fprintf(&b, "{name: %q", v.Name)
	add := func(name string, value any, set bool) {
		if set {
			fmt.Fprintf(&b, ", %s: %v", name, value)
		}
	}
	add("width", v.Width, v.Width > 0)
	add("height", v.Height, v.Height > 0)
	add("fit", v.Fit, v.Fit != "")
	add("gravity", v.Gravity, v.Gravity != "")
	add("format", v.Format, v.Format != "")
	add("quality", v.Quality, true)
	if c := v.Background; c != nil {
		add("background", fmt.Sprintf(`"%02x%02x%02x"`, c.R, c.G, c.B), true)
	}
	add("sharpen", v.Sharpen, v.Sharpen > 0)
	if m := v.Watermark; m != nil {
		add("watermark", fmt.Sprintf("{file: %s, position: %s, opacity: %v, scale: %v}",
			quote(m.File), cmp.Or(m.Position, imaging.Centre), m.Opacity, m.Scale), true)
	}
	return b.String() + "}"
}
