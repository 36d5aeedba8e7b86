package config

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/goccy/go-yaml"
)

// Show writes the effective configuration as YAML, with the origin of each
// value beside it. Secrets are hidden, credentials in URLs too.
func (c *Config) Show(w io.Writer) error {
	var b bytes.Buffer
	section, width := "", 0
	for _, s := range settings {
		if s.node == nil {
			width = max(width, len(showLine(c, s)))
		}
	}
	for _, s := range settings {
		if s.section() != section {
			section = s.section()
			fmt.Fprintf(&b, "%s:\n", section)
		}
		fmt.Fprintf(&b, "%-*s # %s\n", width, showLine(c, s), c.origins[s.key])
	}
	_, err := w.Write(b.Bytes())
	return err
}

func showLine(c *Config, s setting) string {
	value := s.shown(c)
	if s.text {
		value = quote(value)
	}
	return fmt.Sprintf("  %s: %s", strings.TrimPrefix(s.key, s.section()+"."), value)
}

// quote writes a string as YAML reads it, on one line.
func quote(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }) {
		return fmt.Sprintf("%q", s)
	}
	out, err := yaml.Marshal(s)
	if err != nil {
		return fmt.Sprintf("%q", s)
	}
	return strings.TrimSuffix(string(out), "\n")
}
