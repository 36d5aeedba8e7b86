package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"revela/imaging"
)

const (
	maxSets     = 64
	maxVariants = 16 // of a set
	// defaultSet is what a task gets that names no set.
	defaultSet = "default"
)

// variants is the one setting that is more than a scalar: sets of variants by
// name. A list stands for the default set alone.
func variants() setting {
	return setting{
		key:    "image.variants",
		def:    `{default: [{name: "1024", width: 1024, quality: 85}, {name: "800", width: 800, quality: 85}]}`,
		help:   "what is made of each picture, by the name of the set",
		expect: "sets of variants by name",
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
		get:  func(c *Config) string { return showSets(c.Image.Variants) },
		node: setVariants,
	}
}

// setVariants decodes all sets. What is right of them is stored in any case, so that
// the files of watermarks are looked at too.
func setVariants(c *Config, n ast.Node) []nodeError {
	sets := map[string][]imaging.Variant{}
	if _, ok := n.(*ast.SequenceNode); ok {
		set, errs := decodeSet(defaultSet, n)
		sets[defaultSet], c.Image.Variants = set, sets
		return errs
	}
	entries, ok := mapping(n)
	if !ok || len(entries) == 0 {
		return []nodeError{{line(n), fmt.Sprintf("is not a list of variants, nor a mapping of 1 to %d names to such lists", maxSets)}}
	}
	var errs []nodeError
	if len(entries) > maxSets {
		errs = append(errs, nodeError{line(n), fmt.Sprintf("has %d sets, expected 1 to %d", len(entries), maxSets)})
	}
	lines := map[string]int{} // by name
	for _, e := range entries {
		name := e.Key.GetToken().Value
		if !variantName.MatchString(name) {
			errs = append(errs, nodeError{line(e), fmt.Sprintf(`has a set named %q, expected 1 to 64 letters, digits, "-" and "_"`, name)})
		}
		if first, taken := lines[name]; taken {
			errs = append(errs, nodeError{line(e), fmt.Sprintf("has two sets named %q, the first at line %d", name, first)})
		}
		lines[name] = line(e)
		set, bad := decodeSet(name, e.Value)
		sets[name], errs = set, append(errs, bad...)
	}
	if _, ok := lines[defaultSet]; !ok {
		errs = append(errs, nodeError{line(n), fmt.Sprintf("has no set named %q, which is for those who name none", defaultSet)})
	}
	c.Image.Variants = sets
	return errs
}

// decodeSet returns all variants of a set, with what of them is right.
func decodeSet(name string, n ast.Node) ([]imaging.Variant, []nodeError) {
	list, ok := n.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 {
		return nil, []nodeError{{line(n), fmt.Sprintf("has in the set %q no list of 1 to %d variants such as {width: 800}", name, maxVariants)}}
	}
	var (
		out   []imaging.Variant
		errs  []nodeError
		lines = map[string]int{} // by name
	)
	if len(list.Values) > maxVariants {
		errs = append(errs, nodeError{line(n), fmt.Sprintf("has in the set %q %d variants, expected 1 to %d", name, len(list.Values), maxVariants)})
	}
	for i, item := range list.Values {
		v, bad := decodeVariant(item)
		for _, e := range bad {
			errs = append(errs, nodeError{e.line, fmt.Sprintf("has in %s %s", place(name, i, v), e.what)})
		}
		if first, taken := lines[v.Name]; taken && variantName.MatchString(v.Name) {
			errs = append(errs, nodeError{line(item), fmt.Sprintf("has two variants named %q in one set, the first at line %d", v.Name, first)})
		}
		lines[v.Name] = line(item)
		out = append(out, v)
	}
	return out, errs
}

// place says which variant of a set is meant, the i-th.
func place(set string, i int, v imaging.Variant) string {
	if variantName.MatchString(v.Name) {
		return fmt.Sprintf("%s of the set %s", v.Name, set)
	}
	return fmt.Sprintf("number %d of the set %s", i+1, set)
}

// showSets writes sets on one line, sorted by name.
func showSets(sets map[string][]imaging.Variant) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		var items []string
		for _, v := range sets[name] {
			items = append(items, showVariant(v))
		}
		all = append(all, quote(name)+": ["+strings.Join(items, ", ")+"]")
	}
	return "{" + strings.Join(all, ", ") + "}"
}
