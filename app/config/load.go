package config

import (
	"errors"
	"fmt"
	"os"
)

// Sources is everything that Load looks at.
type Sources struct {
	Env   []string // as os.Environ returns it
	Flags *Flags   // nil is none
	Dir   string   // relative paths start here; "" is the process's working directory
}

// origin is where a value came from.
type origin struct {
	layer layer
	name  string // "config.yaml:12", "QUEUE_LEASE", "--queue-lease"
}

type layer int

const (
	layerDefault layer = iota
	layerFile
	layerEnv
	layerFlag
)

func (o origin) String() string {
	switch o.layer {
	case layerFile:
		return o.name
	case layerEnv:
		return "env " + o.name
	case layerFlag:
		return "flag " + o.name
	}
	return "default"
}

// Load reads, merges and checks the configuration. The error is an *Error with
// every mistake; then the Config is nil. Warnings come with either.
func Load(src Sources) (*Config, []Warning, error) {
	dir := src.Dir
	if dir == "" {
		var err error
		if dir, err = os.Getwd(); err != nil {
			return nil, nil, fmt.Errorf("find the working directory: %w", err)
		}
	}
	l := &loader{config: Default(), dir: dir, broken: map[string]bool{}}
	env := environ(src.Env)

	switch {
	case src.Flags != nil && src.Flags.file != "":
		l.file(src.Flags.file, true, true, "--config")
	case env[fileEnv] != "":
		l.file(env[fileEnv], true, false, fileEnv)
	default:
		l.file(DefaultFile, false, false, DefaultFile)
	}
	l.environment(env)
	if src.Flags != nil {
		l.flags(src.Flags)
	}

	l.config.Data.Dir = l.abs(l.config.Data.Dir)
	if l.config.Data.ImportDir != "" {
		l.config.Data.ImportDir = l.abs(l.config.Data.ImportDir)
	}
	l.marks()
	l.rules()
	if len(l.problems) > 0 {
		return nil, l.warnings, &Error{l.problems}
	}
	return l.config, l.warnings, nil
}

// loader merges the layers and gathers what is wrong.
type loader struct {
	config   *Config
	dir      string
	broken   map[string]bool // keys with a bad value somewhere: rules pass them over
	problems []Problem
	warnings []Warning
}

func (l *loader) add(where, what string, usage bool) {
	l.problems = append(l.problems, Problem{where, what, usage})
}

func (l *loader) warn(s string) { l.warnings = append(l.warnings, Warning(s)) }

// apply sets one value, or says why not.
func (l *loader) apply(s setting, value, where string, from origin) {
	err := errPlaceholder
	if !s.placeholder(value) {
		err = s.set(l.config, value)
	}
	if err == nil {
		l.config.origins[s.key] = from
		return
	}
	l.broken[s.key] = true
	what := "has a value that is not accepted, expected " + s.expect
	switch {
	case !errors.Is(err, errMismatch):
		what = err.Error()
	case s.secret == public:
		what = fmt.Sprintf("is %q, expected %s", value, s.expect)
	}
	l.add(where, what, from.layer == layerFlag)
}
