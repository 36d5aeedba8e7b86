package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	fileEnv    = "CONFIG_FILE" // names the configuration file
	fileSuffix = "_FILE"       // of the twin that names a file with a secret
)

// environ makes a map of KEY=value lines. A variable that is empty is not set:
// that is how compose files and shells leave one out.
func environ(lines []string) map[string]string {
	env := make(map[string]string, len(lines))
	for _, l := range lines {
		if name, value, ok := strings.Cut(l, "="); ok && value != "" {
			env[name] = value
		}
	}
	return env
}

// environment applies the variables.
func (l *loader) environment(env map[string]string) {
	for _, s := range settings {
		name := s.env()
		if name == "" {
			continue
		}
		value, ok := env[name]
		if s.secret != public {
			twin := name + fileSuffix
			if file, hasTwin := env[twin]; hasTwin {
				if ok {
					l.broken[s.key] = true
					l.add(name, "and "+twin+" are both set, expected one", false)
					continue
				}
				if value, ok = l.secretFile(s, twin, file); !ok {
					continue
				}
				name = twin
			}
		}
		if ok {
			l.apply(s, value, name, origin{layerEnv, name})
		}
	}
	l.misspelled(env)
}

// secretFile reads the file that a _FILE twin names.
func (l *loader) secretFile(s setting, twin, file string) (string, bool) {
	data, err := readLimited(l.abs(file), maxFile)
	what := ""
	switch {
	case err != nil:
		what = fmt.Sprintf("names a file that cannot be read: %s: %v", file, cause(err))
	case trimNewline(string(data)) == "":
		what = fmt.Sprintf("names an empty file: %s", file)
	default:
		return trimNewline(string(data)), true
	}
	l.broken[s.key] = true
	l.add(twin, what, false)
	return "", false
}

// misspelled warns of variables that nobody reads and that look like ours.
func (l *loader) misspelled(env map[string]string) {
	known, sections := []string{fileEnv}, map[string]bool{"CONFIG": true}
	for _, s := range settings {
		if name := s.env(); name != "" {
			known = append(known, name)
			sections[strings.ToUpper(s.section())] = true
			if s.secret != public {
				known = append(known, name+fileSuffix)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		section, _, _ := strings.Cut(name, "_")
		if !sections[section] || slices.Contains(known, name) {
			continue
		}
		if meant, ok := nearest(name, known); ok {
			l.warn(fmt.Sprintf("the variable %s is not read (did you mean %s?)", name, meant))
		}
	}
}
