package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// DefaultFile is read from the working directory when no file is named.
const DefaultFile = "config.yaml"

// maxFile bounds config.yaml and the files of secrets, in bytes.
const maxFile = 1 << 20

// file applies a YAML file. One that was not named may be missing.
func (l *loader) file(name string, named bool, usage bool, namedBy string) {
	data, err := readLimited(l.abs(name), maxFile)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return
	}
	if err != nil {
		l.add(namedBy, fmt.Sprintf("names a file that cannot be read: %s: %v", name, cause(err)), usage)
		return
	}
	// Keys that come twice are looked for here, so that they are all found.
	f, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		l.syntax(name, err)
		return
	}
	var body ast.Node
	for _, doc := range f.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if body != nil {
			l.add(fmt.Sprintf("%s:%d:", name, line(doc.Body)), "begins a second document, expected one", false)
			return
		}
		body = doc.Body
	}
	if body == nil {
		return
	}
	entries, ok := mapping(body)
	if !ok {
		l.add(fmt.Sprintf("%s:%d:", name, line(body)), `is not a mapping of sections such as "server:"`, false)
		return
	}
	l.entries(name, "", entries, map[string]int{})
}

// syntax reports what the parser says, without the source it would quote: that
// may be a secret.
func (l *loader) syntax(name string, err error) {
	var at *yaml.SyntaxError
	if errors.As(err, &at) && at.Token != nil && at.Token.Position != nil {
		l.add(fmt.Sprintf("%s:%d:%d:", name, at.Token.Position.Line, at.Token.Position.Column), "is not YAML", false)
		return
	}
	l.add(name, "is not YAML", false)
}

// entries applies one mapping of the file. seen holds the lines of the keys
// that came before, by their full path.
func (l *loader) entries(name, prefix string, entries []*ast.MappingValueNode, seen map[string]int) {
	for _, e := range entries {
		key := prefix + e.Key.GetToken().Value
		where := fmt.Sprintf("%s:%d: %s", name, line(e), key)
		first, twice := seen[key]
		seen[key] = line(e)
		s, known := find(key)
		switch {
		case twice:
			l.add(where, fmt.Sprintf("is set twice, first at line %d", first), false)
		case known:
			l.fromNode(s, name, where, e.Value)
		case !isSection(key):
			l.add(where, "is not a setting"+didYouMean(key, allKeys()), false)
		default:
			inner, ok := mapping(e.Value)
			if !ok {
				l.add(where, "is a section, expected settings below it", false)
				continue
			}
			l.entries(name, key+".", inner, seen)
		}
	}
}

func (l *loader) fromNode(s setting, name, where string, n ast.Node) {
	from := origin{layerFile, fmt.Sprintf("%s:%d", name, line(n))}
	if s.node != nil {
		for _, e := range s.node(l.config, n) {
			l.add(fmt.Sprintf("%s:%d: %s", name, e.line, s.key), e.what, false)
		}
		l.config.origins[s.key] = from
		return
	}
	value, ok := scalar(n)
	if !ok {
		l.broken[s.key] = true
		l.add(where, "is not a plain value, expected "+s.expect, false)
		return
	}
	l.apply(s, value, where, from)
}

// mapping returns the entries of a mapping.
func mapping(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// scalar returns the text of a plain value: what the same value would be in the
// environment. Null, lists, anchors and tags are not plain.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func line(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	if v, ok := n.(*ast.MappingValueNode); ok {
		return v.Key.GetToken().Position.Line
	}
	return n.GetToken().Position.Line
}

func isSection(key string) bool {
	for _, s := range settings {
		if s.section() == key {
			return true
		}
	}
	return false
}

func allKeys() []string {
	var keys []string
	for _, s := range settings {
		if keys = append(keys, s.key); len(keys) == 1 || s.section() != keys[len(keys)-1] {
			keys = append(keys, s.section())
		}
	}
	return keys
}

func didYouMean(s string, candidates []string) string {
	if c, ok := nearest(s, candidates); ok {
		return fmt.Sprintf(" (did you mean %q?)", c)
	}
	return ""
}

// readLimited reads a file of at most max bytes.
func readLimited(name string, max int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(data)) > max {
		return nil, fmt.Errorf("it is larger than %s", formatSize(max))
	}
	return data, err
}

// cause drops the path that an error of the os package repeats.
func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// abs resolves a path against the working directory.
func (l *loader) abs(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(l.dir, name)
}

// trimNewline removes the line break that editors put at the end of a file.
func trimNewline(s string) string { return strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r") }
