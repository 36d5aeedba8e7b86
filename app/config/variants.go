package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

const (
	maxVariants    = 16
	maxWidth       = 16384 // pixels
	defaultQuality = 85
)

var (
	variantName   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	variantFields = []string{"name", "width", "quality"}
)

// variants is the one setting that is a list.
func variants() setting {
	return setting{
		key:    "image.variants",
		def:    `[{name: "1024", width: 1024, quality: 85}, {name: "800", width: 800, quality: 85}]`,
		help:   "the sizes that are made of each picture",
		expect: "a list of {name, width, quality}",
		set: func(c *Config, s string) error {
			f, err := parser.ParseBytes([]byte(s), 0)
			if err != nil {
				return err
			}
			if errs := setVariants(c, f.Docs[0].Body); len(errs) > 0 {
				return fmt.Errorf("%s", errs[0].what)
			}
			return nil
		},
		get: func(c *Config) string {
			var items []string
			for _, v := range c.Image.Variants {
				items = append(items, fmt.Sprintf("{name: %q, width: %d, quality: %d}", v.Name, v.Width, v.Quality))
			}
			return "[" + strings.Join(items, ", ") + "]"
		},
		node: setVariants,
	}
}

// setVariants decodes the list. Nothing is stored unless all of it is right.
func setVariants(c *Config, n ast.Node) []nodeError {
	list, ok := n.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 || len(list.Values) > maxVariants {
		return []nodeError{{line(n), fmt.Sprintf("is not a list of 1 to %d variants {name, width, quality}", maxVariants)}}
	}
	var (
		out   []Variant
		errs  []nodeError
		lines = map[string]int{} // by name
	)
	for _, item := range list.Values {
		v, bad := decodeVariant(item)
		errs = append(errs, bad...)
		if len(bad) > 0 {
			continue
		}
		if first, taken := lines[v.Name]; taken {
			errs = append(errs, nodeError{line(item), fmt.Sprintf("has two variants named %q, the first at line %d", v.Name, first)})
		}
		lines[v.Name] = line(item)
		out = append(out, v)
	}
	if len(errs) == 0 {
		c.Image.Variants = out
	}
	return errs
}

func decodeVariant(n ast.Node) (Variant, []nodeError) {
	entries, ok := mapping(n)
	if !ok {
		return Variant{}, []nodeError{{line(n), "has an entry that is not a mapping of name, width and quality"}}
	}
	v := Variant{Quality: defaultQuality}
	var errs []nodeError
	fail := func(n ast.Node, format string, args ...any) {
		errs = append(errs, nodeError{line(n), fmt.Sprintf(format, args...)})
	}
	seen := map[string]bool{}
	for _, e := range entries {
		key := e.Key.GetToken().Value
		if seen[key] {
			fail(e, "has %s twice in one variant", key)
			continue
		}
		seen[key] = true
		value, _ := scalar(e.Value)
		var err error
		switch key {
		case "name":
			if v.Name = value; !variantName.MatchString(value) {
				fail(e, `has the name %q, expected 1 to 64 letters, digits, "-" and "_"`, value)
			}
		case "width":
			if v.Width, err = parseInt(value, 1, maxWidth); err != nil {
				fail(e, "has the width %q, expected 1 to %d pixels", value, maxWidth)
			}
		case "quality":
			if v.Quality, err = parseInt(value, 1, 100); err != nil {
				fail(e, "has the quality %q, expected 1 to 100", value)
			}
		default:
			fail(e, "has the unknown field %q%s, expected name, width or quality", key, didYouMean(key, variantFields))
		}
	}
	if !seen["width"] {
		fail(n, "has a variant without a width")
	}
	if !seen["name"] {
		v.Name = strconv.Itoa(v.Width)
	}
	return v, errs
}
