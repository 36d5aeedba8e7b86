package config

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// setting is one row of the table.
type setting struct {
	key    string // its place in config.yaml: "queue.lease"
	def    string // default, as it would be written in config.yaml
	help   string // one line, for people
	expect string // what a good value is: "a duration from 1s to 10m, such as 10s"
	kind   string // one word, for the help of its flag
	secret secrecy
	flag   string // another name for its flag

	set func(*Config, string) error // errMismatch says no more than expect does
	get func(*Config) string        // as it would be written in config.yaml
	// node decodes what is more than a scalar. Such a setting lives in
	// config.yaml only.
	node func(*Config, ast.Node) []nodeError
	// text says that get returns a string that has to be quoted for YAML.
	text bool
}

// secrecy says how much of a value may be shown.
type secrecy int

const (
	public    secrecy = iota
	hidden            // nothing
	hiddenURL         // everything but the credentials
)

// What stands where a secret is not shown. It is refused as a value, so that the
// output of Show never becomes a password.
const (
	hiddenText     = "(hidden)"
	hiddenPassword = "xxxxx"
)

var (
	errMismatch    = errors.New("not what was expected")
	errPlaceholder = errors.New("is what stands for a secret when the configuration is shown, expected the secret itself")
)

// nodeError is a mistake at a line of a YAML file.
type nodeError struct {
	line int
	what string
}

// kind is a type of values: how they are read, written and described.
type kind[T any] struct {
	name   string
	expect string
	parse  func(string) (T, error)
	format func(T) string
	text   bool
}

// field makes the row of a setting whose value is kept at one field of Config.
func field[T any](key, def, help string, k kind[T], at func(*Config) *T) setting {
	return setting{
		key: key, def: def, help: help, expect: k.expect, kind: k.name, text: k.text,
		set: func(c *Config, s string) error {
			v, err := k.parse(s)
			if err != nil {
				return err
			}
			*at(c) = v
			return nil
		},
		get: func(c *Config) string { return k.format(*at(c)) },
	}
}

func (s setting) hide(how secrecy) setting { s.secret = how; return s }

func (s setting) named(flag string) setting { s.flag = flag; return s }

// env is the setting's variable, "" if it has none.
func (s setting) env() string {
	if s.node != nil {
		return ""
	}
	return strings.ToUpper(strings.ReplaceAll(s.key, ".", "_"))
}

// flagName is the setting's flag, "" if it has none: what is secret would show
// in the list of processes.
func (s setting) flagName() string {
	switch {
	case s.node != nil || s.secret != public:
		return ""
	case s.flag != "":
		return s.flag
	}
	return strings.NewReplacer(".", "-", "_", "-").Replace(s.key)
}

// shown is the value in c as people may see it.
func (s setting) shown(c *Config) string { return s.safe(s.get(c)) }

// safe hides what is secret in a value.
func (s setting) safe(value string) string {
	switch {
	case value == "" || s.secret == public:
		return value
	case s.secret == hiddenURL:
		return redactURL(value)
	}
	return hiddenText
}

// placeholder reports whether value is what safe puts in a secret's place.
func (s setting) placeholder(value string) bool {
	return s.secret == hidden && value == hiddenText ||
		s.secret == hiddenURL && (value == hiddenText || strings.Contains(value, hiddenPassword+"@"))
}

// section is the first part of the key.
func (s setting) section() string {
	section, _, _ := strings.Cut(s.key, ".")
	return section
}

// find looks a setting up by its key.
func find(key string) (setting, bool) {
	for _, s := range settings {
		if s.key == key {
			return s, true
		}
	}
	return setting{}, false
}
