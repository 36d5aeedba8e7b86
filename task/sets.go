package task

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"revela/imaging"
)

// DefaultSet is the set of variants of a task that asks for none. Records from
// before sets had names ask for none.
const DefaultSet = "default"

// Sets are the variants that can be asked for, by the name of their set.
// DefaultSet is one of them.
type Sets map[string][]imaging.Variant

// Find returns the set of a name, DefaultSet for "". The error is an
// *UnknownSetError.
func (s Sets) Find(name string) ([]imaging.Variant, error) {
	if name == "" {
		name = DefaultSet
	}
	set, ok := s[name]
	if !ok {
		return nil, &UnknownSetError{Name: name, Known: slices.Sorted(maps.Keys(s))}
	}
	return set, nil
}

// UnknownSetError says that this process has no such set of variants.
//
// To a worker it is not permanent: another worker may have a configuration that
// knows the set, as while a new one is rolled out.
type UnknownSetError struct {
	Name  string
	Known []string // what there is, sorted
}

func (e *UnknownSetError) Error() string {
	return fmt.Sprintf("there is no set of variants %q; there is %s", e.Name, strings.Join(e.Known, ", "))
}
